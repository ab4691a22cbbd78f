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
	waited, err := x.relay(a)
	if waited {
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
	why := upstream.Reasons
	switch {
	case !s.endsSoon(), started && !s.whole, x.left.isGone():
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
	if x.route.Sticky != nil {
		x.tellSticky()
	}
	x.route.Filters.Response(x.Exchange, &x.filters)
}

// relay writes the head and the body to the client. Bytes are passed on as they
// arrive: what the server still holds is flushed before each wait (ingress-nginx:
// proxy-buffering is off). A head whose body has arrived with it leaves with it
// in one write. It tells whether it had to wait for the upstream.
func (x *exchange) relay(a *message.Attempt) (waited bool, err error) {
	if err := x.WriteHead(); err != nil {
		return false, err
	}
	resp := &x.Response
	switch {
	case x.route.Buffering.Response && resp.Body != message.None && !x.isHere():
		waited, err = true, x.relayBuffered(a)
	case resp.Body > 0:
		waited, err = x.relayLength(a, int64(resp.Body))
	case resp.Body == message.Chunked:
		x.chunks.Reset(&responseLimits)
		waited, err = x.relayChunks(a)
	case resp.Body == message.UntilClose:
		waited, err = true, x.relayUntilClose(a)
	}
	if err != nil {
		return waited, err
	}
	return waited, x.Finish(&resp.Trailers)
}

// relayLength passes on a body of left bytes.
func (x *exchange) relayLength(a *message.Attempt, left int64) (waited bool, err error) {
	for {
		n := min(int64(len(x.buf)-x.at), left)
		data := x.buf[x.at : x.at+int(n)]
		x.at += int(n)
		left -= n
		a.Length += n
		if err := x.WriteBody(data); err != nil {
			return waited, err
		}
		if left == 0 {
			return waited, nil
		}
		waited = true
		if left >= pipeMin && !x.sender.running && x.route.RequestTimeout == 0 { // which a pipe cannot keep
			if done, err := x.pipe(a, left); done {
				return waited, err
			}
		}
		if err := x.more(left); err == io.EOF {
			return waited, errCut
		} else if err != nil {
			return waited, err
		}
	}
}

// pipe moves the rest of a body from the endpoint's socket to the client's, if it
// can: past our memory. It tells whether it could.
func (x *exchange) pipe(a *message.Attempt, left int64) (done bool, err error) {
	moved, ok, readErr, writeErr := x.PipeFrom(x.conn.Conn, left, x.within(x.route.ReadTimeout))
	a.Length += moved
	switch {
	case !ok:
		return false, nil
	case writeErr != nil:
		return true, writeErr
	case readErr != nil || moved < left:
		return true, errCut
	}
	return true, nil
}

// isHere tells whether the whole of a body whose length is known was read with its
// head.
func (x *exchange) isHere() bool {
	return x.Response.Body > 0 && int64(len(x.buf)-x.at) >= int64(x.Response.Body)
}

// relayChunks passes on a body in chunks.
func (x *exchange) relayChunks(a *message.Attempt) (waited bool, err error) {
	for {
		data, n, err := x.chunks.Next(x.buf[x.at:], &x.Response.Trailers)
		x.at += n
		a.Length += int64(len(data))
		if err := x.WriteBody(data); err != nil {
			return waited, err
		}
		switch {
		case err == io.EOF:
			return waited, nil
		case err != nil:
			return waited, errCut
		case n > 0:
			continue
		}
		waited = true
		if err := x.more(mediumBuffer); err == io.EOF {
			return waited, errCut
		} else if err != nil {
			return waited, err
		}
	}
}

// relayUntilClose passes on a body that ends with its connection. Only a clean
// end is one.
func (x *exchange) relayUntilClose(a *message.Attempt) error {
	for {
		data := x.buf[x.at:]
		x.at = len(x.buf)
		a.Length += int64(len(data))
		if err := x.WriteBody(data); err != nil {
			return err
		}
		if err := x.more(mediumBuffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// more reads more of a body of which left bytes are expected. Bytes that are not
// consumed are kept. It returns io.EOF at the end, errCut for any other failure
// of the upstream, or the error of writing to the client.
func (x *exchange) more(left int64) error {
	if x.late() {
		return errCut
	}
	x.makeRoom(left)
	space := x.buf[len(x.buf):cap(x.buf)]
	n, err := x.conn.TryRead(space)
	if err == sock.ErrWouldBlock {
		if err := x.Flush(); err != nil {
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
