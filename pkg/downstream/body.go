package downstream

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// body is the state of the reading side of an exchange: how much of the request
// body is still to come. One goroutine at a time uses it, which need not be the
// handler's.
type body struct {
	chunks   http11.ChunkedReader
	chunked  bool
	left     int64 // bytes still to come, when not chunked
	err      error // what NextBody returns from now on; io.EOF at the end
	received int64 // bytes on the wire
	data     int64 // bytes of the body
	fills    int
	waited   time.Duration // time spent waiting for the client
	draining bool          // what comes is dropped, until drainBy
	noWait   bool          // only what is here is read
	dropped  bool          // DropBody was called
	drainBy  time.Duration // on the reaper's clock

	started atomic.Bool // NextBody was called
	broken  atomic.Bool // NextBody failed: what follows on the wire is not known
	reading atomic.Bool // NextBody waits for the socket
}

func (b *body) reset() {
	b.chunked, b.left, b.err = false, 0, io.EOF
	b.received, b.data, b.fills, b.waited = 0, 0, 0, 0
	b.draining, b.noWait, b.dropped = false, false, false
	b.started.Store(false)
	b.broken.Store(false)
}

// begin readies b for the request that x has parsed.
func (b *body) begin(x *exchange) {
	req := &x.ex.Request
	switch {
	case req.Body == message.Chunked:
		b.chunked, b.err = true, nil
		b.chunks.Reset(&x.set.limits)
	case req.Body > 0:
		b.left, b.err = int64(req.Body), nil
	}
	// An HTTP/1.0 client knows no 100 (RFC 9110, section 10.1.1).
	x.expect = req.ExpectContinue && req.Minor > 0 && b.err == nil
}

// errResponseEnded is what NextBody returns when it would wait although the
// response has ended. The rest of the body can still be drained.
var errResponseEnded = errors.New("response has ended")

// failed tells whether it is not known how the body goes on.
func (b *body) failed() bool {
	return b.err != nil && b.err != io.EOF && b.err != errResponseEnded
}

// NextBody implements message.Stream.
func (x *exchange) NextBody() ([]byte, error) {
	b := &x.body
	b.started.Store(true)
	if b.err != nil {
		return nil, b.err
	}
	data, err := x.readBody()
	if b.err = err; b.failed() {
		b.broken.Store(true)
	}
	if err == io.EOF {
		x.bodyEnded()
	}
	return data, err
}

// readBody returns the next bytes of the body. Together with the last bytes of a
// body whose length is known it returns no error; that comes with the next call.
func (x *exchange) readBody() ([]byte, error) {
	b, most := &x.body, x.ex.Request.MaxBody
	if b.left == 0 && !b.chunked {
		return nil, io.EOF
	}
	if err := x.mayRead(); err != nil {
		return nil, err
	}
	for {
		var data []byte
		var n int
		var err error
		if unread := x.buf[x.at:]; b.chunked {
			data, n, err = b.chunks.Next(unread, &x.ex.Request.Trailers)
		} else {
			n = int(min(int64(len(unread)), b.left))
			data = unread[:n]
			b.left -= int64(n)
		}
		x.at += n
		b.received += int64(n)
		b.data += int64(len(data))
		switch {
		case err == io.EOF:
			return nil, err
		case err != nil:
			return nil, message.ErrBodyMalformed
		case most > 0 && b.data > most:
			return nil, message.ErrBodyTooLarge
		case len(data) > 0:
			return data, nil
		case n > 0:
			continue // a chunk's first line
		}
		if err := x.fill(); err != nil {
			return nil, err
		}
	}
}

// mayRead refuses a body that is known to be too large, and asks the client for one
// that it holds back.
func (x *exchange) mayRead() error {
	b, most := &x.body, x.ex.Request.MaxBody
	if most > 0 && b.left > most-b.data {
		return message.ErrBodyTooLarge
	}
	return x.sendContinue()
}

// fill waits for more bytes of the body and appends them to x.buf.
func (x *exchange) fill() error {
	space := x.bodySpace()
	if x.body.noWait {
		return x.fillNow(space)
	}
	n, err := x.receive(space)
	x.buf = x.buf[:len(x.buf)+n]
	if err == nil && x.tooSlow() {
		return message.ErrTimeout
	}
	return err
}

// receive reads bytes of the body into space, or, when that is empty, waits until the
// socket has some.
func (x *exchange) receive(space []byte) (n int, err error) {
	b, clock := &x.body, x.c.srv.reaper
	limit := x.set.bodyTimeout
	before := clock.Now()
	if most := x.set.requestTimeout; most > 0 {
		left := most - (before - x.coarse)
		if left <= 0 {
			return 0, message.ErrTimeout
		}
		if limit <= 0 || limit > left {
			limit = left
		}
	}
	if b.draining {
		if limit = b.drainBy - before; limit <= 0 {
			return 0, message.ErrTimeout
		}
	}
	x.c.sc.ReadWithin(limit)
	b.reading.Store(true)
	switch {
	case x.over.Load() && !b.draining:
		err = sock.ErrTimeout // see interrupt
	case len(space) == 0:
		err = x.c.sc.WaitRead()
	default:
		n, err = x.c.sc.Read(space)
	}
	b.reading.Store(false)
	x.c.sc.ReadWithin(0)
	b.fills++
	b.waited += clock.Now() - before
	if err != nil {
		err = x.readFailed(err)
	}
	return n, err
}

