package downstream

import (
	"bytes"
	"errors"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Mistakes of a handler.
var (
	errStatus = errors.New("status code is not one that can be sent here")
	errNoHead = errors.New("response head was not written")
	errShort  = errors.New("response body is shorter than announced")

	errFinished = errors.New("response was finished already")
)

// writer is the state of the writing side of an exchange. The handler's
// goroutine uses it.
type writer struct {
	buf      []byte // not sent yet
	framing  framing
	left     int64 // bytes still to be written (byLen)
	status   int
	sent     int64 // bytes on the wire
	body     int64 // bytes of the body, framing not counted
	started  bool  // WriteHead was called
	onWire   bool  // part of the final response is on the wire
	finished bool  // Finish was called
	close    bool  // the response is the connection's last
	failed   bool  // a write failed
	cut      bool  // Abort was called
	trailers bool  // the client wants trailers

	// carried is how much of buf belongs to responses before this one: see carry.
	carried int
}

func (w *writer) reset() { *w = writer{buf: w.buf[:w.carried], carried: w.carried} }

// carry leaves a response that has ended in the buffer, to be sent with the next one,
// if that can be made without waiting for the client: its request is here whole. It
// tells whether it did.
func (x *exchange) carry() bool {
	w := &x.write
	if !x.set.batchPipelined || w.close || w.failed || x.ex.Request.Body != message.None ||
		cap(w.buf)-len(w.buf) < carryRoom || !bytes.Contains(x.buf[x.at:], endOfHead) {
		return false
	}
	w.sent += int64(len(w.buf) - w.carried)
	w.carried = len(w.buf)
	return true
}

// carryRoom is how much room the next response must find in the buffer.
const carryRoom = 512

var endOfHead = []byte("\r\n\r\n")

// sendCarried sends the responses before this one: it will be waited for, or not come.
func (x *exchange) sendCarried() {
	if x.write.carried > 0 {
		_ = x.flush() // a failure is kept in w.failed
	}
}

// put sends body bytes, or keeps them when they fit beside what waits. Over TLS what
// fits into one record should leave in one.
func (x *exchange) put(p []byte) error {
	w := &x.write
	if x.c.tls != nil && len(w.buf)+len(p) <= outBufferTLS {
		x.room(len(p))
	}
	if len(p) <= cap(w.buf)-len(w.buf) {
		w.buf = append(w.buf, p...)
		return nil
	}
	err := x.send(w.buf, p)
	w.buf, w.carried = w.buf[:0], 0 // also after a failure
	w.onWire = w.started
	return err
}

// flushUnless sends what waits unless n more bytes fit beside it. The write buffer
// does not grow with a body.
func (x *exchange) flushUnless(n int) error {
	if cap(x.write.buf)-len(x.write.buf) >= n {
		return nil
	}
	return x.flush()
}

// flush sends what waits.
func (x *exchange) flush() error {
	w := &x.write
	if len(w.buf) == 0 {
		if w.failed {
			return message.ErrClientGone
		}
		return nil
	}
	err := x.send(w.buf, nil)
	w.buf, w.carried = w.buf[:0], 0 // also after a failure
	w.onWire = w.started
	return err
}

// send writes a and then b, in parts that each have the write timeout for
// themselves. After an error nothing more is written.
func (x *exchange) send(a, b []byte) error {
	w, sc := &x.write, x.c.sc
	if w.failed || w.cut {
		return message.ErrClientGone
	}
	for len(a)+len(b) > 0 {
		part := b
		if len(part) > writePart {
			part = part[:writePart]
		}
		sc.WriteWithin(x.set.writeTimeout)
		n, err := sc.Write2(a, part)
		w.sent += int64(max(0, n-w.carried))
		w.carried = max(0, w.carried-n)
		if err != nil {
			w.failed = true
			return writeFailed(err)
		}
		a, b = nil, b[len(part):]
	}
	sc.WriteWithin(0)
	return nil
}

// writeFailed is what the writing methods make of an error of the socket.
func writeFailed(err error) error {
	if errors.Is(err, sock.ErrTimeout) {
		return message.ErrTimeout
	}
	return message.ErrClientGone
}
