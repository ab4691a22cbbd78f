package downstream

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// watchAfter is how long an exchange lasts before its client is watched. Most end
// sooner, and cost two atomic stores.
const watchAfter = 2 * sock.Tick

// watch notices that the client has gone while the handler works on its answer. It
// costs a goroutine, which begins when the handler has asked for it and the exchange
// has lasted for watchAfter.
type watch struct {
	asked atomic.Bool // Watch was called
	ready atomic.Bool // the request's body was read whole, or there is none

	mu     sync.Mutex
	c      *conn          // the connection that is watched
	gone   func()         // what to call
	late   bool           // watchAfter has passed
	ended  bool           // the handler has returned, or taken the connection over
	told   bool           // gone was called
	calls  sync.WaitGroup // of tell, by others than readAhead's goroutine
	done   chan struct{}  // closed when readAhead's goroutine has ended; nil: none
	first  [1]byte        // of the next request, when that goroutine has read it
	length int
}

// reset readies w for the next exchange.
func (w *watch) reset() {
	if w.ready.Load() {
		w.ready.Store(false)
	}
	if w.asked.Load() {
		w.asked.Store(false)
		w.mu.Lock() // Close may have found w just before endWatch
		w.c, w.gone, w.done, w.length = nil, nil, nil, 0
		w.late, w.ended, w.told = false, false, false
		w.mu.Unlock()
	}
}

// Watch implements message.Stream. A client that has ended its own direction only, and
// waits for its answer, counts as gone: it cannot be told from one that has left. gone is
// not called any more once the exchange is observed.
func (x *exchange) Watch(gone func()) {
	w, c := &x.watch, x.c
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.gone != nil {
		return
	}
	w.c, w.gone = c, gone
	if x.ex.Request.Body == message.None {
		w.ready.Store(true)
	}
	w.asked.Store(true)
	c.watched.Store(x)
	if c.srv.isDone() { // Close may have looked before there was something to call
		w.calls.Go(w.tell)
		return
	}
	c.sc.AlarmIn(watchAfter)
}

// tell calls gone, once.
func (w *watch) tell() {
	w.mu.Lock()
	told := w.told
	w.told = true
	w.mu.Unlock()
	if !told {
		w.gone()
	}
}

// Ring implements sock.Alarm: the exchange that is watched has lasted for a while.
func (c *conn) Ring() {
	if x := c.watched.Load(); x != nil {
		x.watchOn(c)
	}
}

// watchOn begins to read ahead, now or when the request's body was read, if x still
// serves c.
func (x *exchange) watchOn(c *conn) {
	w := &x.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.c != c || w.ended {
		return
	}
	w.late = true
	if w.ready.Load() {
		x.readAhead()
	}
}

// tellCut tells whoever watches c that it was cut.
func (c *conn) tellCut() {
	x := c.watched.Load()
	if x == nil {
		return
	}
	w := &x.watch
	w.mu.Lock()
	watching := w.c == c && !w.ended
	if watching {
		w.calls.Add(1)
	}
	w.mu.Unlock()
	if watching {
		defer w.calls.Done()
		w.tell()
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
	if w.late && !w.ended {
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
	done := make(chan struct{})
	w.done = done
	sc := x.c.sc
	go func() {
		defer close(done)
		n, err := sc.Read(w.first[:])
		w.length = n
		if n == 0 && !errors.Is(err, sock.ErrTimeout) {
			w.tell()
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
	if again {
		return true
	}
	c.watched.Store(nil)
	c.sc.AlarmIn(0)
	w.calls.Wait()
	if done == nil {
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