// readFailed is what NextBody makes of an error of the socket.
func (x *exchange) readFailed(err error) error {
	switch {
	case !errors.Is(err, sock.ErrTimeout):
		return message.ErrClientGone
	case x.over.Load() && !x.body.draining:
		return errResponseEnded
	}
	return message.ErrTimeout
}

// errWouldWait is what fill returns when nothing is here and it must not wait.
var errWouldWait = errors.New("body is not here yet")

// fillNow appends what is here of the body, without waiting.
func (x *exchange) fillNow(space []byte) error {
	n, err := x.c.sc.TryRead(space)
	x.buf = x.buf[:len(x.buf)+n]
	switch err {
	case nil:
		return nil
	case sock.ErrWouldBlock:
		return errWouldWait
	}
	return message.ErrClientGone
}

// DropBody implements message.Stream.
func (x *exchange) DropBody() {
	b := &x.body
	if x.expect || b.dropped || x.write.started {
		return
	}
	b.dropped = true
	if b.left > maxDrainBytes {
		return
	}
	b.draining, b.noWait = true, true
	most := x.ex.Request.MaxBody
	x.ex.Request.MaxBody = 0
	for from := b.data; !b.ended() && b.err == nil && b.data-from <= maxDrainBytes; {
		_, err := x.readBody()
		if err == errWouldWait {
			break
		}
		if b.err = err; b.failed() {
			b.broken.Store(true)
		}
	}
	x.ex.Request.MaxBody = most
	b.draining, b.noWait = false, false
}

// ended tells whether the body was read to its end.
func (b *body) ended() bool { return b.err == io.EOF || b.err == nil && b.left == 0 && !b.chunked }

// tooSlow tells whether the body arrives below the least rate.
func (x *exchange) tooSlow() bool {
	late := x.body.waited - minRateGrace
	return late > 0 && x.body.data+int64(len(x.buf)-x.at) < int64(late/time.Second)*minBodyRate
}

// bodySpace returns the part of the read buffer that the next bytes of the body
// go to, and makes room for it. Bytes of the head stay where they are.
func (x *exchange) bodySpace() []byte {
	b := &x.body
	if x.at == len(x.buf) {
		x.buf, x.at = x.buf[:x.floor], x.floor
	} else if x.at > x.floor && cap(x.buf)-len(x.buf) < minBodySpace {
		n := copy(x.buf[x.floor:], x.buf[x.at:])
		x.buf, x.at = x.buf[:x.floor+n], x.floor
	}
	want := minBodySpace
	switch {
	case !b.chunked:
		want = int(min(b.left, bodyBuffer))
	case b.fills > 0:
		want = bodyBuffer / 2
	}
	if room := cap(x.buf) - len(x.buf); room < want && (x.head == nil || room < minBodySpace) {
		x.enlarge(want)
	}
	end := cap(x.buf)
	if !b.chunked {
		end = int(min(int64(end), int64(len(x.buf))+b.left)) // never of the next request
	}
	return x.buf[len(x.buf):end]
}

// enlarge makes room for want more bytes of the body: where the buffer stands if
// that can be, else by moving the unread bytes to a larger one. The head then stays
// in the old one, whose views the exchange holds.
func (x *exchange) enlarge(want int) {
	var ok bool
	if x.buf, ok = x.mem.In.Extend(x.buf, len(x.buf)+want); ok {
		return
	}
	if x.head != nil {
		x.buf = x.mem.In.Grow(x.buf, 2*cap(x.buf)) // a long line; the limits bound it
		return
	}
	x.head = x.buf
	unread := x.buf[x.at:]
	x.buf = append(x.mem.In.Alloc(max(bodyBuffer, 2*len(unread)))[:0], unread...)
	x.at, x.floor = 0, 0
}

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// sendContinue asks a client that waits for it to send its body (RFC 9110,
// section 10.1.1), unless part of the body is there already.
func (x *exchange) sendContinue() error {
	if !x.ex.Request.ExpectContinue || x.body.draining {
		return nil
	}
	x.expectMu.Lock()
	defer x.expectMu.Unlock()
	if !x.expect || x.write.started {
		return nil
	}
	x.expect = false
	if len(x.buf) > x.at {
		return nil
	}
	// Not through send: the writing side belongs to another goroutine, which
	// writes nothing before its head, and that waits for us.
	sc := x.c.sc
	sc.WriteWithin(x.set.writeTimeout)
	if _, err := sc.Write(continueLine); err != nil {
		return message.ErrClientGone
	}
	sc.WriteWithin(0)
	return nil
}

// interrupt ends a NextBody that waits in another goroutine although the
// response has ended.
func (x *exchange) interrupt() {
	x.over.Store(true)
	if x.body.reading.Load() {
		x.interrupted = true
		_ = x.c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// drainBody reads and drops what is left of the request body, so that the next
// request can be read. It tells whether it got there within bounds.
func (x *exchange) drainBody() bool {
	b := &x.body
	if x.interrupted && !x.c.sc.Resume() {
		return false
	}
	if b.err == errResponseEnded {
		b.err = nil
	}
	if b.ended() {
		return true
	}
	if b.err != nil || x.expect || b.left > maxDrainBytes {
		return false
	}
	b.draining = true
	b.drainBy = x.c.srv.reaper.Now() + maxDrainTime
	x.ex.Request.MaxBody = 0
	for from := b.data; b.data-from <= maxDrainBytes; {
		if _, err := x.NextBody(); err != nil {
			return err == io.EOF
		}
	}
	return false
}
