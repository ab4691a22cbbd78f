package server

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// exchange is a Request with its ResponseWriter. Exchanges are pooled: what a
// handler is given serves one request after another.
type exchange struct {
	s    *server
	ex   *message.Exchange
	req  request
	resp response

	returned bool // the handler has returned, and the response is complete
}

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.req.body.x = x
	x.resp.x = x
	return x
}}

// ServeExchange implements message.Handler.
func (s *server) ServeExchange(ex *message.Exchange) {
	x := exchanges.Get().(*exchange)
	x.begin(s, ex)
	if x.readPath() {
		x.serve()
	} else {
		ex.Trace.Refusal = malformedPath
		x.answer(http.StatusBadRequest, ": "+malformedPath)
	}
	x.end()
}

// begin readies x for ex.
func (x *exchange) begin(s *server, ex *message.Exchange) {
	x.s, x.ex, x.returned = s, ex, false
	r, w := &x.req, &x.resp
	r.ex = ex
	r.header.attach(&ex.Request.Fields)
	r.trailer.attach(&ex.Request.Trailers)
	r.body.begin()
	w.begin(ex)
}

// readPath brings the path into its normal form. It returns false for one that has
// none.
func (x *exchange) readPath() bool {
	path := x.ex.Request.Path
	x.req.path = path
	if bytes.IndexByte(path, '%') < 0 && !bytes.Contains(path, dotSegment) {
		return true // as most are
	}
	normal, err := http11.NormalizePath(x.ex.Mem.Alloc(len(path)), path)
	if err != nil {
		return false
	}
	x.req.path = normal
	return true
}

// dotSegment is how a segment begins that may be "." or "..".
var dotSegment = []byte("/.")

// serve has the handler answer, and completes the response.
func (x *exchange) serve() {
	defer x.contain()
	x.s.handler.ServeHTTP(&x.resp, &x.req)
	x.endContext()
	x.resp.finish()
	x.returned = true
}

// contain passes a panic of the handler on to the connection, but for that which
// only asks for the connection's end.
func (x *exchange) contain() {
	if x.returned {
		return
	}
	x.endContext()
	switch v := recover(); v {
	case nil: // the goroutine is ending, and the connection with it
	case http.ErrAbortHandler:
		x.abort()
	default:
		panic(v)
	}
}

// end gives x back. It is not reached after a panic: goroutines of the handler may
// still use x then.
func (x *exchange) end() {
	if x.ex.Request.Body != message.None {
		x.req.body.end()
	}
	x.s, x.ex = nil, nil
	x.req.ex, x.req.path = nil, nil
	if x.req.ctx.Load() != nil {
		x.req.ctx.Store(nil)
	}
	x.resp.forget()
	exchanges.Put(x)
}

// endContext cancels the request's context, if there is one.
func (x *exchange) endContext() {
	if c := x.req.ctx.Load(); c != nil {
		c.cancel()
	}
}

// abort cuts the response short.
func (x *exchange) abort() {
	x.s.failures.aborted.Add(1)
	x.ex.Abort()
}

// bodyFailed counts a request body that could not be read to its end.
func (x *exchange) bodyFailed(err error) {
	switch err {
	case message.ErrBodyTooLarge:
		x.s.failures.tooLarge.Add(1)
	case message.ErrBodyMalformed:
		x.s.failures.malformed.Add(1)
	case message.ErrTimeout:
		x.s.failures.timedOut.Add(1)
	case message.ErrClientGone:
		x.endContext()
	}
}

// malformedPath is why a path without a normal form is refused.
const malformedPath = "malformed path"

// answer sends a small response of the server's own in place of the handler's. why
// follows the reason phrase.
func (x *exchange) answer(status int, why string) {
	w, r := &x.resp, &x.ex.Response
	w.header.clear()
	text := http11.StatusText(status)
	x.dropBody()
	r.Status, r.Body, r.Length = status, message.Framing(len(text)+len(why)+1), -1
	r.Fields.Add(message.ContentType, textPlain)
	w.committed = true
	err := x.ex.WriteHead()
	if err == nil {
		err = x.ex.WriteBody(append(append(append(w.take(len(text)+len(why)+1), text...), why...), '\n'))
	}
	if err == nil {
		err = x.ex.Finish(nil)
	}
	if err != nil {
		x.abort()
	}
}
