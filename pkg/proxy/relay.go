package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// errCut is returned when the upstream ended before its response did.
var errCut = errors.New("response was cut short")

// pass passes the response on whose head was read, and decides what becomes of
// the upstream connection.
func (x *exchange) pass(a *message.Attempt, begun time.Time) {
	x.prepareResponse()
	if x.Response.Status == 101 {
		x.tunnel()
		x.release(upstream.ClosedTunnel)
		a.Total = time.Since(begun)
		return
	}
	x.waited = false
	err := x.relay(a)
	if x.waited {
		a.Total = time.Since(begun)
	}
	switch {
	case err == nil:
		x.giveBack()
	case x.left.isGone():
		x.Abort()
		x.release(upstream.ClosedUnfinished)
	case errors.Is(err, errCut):
		// The client must see that, too: no end of ours, but a reset.
		x.outcome = upstream.Failed
		x.Abort()
		x.release(upstream.ClosedFailed)
	default:
		x.Abort() // the client left; a sender need not wait for it
		x.release(upstream.ClosedUnfinished)
	}
}

// giveBack keeps the upstream connection, if nothing of this exchange can be left
// on it: the request was sent whole, and the response was read to its last byte
// with none after it.
func (x *exchange) giveBack() {
	if x.conn == nil {
		return // it was given back while the client still read
	}
	s := &x.sender
	started := !x.request.whole
	ours := x.stale == nil // what the sender does
	why := upstream.Reasons
	switch {
	case ours && !s.endsSoon(), started && !s.whole, x.left.isGone():
		why = upstream.ClosedUnfinished
	case x.at < len(x.buf):
		why = upstream.ClosedUnasked
	case x.Response.Close:
		why = upstream.ClosedByPeer
	}
	if why != upstream.Reasons {
		x.release(why)
		return
	}
	c := x.conn
	x.left.drop()
	x.conn = nil
	x.endpoint.Put(c)
}

// prepareResponse readies the response's head to be passed on.
func (x *exchange) prepareResponse() {
	if x.to.Sticky != nil {
		x.tellSticky()
	}
	if x.paged {
		x.challenges()
	}
	x.route.Filters.Response(x.Exchange, &x.filters)
}

// relay writes the response to the client. A head whose body has arrived with it
// leaves with it in one write.
func (x *exchange) relay(a *message.Attempt) error {
	if err := x.WriteHead(); err != nil {
		return err
	}
	if err := x.relayBody(a); err != nil {
		return err
	}
	return x.Finish(&x.Response.Trailers)
}

func (x *exchange) relayBody(a *message.Attempt) error {
	body := x.Response.Body
	switch {
	case body == message.None:
		return nil
	case x.isHere():
	case x.route.Buffering.Response:
		return x.relayBuffered(a)
	case body >= pipeMin && !x.sender.running && x.route.RequestTimeout == 0: // which a pipe cannot keep
		return x.relayLarge(a)
	}
	return x.readBody(x, a)
}

// isHere tells whether the whole of a body whose length is known was read with its
// head.
func (x *exchange) isHere() bool {
	return x.Response.Body > 0 && int64(len(x.buf)-x.at) >= int64(x.Response.Body)
}

// relayLarge moves what has not arrived yet from the endpoint's socket to the
// client's, past our memory, if it can.
func (x *exchange) relayLarge(a *message.Attempt) error {
	left, err := x.takeHere(x, a, int64(x.Response.Body))
	if err != nil {
		return err
	}
	x.waited = true
	moved, ok, readErr, writeErr := x.PipeFrom(x.conn.Conn, left, x.within(x.route.ReadTimeout))
	a.Length += moved
	switch {
	case !ok:
		return x.readLength(x, a, left)
	case writeErr != nil:
		return writeErr
	case readErr != nil || moved < left:
		return errCut
	}
	return nil
}

// bodyWriter is where a response's body goes: to the client, or into a buffer.
// Flush is called before each wait, so that bytes are passed on as they arrive
// (ingress-nginx: proxy-buffering is off).
type bodyWriter interface {
	WriteBody(p []byte) error
	Flush() error
}

// readBody reads the response's body to its end.
func (x *exchange) readBody(to bodyWriter, a *message.Attempt) error {
	switch body := x.Response.Body; body {
	case message.Chunked:
		x.chunks.Reset(&responseLimits)
		return x.readChunks(to, a)
	case message.UntilClose:
		return x.readUntilClose(to, a)
	default:
		return x.readLength(to, a, int64(body))
	}
}

// readLength reads a body of left bytes.
func (x *exchange) readLength(to bodyWriter, a *message.Attempt, left int64) error {
	for {
		var err error
		if left, err = x.takeHere(to, a, left); err != nil || left == 0 {
			return err
		}
		if err := x.more(to, left); err == io.EOF {
			return errCut
		} else if err != nil {
			return err
		}
	}
}

// takeHere passes on what has arrived of a body of which left bytes are missing, and
// returns how many are then.
func (x *exchange) takeHere(to bodyWriter, a *message.Attempt, left int64) (int64, error) {
	n := min(int64(len(x.buf)-x.at), left)
	data := x.buf[x.at : x.at+int(n)]
	x.at += int(n)
	a.Length += n
	return left - n, to.WriteBody(data)
}

// readChunks reads a body in chunks.
func (x *exchange) readChunks(to bodyWriter, a *message.Attempt) error {
	for {
		data, n, err := x.chunks.Next(x.buf[x.at:], &x.Response.Trailers)
		x.at += n
		a.Length += int64(len(data))
		if err := to.WriteBody(data); err != nil {
			return err
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return errCut
		case n > 0:
			continue
		}
		if err := x.more(to, mediumBuffer); err == io.EOF {
			return errCut
		} else if err != nil {
			return err
		}
	}
}

// readUntilClose reads a body that ends with its connection. Only a clean end is one.
func (x *exchange) readUntilClose(to bodyWriter, a *message.Attempt) error {
	for {
		data := x.buf[x.at:]
		x.at = len(x.buf)
		a.Length += int64(len(data))
		if err := to.WriteBody(data); err != nil {
			return err
		}
		if err := x.more(to, mediumBuffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// more reads more of a body of which left bytes are expected. Bytes that are not
// consumed are kept. It returns io.EOF at the end, errCut for any other failure
// of the upstream, or the error of flushing.
func (x *exchange) more(to bodyWriter, left int64) error {
	x.waited = true
	if x.late() {
		return errCut
	}
	x.makeRoom(left)
	space := x.buf[len(x.buf):cap(x.buf)]
	n, err := x.conn.TryRead(space)
	if err == sock.ErrWouldBlock {
		if err := to.Flush(); err != nil {
			return err
		}
		n, err = x.read(space)
	}
	x.buf = x.buf[:len(x.buf)+n]
	if err != nil && err != io.EOF {
		return errCut
	}
	return err
}

// makeRoom empties the read buffer as far as it is consumed, and takes a larger
// one for a body that is worth it.
func (x *exchange) makeRoom(left int64) {
	n := copy(x.buf, x.buf[x.at:])
	x.buf, x.at = x.buf[:n], 0
	want := mediumBuffer
	if left > mediumBuffer {
		want = largeBuffer
	}
	if int64(cap(x.buf)-n) < left && cap(x.buf) < want {
		x.buf = x.Mem.Grow(x.buf, want)
	}
}
