package downstream

import (
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// exchange is what a connection holds from the first byte of a request until it
// waits again: the Exchange that the handler sees, its Stream, and the buffers.
// Exchanges are pooled and serve one connection after another.
type exchange struct {
	ex  message.Exchange
	c   *conn
	set *settings // in force since the head began

	// mem is the memory of the connection and, unless the handler replaces it, of
	// the exchange. Its parts may be used by two goroutines.
	mem *alloc.Memory
	// buf holds what was read; buf[at:] is not consumed yet. While an exchange
	// is served, buf[:floor] holds its head, unless that is in head.
	buf       []byte
	at, floor int
	head      []byte // the former buf, when the body needed a larger one

	scan   http11.HeadScanner
	body   body
	write  writer
	coarse time.Duration // when the head began, on the reaper's clock

	// expectMu keeps a 100 (Continue) and a final head from passing one
	// another. It is used only when the client expects a 100.
	expectMu sync.Mutex
	expect   bool // a 100 is still to be sent, or to be denied

	over        atomic.Bool // the response ended: NextBody must not wait
	interrupted bool        // the socket's read deadline was set by interrupt
	watch       watch
	tunnel      *tunnel // nil: the connection has not left HTTP
	hijacked    bool    // the connection is not ours any more
	panicked    bool
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// takeExchange returns an exchange with an empty read buffer for c.
func takeExchange(c *conn) *exchange {
	x := exchanges.Get().(*exchange)
	x.c = c
	x.set = c.srv.set.Load()
	x.mem = alloc.TakeMemory(x.set.mode)
	x.buf = x.mem.In.Alloc(headBuffer)[:0]
	x.at, x.floor = 0, 0
	return x
}

// release gives x and its buffers back. After a panic goroutines of the handler may
// still use them, so x is left to the garbage collector.
func (x *exchange) release() {
	if x.panicked {
		if m := x.ex.Mem; m != nil && m != &x.mem.Work {
			m.Abandon()
		}
		x.mem.Abandon()
		return
	}
	x.mem.Release()
	x.c, x.set, x.mem, x.tunnel = nil, nil, nil, nil
	x.buf, x.head, x.write.buf, x.write.carried = nil, nil, nil, 0
	// Views would keep a slab that is taken from its Memory.
	x.clearRequest()
	x.ex.Response.Fields.Reset(nil)
	x.ex.Response.Reason, x.ex.Trace.RequestID, x.ex.TLS, x.ex.Data = nil, nil, nil, nil
	exchanges.Put(x)
}

// serve reads one request whose first bytes are in x.buf, has it answered, and
// tells what becomes of the connection.
func (x *exchange) serve() outcome {
	x.begin()
	if after, ok := x.readHead(); !ok {
		x.endMemory()
		return after
	}
	x.c.served++
	if x.ex.Request.Body != message.None {
		x.sendCarried() // it may not be here whole
	}
	x.callHandler()
	after := x.conclude()
	if !x.endWatch() && after == again {
		after = linger
	}
	x.account()
	if x.panicked {
		if after == again { // the observer did
			after = linger
		}
		return after
	}
	x.endMemory()
	x.ex.Data = nil
	if after == again {
		counted := x.body.received
		if !x.drainBody() {
			after = linger
		}
		x.c.count.received.Add(uint64(x.body.received - counted))
	}
	x.forget()
	x.takeEarly()
	return after
}

// begin readies x for the next request of its connection.
func (x *exchange) begin() {
	c := x.c
	x.set = c.srv.set.Load()
	ex := &x.ex
	ex.Stream = x
	ex.Remote, ex.Local = c.sc.Remote(), c.sc.Local()
	ex.TLS, ex.Session = c.tls, &c.session
	ex.Start = time.Now()
	ex.Mem = &x.mem.Work
	ex.Trace = message.Trace{Ordinal: c.served + 1}
	ex.Data = nil
	r := &ex.Response
	r.Status, r.Reason, r.Minor, r.Body, r.Length, r.Close = 0, nil, 0, message.None, -1, false
	r.Fields.Reset(nil)
	r.Trailers.Reset(nil)
	x.coarse = c.srv.reaper.Now()
	x.body.reset()
	x.write.reset()
	x.watch.reset()
	x.expect, x.interrupted, x.tunnel, x.hijacked = false, false, nil, false
	x.over.Store(false)
}

// endMemory ends the exchange's use of memory. It counts as an exchange when it was
// answered, not when a client left before its request.
func (x *exchange) endMemory() {
	if x.write.status != 0 {
		x.ex.Mem.EndExchange()
	} else {
		x.ex.Mem.Release()
	}
	x.ex.Mem = nil
}

// callHandler lets the handler serve the exchange and contains its panic.
func (x *exchange) callHandler() {
	defer x.recoverPanic("handler")
	x.c.srv.handler.ServeExchange(&x.ex)
}

// observe calls the handler's observer and contains its panic.
func (x *exchange) observe() {
	defer x.recoverPanic("observer")
	x.c.srv.handler.Observe(&x.ex)
}

// recoverPanic contains a panic of a part of the handler.
func (x *exchange) recoverPanic(part string) {
	if v := recover(); v != nil {
		x.panicked = true
		x.c.count.panics.Add(1)
		x.c.srv.log.Error("handler panicked", "part", part, "err", v, "client", x.ex.Remote.String(), "stack", string(debug.Stack()))
	}
}

// conclude completes what the handler left undone, and tells what becomes of
// the connection if the rest of the request's body can be read.
func (x *exchange) conclude() outcome {
	w := &x.write
	switch {
	case x.hijacked:
		return closed
	case x.tunnel != nil:
		w.sent += x.tunnel.written.Load()
		w.body += x.tunnel.written.Load()
		x.body.received += x.tunnel.read.Load()
		return closed
	case w.cut:
		return closed
	case x.panicked && !w.onWire, !w.started:
		x.answer(500, "")
	case !w.finished:
		x.Abort()
		return closed
	}
	if w.failed {
		return reset
	}
	switch {
	case !w.close && !x.panicked && !x.body.failed():
		return again
	case x.clientEnds():
		return closed
	}
	return linger
}

// clientEnds tells whether the client has sent its last request, said so, and been
// answered: nothing can follow that would make the kernel reset the connection.
func (x *exchange) clientEnds() bool {
	return x.ex.Request.Close && !x.panicked && x.body.err == io.EOF && x.at == len(x.buf)
}

// account ends the exchange's trace and hands it to the observer.
func (x *exchange) account() {
	w, t, count := &x.write, &x.ex.Trace, &x.c.count
	t.Status = w.status
	t.Sent, t.BodySent = w.sent, w.body
	t.Complete = w.finished && !w.cut && !w.failed
	t.Received += x.body.received
	count.requests.Add(1)
	count.received.Add(uint64(t.Received))
	count.sent.Add(uint64(t.Sent))
	x.observe()
}

// forget drops the request that was served from the read buffer.
func (x *exchange) forget() {
	if x.head != nil {
		x.mem.In.Free(x.head)
		x.head = nil
	}
	x.floor = 0
	if x.at == len(x.buf) || cap(x.buf) > headBuffer { // a large one must not creep on
		n := copy(x.buf, x.buf[x.at:])
		x.buf, x.at = x.buf[:n], 0
	}
}

// HeadWritten implements message.Stream.
func (x *exchange) HeadWritten() bool { return x.write.started }

// Abort implements message.Stream.
func (x *exchange) Abort() {
	if x.hijacked {
		return
	}
	if x.write.carried > 0 {
		x.write.buf = x.write.buf[:x.write.carried]
		_ = x.flush() // those responses have ended well
	}
	x.write.cut = true
	x.over.Store(true)
	x.c.reset() // also ends a NextBody that waits
}
