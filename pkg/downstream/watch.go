package downstream

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// watch notices that the client has gone while the handler works on its answer. It
// costs a goroutine, and nothing unless the handler asks for it.
type watch struct {
	asked atomic.Bool // Watch was called
	ready atomic.Bool // the request's body was read whole

	mu     sync.Mutex
	gone   func()        // what to call
	ended  bool          // the handler has returned, or taken the connection over
	done   chan struct{} // closed when readAhead's goroutine has ended; nil: none
	first  [1]byte       // of the next request, when that goroutine has read it
	length int
}

// reset readies w for the next exchange.
func (w *watch) reset() {
	if w.ready.Load() {
		w.ready.Store(false)
	}
	if w.asked.Load() {
		w.asked.Store(false)
		w.gone, w.ended, w.done, w.length = nil, false, nil, 0
	}
}

// Watch implements message.Stream.
func (x *exchange) Watch(gone func()) {
	w := &x.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.gone != nil {
		return
	}
	w.gone = gone
	w.asked.Store(true)
	x.c.gone.Store(&gone)
	if x.c.srv.isDone() { // Close may have looked before there was something to call
		go gone()
		return
	}
	if x.ex.Request.Body == message.None || w.ready.Load() {
		x.readAhead()
	}
}

// bodyEnded tells the watch that nobody reads from the connection any more.
func (x *exchange) bodyEnded() {
	w := &x.watch
	w.ready.Store(true)
	if !w.asked.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		x.readAhead()
	}
}

// readAhead starts a goroutine that reads one byte of what follows the request,
// unless it is there already. An end tells that the client has gone; a byte is that
// of the next request, and nothing more can be learnt without reading on. w.mu is
// held.
func (x *exchange) readAhead() {
	w := &x.watch
	if w.done != nil || len(x.buf) > x.at {
		return
	}
	done, gone := make(chan struct{}), w.gone
	w.done = done
	sc := x.c.sc
	go func() {
		defer close(done)
		n, err := sc.Read(w.first[:])
		w.length = n
		if n == 0 && !errors.Is(err, sock.ErrTimeout) {
			gone()
		}
	}()
}

// endWatch ends what Watch began, and leaves a byte that was read ahead in
// conn.first. It tells whether the connection can be read further.
func (x *exchange) endWatch() bool {
	w, c := &x.watch, x.c
	if !w.asked.Load() {
		return true
	}
	w.mu.Lock()
	again := w.ended
	w.ended = true
	done := w.done
	w.mu.Unlock()
	c.gone.Store(nil)
	if done == nil || again {
		return true
	}
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	if !c.sc.CanWait() {
		c.sc.WriteWithin(x.set.writeTimeout) // a read of TLS may be writing: see readWithin
	}
	<-done
	c.sc.WriteWithin(0)
	c.early = copy(c.first[:], w.first[:w.length])
	return c.sc.Resume()
}

// takeEarly moves a byte that was read ahead to the read buffer, which is empty.
func (x *exchange) takeEarly() {
	if x.c.early > 0 {
		x.buf = append(x.buf, x.c.first[0])
		x.c.early = 0
	}
}
