package downstream

import (
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// stream is an exchange over HTTP/2: the Exchange that the handler sees, and its
// Stream. Its goroutine is one of x/net's. Streams are pooled; cutter is what others
// may keep.
//
// The end of the response leaves when the goroutine has returned to x/net, a moment
// after the exchange was observed. Sizes in the Trace are what the exchange would have
// had in HTTP/1.1, framing of bodies not counted.
type stream struct {
	ex     message.Exchange
	h      *http2Conn
	set    *settings
	rw     http2Writer
	req    *http.Request
	cutter *cutter
	mem    *alloc.Memory // as exchange.mem
	coarse time.Duration // when it began, on the reaper's clock
	number int           // on the connection, from 1

	names   []string // of the request's fields, to be sorted
	connect bool     // an extended CONNECT, which the handler sees as an upgrade
	body    streamBody
	write   writer
	tunnel  *streamTunnel // nil: the stream has not left HTTP

	panicked bool
}

var streams = sync.Pool{New: func() any { return new(stream) }}

// ServeHTTP implements http.Handler for x/net: it serves one stream.
func (h *http2Conn) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	s := &cutter{rw: rw.(http2Writer), renewed: h.c.srv.reaper.Now()}
	number, ok := h.enter(s)
	if !ok {
		panic(http.ErrAbortHandler) // nobody would read an answer
	}
	defer h.exit(s)
	x := streams.Get().(*stream)
	x.h, x.rw, x.req, x.cutter, x.number = h, s.rw, req, s, number
	whole := false
	defer func() {
		v := recover()
		if v != nil && v != http.ErrAbortHandler {
			x.reportPanic("stream", v)
		}
		s.end()
		if !whole { // a panic of ours, or the handler has ended its goroutine
			s.unwatch()
			x.panicked = true
			x.release()
		}
		if v != nil {
			panic(http.ErrAbortHandler) // x/net sends RST_STREAM
		}
	}()
	x.serve()
	cut := x.write.cut
	x.release()
	whole = true
	if cut {
		panic(http.ErrAbortHandler)
	}
}

// serve has the request answered.
func (x *stream) serve() {
	x.begin()
	if refusal := x.readHead(); refusal != nil {
		x.ex.Trace.Refusal = refusal.Text
		x.answer(refusal.Status, refusal.Text)
	} else {
		x.callHandler()
		x.conclude()
	}
	x.cutter.unwatch()
	x.account()
	if x.panicked {
		return
	}
	if x.write.status != 0 {
		x.ex.Mem.EndExchange()
	} else {
		x.ex.Mem.Release()
	}
}

// begin readies x for a request.
func (x *stream) begin() {
	c, ex := x.h.c, &x.ex
	x.set = c.srv.set.Load()
	x.mem = alloc.TakeMemory(x.set.mode)
	x.coarse = c.srv.reaper.Now()
	ex.Stream = x
	ex.Remote, ex.Local = c.sc.Remote(), c.sc.Local()
	ex.TLS, ex.Session = c.tls, &c.session
	ex.Start = time.Now()
	ex.HeadRead = ex.Start // x/net does not tell when it began
	ex.Mem = &x.mem.Work
	ex.Trace = message.Trace{Ordinal: x.number}
	ex.Data = nil
	r := &ex.Response
	r.Status, r.Reason, r.Minor, r.Body, r.Length, r.Close = 0, nil, 0, message.None, -1, false
	r.Fields.Reset(nil)
	r.Trailers.Reset(nil)
	x.connect, x.tunnel, x.panicked = false, nil, false
	x.body.reset()
	x.write = writer{}
}

// release gives x and its memory back, as exchange.release does.
func (x *stream) release() {
	if x.panicked {
		if m := x.ex.Mem; m != nil && x.mem != nil && m != &x.mem.Work {
			m.Abandon()
		}
		if x.mem != nil {
			x.mem.Abandon()
		}
		return
	}
	x.mem.Release()
	x.h, x.set, x.rw, x.req, x.cutter, x.mem, x.tunnel = nil, nil, nil, nil, nil, nil, nil
	x.body.buf = nil
	clear(x.names[:cap(x.names)])
	ex := &x.ex
	clearRequest(&ex.Request)
	ex.Response.Fields.Reset(nil)
	ex.Response.Trailers.Reset(nil)
	ex.Response.Reason, ex.Trace.RequestID, ex.TLS, ex.Session, ex.Data, ex.Mem = nil, nil, nil, nil, nil, nil
	streams.Put(x)
}

// clearRequest makes r an empty request.
func clearRequest(r *message.Request) {
	*r = message.Request{Fields: r.Fields, Trailers: r.Trailers}
	r.Fields.Reset(nil)
	r.Trailers.Reset(nil)
}

// callHandler lets the handler serve the exchange and contains its panic.
func (x *stream) callHandler() {
	defer x.recoverPanic("handler")
	x.h.c.srv.handler.ServeExchange(&x.ex)
}

// observe calls the handler's observer and contains its panic.
func (x *stream) observe() {
	defer x.recoverPanic("observer")
	x.h.c.srv.handler.Observe(&x.ex)
}

func (x *stream) recoverPanic(part string) {
	if v := recover(); v != nil {
		x.panicked = true
		x.reportPanic(part, v)
	}
}

func (x *stream) reportPanic(part string, v any) {
	c := x.h.c
	c.count.panics.Add(1)
	c.srv.log.Error("handler panicked", "part", part, "err", v, "client", x.ex.Remote.String(), "stack", string(debug.Stack()))
}

// conclude completes what the handler left undone.
func (x *stream) conclude() {
	w := &x.write
	switch {
	case x.tunnel != nil:
		x.tunnel.conclude(x)
	case w.cut:
	case !w.started:
		x.answer(500, "")
	case x.panicked, !w.finished:
		x.Abort()
	}
}

// account ends the exchange's trace and hands it to the observer.
func (x *stream) account() {
	w, t, count := &x.write, &x.ex.Trace, &x.h.c.count
	t.Status = w.status
	t.Sent, t.BodySent = w.sent, w.body
	t.Complete = w.finished && !w.cut
	t.Received += x.body.data
	count.requests.Add(1)
	count.received.Add(uint64(t.Received))
	count.sent.Add(uint64(t.Sent))
	x.observe()
}

// HeadWritten implements message.Stream.
func (x *stream) HeadWritten() bool { return x.write.started }

// Watch implements message.Stream. A client that resets the stream has gone, too; one
// that has ended its direction, which is the end of the request, has not.
func (x *stream) Watch(gone func()) { x.cutter.watch(x.req.Context(), gone) }

// Abort implements message.Stream: the client sees RST_STREAM. Other streams go on.
func (x *stream) Abort() {
	w := &x.write
	if w.cut {
		return
	}
	w.cut = true
	x.cutter.unwatch() // the client has not gone, we have
	x.interrupt()
	if !x.isGone() {
		x.cutter.reset()
	}
}

// isGone tells whether the client has reset the stream, or the connection ended.
func (x *stream) isGone() bool { return x.req.Context().Err() != nil }
