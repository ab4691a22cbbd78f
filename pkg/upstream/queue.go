package upstream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// queue has the exchanges that wait for a connection, the first come first. The
// endpoint's mu guards it, but for waiting.
type queue struct {
	first, last *waiter
	len         int
	waiting     atomic.Int32 // len
}

// waiter is one exchange that waits. Whoever takes it out of the queue, with the
// endpoint's mu held, sets what it gets and then signals ready.
type waiter struct {
	prev, next *waiter
	queued     bool
	fresh      bool // wants a new connection
	h2         bool // wants a stream of HTTP/2
	ready      chan struct{}
	timer      *time.Timer
	got        got
}

// got is what a wait ended with: a connection that was in use, a stream that is
// reserved, an error, or else the right to make a connection.
type got struct {
	conn   *Conn
	stream *h2Conn
	err    error
}

var waiters = sync.Pool{New: func() any {
	w := &waiter{ready: make(chan struct{}, 1), timer: time.NewTimer(math.MaxInt64)}
	w.timer.Stop()
	return w
}}

func (q *queue) push(w *waiter) {
	w.queued = true
	w.prev = q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.len++
	q.waiting.Store(int32(q.len))
}

func (q *queue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.len--
	q.waiting.Store(int32(q.len))
}

// give ends the wait of the first.
func (q *queue) give(g got) {
	w := q.first
	q.remove(w)
	w.got = g
	w.ready <- struct{}{}
}

// dismiss ends all waits.
func (q *queue) dismiss() {
	for q.first != nil {
		q.give(got{err: ErrRetired})
	}
}

// dismiss lets those that wait for e go elsewhere.
func (e *Endpoint) dismiss() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.dismiss()
}

// defaultPendingTimeout bounds a wait without a limit of its own.
const defaultPendingTimeout = 5 * time.Second

// wait puts an exchange into the queue and returns what it gets. e.mu is held, and
// is not any more when wait returns.
func (e *Endpoint) wait(want *Want, h2 bool) (got, error) {
	pool := &e.settings.Pool
	switch {
	case e.retired:
		e.mu.Unlock()
		return got{}, ErrRetired
	case e.queue.len >= pool.MaxPending && !(h2 && e.making > 0):
		// Those that wait for a connection of HTTP/2 which is being made are as many
		// as may use it.
		e.counters.QueueFull++
		e.mu.Unlock()
		return got{}, ErrQueueFull
	}
	limit := pool.PendingTimeout
	if limit <= 0 {
		limit = defaultPendingTimeout
	}
	w := waiters.Get().(*waiter)
	w.fresh, w.h2 = want.Fresh, h2
	e.queue.push(w)
	e.counters.Queued++
	if h2 {
		e.lookAgain()
	}
	e.mu.Unlock()

	w.timer.Reset(limit)
	err := ErrQueueTimeout
	select {
	case <-w.ready:
		err = nil
	case <-w.timer.C:
	case <-want.Cancel:
		err = ErrCanceled
	}
	w.timer.Stop()
	if err != nil && !e.leaveQueue(w, err) {
		<-w.ready // it was given something in the meantime
		if err == ErrQueueTimeout {
			err = nil
		}
	}
	g := w.got
	w.got = got{}
	waiters.Put(w)
	switch {
	case err != nil:
		e.refuse(g)
		return got{}, err
	case g.err != nil:
		return got{}, g.err
	}
	return g, nil
}

// leaveQueue takes w out of the queue. It returns false when w is not there any
// more.
func (e *Endpoint) leaveQueue(w *waiter, why error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !w.queued {
		return false
	}
	e.queue.remove(w)
	w.got.err = why
	if why == ErrQueueTimeout {
		e.counters.QueueTimeouts++
	}
	return true
}

// refuse passes on what an exchange got that wants nothing any more.
func (e *Endpoint) refuse(g got) {
	switch {
	case g.err != nil:
	case g.conn != nil:
		if g.conn.requests > 0 {
			e.count(func(n *Counters) { n.Reused-- })
		}
		e.Put(g.conn)
	case g.stream != nil:
		(&H2Conn{conn: g.stream}).Release(Reasons)
	default:
		e.giveUp(0, -1)
	}
}

// serve gives those that wait what there is for them. e.mu is held; what it finds
// that is to be closed, it adds to left.
func (e *Endpoint) serve(left *parting) {
	for w := e.queue.first; w != nil; w = e.queue.first {
		if w.h2 {
			if c := e.takeStream(left); c != nil {
				e.queue.give(got{stream: c})
				continue
			}
			if !e.roomH2() {
				e.lookAgain()
				return
			}
		} else if !e.room() {
			return
		}
		e.add(0, +1)
		e.queue.give(got{})
	}
}
