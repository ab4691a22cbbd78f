package downstream

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// streamBody is the state of the reading side of a stream. One goroutine at a time
// uses it, which need not be the handler's. x/net answers "100 Continue" when the
// client waits for it, with the first read.
type streamBody struct {
	buf     []byte
	chunked bool  // the length is not known
	left    int64 // bytes still to come, when it is
	err     error // what NextBody returns from now on; io.EOF at the end
	data    int64 // bytes that came
	waited  time.Duration

	over atomic.Bool // nobody reads any more
}

func (b *streamBody) reset() {
	b.buf, b.chunked, b.left, b.err = nil, false, 0, io.EOF
	b.data, b.waited = 0, 0
	b.over.Store(false)
}

// begin readies b for the body of req.
func (b *streamBody) begin(req *message.Request) {
	switch {
	case req.Body == message.Chunked:
		b.chunked, b.err = true, nil
	case req.Body > 0:
		b.left, b.err = int64(req.Body), nil
	}
}

// NextBody implements message.Stream.
func (x *stream) NextBody() (data []byte, err error) {
	b := &x.body
	if b.err != nil {
		return nil, b.err
	}
	data, b.err = x.readBody()
	return data, b.err
}

// readBody returns the next bytes of the body, or an error.
func (x *stream) readBody() ([]byte, error) {
	b, most := &x.body, x.ex.Request.MaxBody
	switch {
	case !b.chunked && b.left == 0:
		return nil, io.EOF
	case most > 0 && b.left > most-b.data:
		return nil, message.ErrBodyTooLarge
	}
	space := x.bodySpace()
	n, err := x.receive(space)
	b.data += int64(n)
	switch {
	case n > 0 && most > 0 && b.data > most:
		return nil, message.ErrBodyTooLarge
	case n > 0 && x.tooSlow():
		return nil, message.ErrTimeout
	case n > 0:
		b.left = max(0, b.left-int64(n))
		return space[:n], nil
	case err != io.EOF:
		return nil, x.bodyFailed(err)
	case !b.chunked:
		return nil, message.ErrBodyMalformed // which x/net would have told
	}
	return nil, x.takeTrailers()
}

// bodySpace returns what the next bytes of the body go to.
func (x *stream) bodySpace() []byte {
	b := &x.body
	want := bodyBuffer / 2
	if !b.chunked {
		want = int(min(b.left, bodyBuffer))
	}
	if b.buf == nil {
		b.buf = x.mem.In.Alloc(want)
	}
	return b.buf[:min(want, len(b.buf))]
}

// receive waits for bytes of the body within the limits of time.
func (x *stream) receive(space []byte) (n int, err error) {
	b, clock := &x.body, x.h.c.srv.reaper
	limit, now := x.set.bodyTimeout, clock.Now()
	if most := x.set.requestTimeout; most > 0 {
		left := most - (now - x.coarse)
		if left <= 0 {
			return 0, sock.ErrTimeout
		}
		if limit <= 0 || limit > left {
			limit = left
		}
	}
	within(&x.cutter.readBy, now, limit)
	n, err = x.req.Body.Read(space)
	x.cutter.readBy.Store(0)
	b.waited += clock.Now() - now
	return n, err
}

// tooSlow tells whether the body arrives below the least rate.
func (x *stream) tooSlow() bool {
	late := x.body.waited - minRateGrace
	return late > 0 && x.body.data < int64(late/time.Second)*minBodyRate
}

// bodyFailed is what NextBody makes of an error of x/net.
func (x *stream) bodyFailed(err error) error {
	reset := http2.StreamError{}
	switch {
	case x.body.over.Load():
		return errResponseEnded
	case errors.Is(err, os.ErrDeadlineExceeded):
		return message.ErrTimeout
	case errors.As(err, &reset), x.isGone():
		return message.ErrClientGone
	}
	return message.ErrBodyMalformed // it does not have the length announced
}

// takeTrailers passes on the trailers that the field Trailer has announced, as x/net
// does, under the rules of HTTP/1.1. It returns io.EOF.
func (x *stream) takeTrailers() error {
	size := 0
	names := x.names[:0] // the head is parsed
	for name, values := range x.req.Trailer {
		if !http11.ValidFieldName([]byte(name)) {
			return message.ErrBodyMalformed
		}
		for _, value := range values {
			if !oneLine(value) {
				return message.ErrBodyMalformed
			}
			size += len(name) + len(value) + fieldSpare
		}
		names = append(names, name)
	}
	x.names = names
	switch {
	case size == 0:
		return io.EOF
	case size > x.set.limits.TrailerBytes:
		return message.ErrBodyMalformed
	}
	slices.Sort(names)
	b := append(x.mem.In.Alloc(size + len("0\r\n\r\n"))[:0], "0\r\n"...)
	for _, name := range names {
		for _, value := range x.req.Trailer[name] {
			b = http11.AppendField(b, name, []byte(value))
		}
	}
	b = append(b, "\r\n"...)
	var chunks http11.ChunkedReader
	chunks.Reset(&x.set.limits)
	if _, _, err := chunks.Next(b, &x.ex.Request.Trailers); err != io.EOF {
		return message.ErrBodyMalformed
	}
	return io.EOF
}

// DropBody implements message.Stream. What is here and what follows is dropped, and
// the connection goes on in any case.
func (x *stream) DropBody() {
	if !x.write.started {
		x.interrupt()
	}
}

// interrupt ends the reading of the body: a NextBody that waits in another goroutine
// fails. x/net drops what is here and follows, and lets the client send that much more
// on other streams.
func (x *stream) interrupt() {
	if x.ex.Request.Body != message.None || x.connect {
		x.body.over.Store(true)
		_ = x.req.Body.Close()
	}
}

// PipeBody implements message.Stream: a stream is no socket.
func (x *stream) PipeBody(*sock.Conn, time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	return 0, false, nil, nil
}

// PipeFrom implements message.Stream: a stream is no socket.
func (x *stream) PipeFrom(*sock.Conn, int64, time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	return 0, false, nil, nil
}
