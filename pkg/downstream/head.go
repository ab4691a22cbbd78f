package downstream

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Reasons for refusing a head that http11 does not know of.
var (
	errHeadTimeout = &http11.Error{Status: 408, Text: "request head took too long"}
	errHeadCut     = &http11.Error{Status: 400, Text: "request head is incomplete"}
	errBodyTooLong = &http11.Error{Status: 413, Text: "request body is too large"}
	errTLSRecord   = &http11.Error{Status: 400, Text: "TLS was spoken to a port made for plain HTTP"}
)

// readFirst reads what woke the connection, without waiting.
func (x *exchange) readFirst() (int, error) {
	c := x.c
	if c.early > 0 {
		x.buf = append(x.buf, c.first[0])
		c.early = 0
		return 1, nil
	}
	n, err := c.sc.TryRead(x.buf[:cap(x.buf)])
	x.buf = x.buf[:n]
	return n, err
}

// readHead reads and parses one request head, of which at least a byte is in
// x.buf[x.at:]. When it fails, ok is false and the client has its answer.
func (x *exchange) readHead() (after outcome, ok bool) {
	limits := &x.set.limits
	x.scan.Reset()
	end, err := x.scanHead(limits)
	x.ex.HeadRead = x.ex.Start
	if end == 0 && err == nil {
		// One deadline for the whole head, however it trickles in. Most heads
		// arrive in one piece, and need none.
		x.c.readWithin(x.set.headerTimeout)
		for end == 0 && err == nil {
			if err = x.readMoreHead(); err == nil {
				end, err = x.scanHead(limits)
			}
		}
		x.ex.HeadRead = time.Now()
	}
	if err == nil {
		// The handler's time is its own.
		x.c.readWithin(0)
		head := x.buf[x.at+x.scan.Start() : x.at+end]
		if string(head) == beginsHTTP2 && x.mayTurn() {
			x.c.preface = bytes.Clone(x.buf[x.at:])
			return toHTTP2, false
		}
		x.at += end
		x.floor = x.at
		x.ex.Trace.Received = int64(end)
		x.ex.Request.MaxBody = x.set.maxBody
		if err = http11.ParseRequest(&x.ex.Request, head, limits); err == nil && x.announcesTooMuch() {
			err = errBodyTooLong
		}
		if err == nil {
			x.body.begin(x)
			x.write.trailers = acceptsTrailers(&x.ex.Request.Fields)
			return again, true
		}
	} else {
		x.ex.Trace.Received = int64(len(x.buf) - x.at)
		x.clearRequest()
	}
	if refusal, is := err.(*http11.Error); is { // never wrapped
		return x.refuse(refusal), false
	}
	return x.headFailed(err), false
}

// beginsHTTP2 is the part of the client's connection preface in HTTP/2 that looks like
// a request (RFC 9113, section 3.4).
const beginsHTTP2 = "PRI * HTTP/2.0\r\n\r\n"

// mayTurn tells whether the connection may go on in HTTP/2: with its first bytes, in
// clear text. With TLS there is ALPN (section 3.3).
func (x *exchange) mayTurn() bool {
	c := x.c
	return x.set.http2 && c.tls == nil && c.served == 0 && x.at == 0 && x.scan.Start() == 0
}

// announcesTooMuch tells whether the request's body is known to exceed the limit.
func (x *exchange) announcesTooMuch() bool {
	most := x.set.maxBody
	return most > 0 && int64(x.ex.Request.Body) > most
}

// scanHead looks for the end of the head in what was read.
func (x *exchange) scanHead(limits *http11.Limits) (end int, err error) {
	if isTLSRecord(x.buf[x.at:]) {
		return 0, errTLSRecord
	}
	return x.scan.Scan(x.buf[x.at:], limits)
}

// clearRequest makes the request an empty one: of the last request on this
// connection nothing may show in the log line of a head that did not parse.
func (x *exchange) clearRequest() {
	r := &x.ex.Request
	*r = message.Request{Fields: r.Fields, Trailers: r.Trailers}
	r.Fields.Reset(nil)
	r.Trailers.Reset(nil)
}

// readMoreHead waits for more bytes of a head and appends them to x.buf. The
// scanner bounds how far the buffer grows.
func (x *exchange) readMoreHead() error {
	x.sendCarried()
	if len(x.buf)-x.at <= smallHead && x.c.sc.CanWait() {
		if err := x.waitSmall(); err != nil {
			return err
		}
	}
	if len(x.buf) == cap(x.buf) {
		if x.at > 0 {
			n := copy(x.buf, x.buf[x.at:])
			x.buf, x.at = x.buf[:n], 0
		} else {
			x.buf = x.mem.In.Grow(x.buf, 2*cap(x.buf))
		}
	}
	n, err := x.c.sc.Read(x.buf[len(x.buf):cap(x.buf)])
	x.buf = x.buf[:len(x.buf)+n]
	return err
}

// smallHead is the largest beginning of a head that waits in a buffer of its size.
const smallHead = 2 << 10

// waitSmall waits for more bytes of a head that has hardly begun, and holds a
// small buffer meanwhile, in any mode: many clients that begin and do not go on
// should cost little.
func (x *exchange) waitSmall() error {
	wait := alloc.Take(alloc.Standard)
	small := append(wait.Alloc(len(x.buf) - x.at)[:0], x.buf[x.at:]...)
	x.mem.Release()
	x.write.buf = nil // it was empty
	err := x.c.sc.WaitRead()
	x.mem = alloc.TakeMemory(x.set.mode)
	x.ex.Mem = &x.mem.Work
	x.buf, x.at = append(x.mem.In.Alloc(headBuffer)[:0], small...), 0
	wait.Release()
	return err
}

// headFailed ends a connection whose request head did not arrive.
func (x *exchange) headFailed(err error) outcome {
	if isBlank(x.buf[x.at:]) {
		return closed // an end of line after the last request, and no request
	}
	switch {
	case errors.Is(err, sock.ErrTimeout):
		return x.refuse(errHeadTimeout)
	case err == io.EOF:
		// The client may have closed its own direction only.
		return x.refuse(errHeadCut)
	}
	return closed
}

// isBlank tells whether b is no part of a request yet (RFC 9112, section 2.2).
func isBlank(b []byte) bool {
	switch string(b) {
	case "", "\r", "\r\n":
		return true
	}
	return false
}
