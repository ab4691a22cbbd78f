package upstream

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Get and H2. No connection could be made after any other one.
var (
	// ErrConnectTimeout: the connection was not made in time.
	ErrConnectTimeout = errors.New("connect to endpoint: timeout")
	// ErrQueueFull: the endpoint has as many connections as it may have, and as many
	// requests wait for one as may. The answer is 503.
	ErrQueueFull = errors.New("wait for a connection to endpoint: too many wait")
	// ErrQueueTimeout: none became free within Pool.PendingTimeout. The answer is 503.
	ErrQueueTimeout = errors.New("wait for a connection to endpoint: timeout")
	// ErrCanceled: Want.Cancel was closed during the wait.
	ErrCanceled = errors.New("wait for a connection to endpoint: canceled")
	// ErrRetired: the endpoint was removed, or left out since it failed, during the
	// wait. Another endpoint may do.
	ErrRetired = errors.New("wait for a connection to endpoint: endpoint is not used any more")
)

// Endpoint is one address of an upstream, with its connections.
type Endpoint struct {
	upstream *Upstream
	addr     netip.AddrPort
	pod      string
	token    string
	health   health
	outlier  outlier
	check    check
	load     load
	weight   atomic.Int32 // at least 1
	begun    atomic.Int64 // when Balance.SlowStart began, by the reaper's clock; 0: it is over
	// ejections counts how often the endpoint was left out, by reason.
	ejections [Ejections]atomic.Uint64

	busy atomic.Int32 // active and making

	mu       sync.Mutex
	settings *settings // those that way was made for
	way      *way      // how connections are made
	idle     []*Conn   // the one that was used last is last
	active   int       // connections that belong to an exchange
	making   int       // connections that are being made, of any kind
	h2       h2Pool
	queue    queue
	counters Counters
	retired  bool // no connection is kept
}

// Addr is the endpoint's address.
func (e *Endpoint) Addr() netip.AddrPort { return e.addr }

// Want is the connection that an exchange asks for.
type Want struct {
	// Connect bounds the making of a connection, the TLS handshake included; 0 means
	// 5 s.
	Connect time.Duration
	// Fresh asks for a new connection.
	Fresh bool
	// Client and Local are the addresses that a PROXY header tells.
	Client, Local netip.AddrPort
	// Cancel, when it is closed, ends the waiting. It may be nil.
	Cancel <-chan struct{}
}

// Get returns a connection for one exchange: the idle one that was used last, or a
// new one. Where there are Pool.MaxConnections, it waits for one, behind those that
// wait already. An endpoint that cannot be reached is left out by Pick for a while.
func (e *Endpoint) Get(w *Want) (*Conn, error) {
	e.lock()
	if e.queue.first == nil {
		if n := len(e.idle) - 1; n >= 0 && !w.Fresh {
			c := e.pop(n)
			e.mu.Unlock()
			return e.checked(c, w)
		}
		if e.room() || w.Fresh && e.evict() {
			e.add(0, +1)
			e.mu.Unlock()
			return e.dial(w)
		}
	}
	got, err := e.wait(w, false)
	switch {
	case err != nil:
		return nil, err
	case got.conn != nil:
		return e.checked(got.conn, w)
	}
	return e.dial(w)
}

// checked returns c, which was idle, for an exchange, or another connection when c
// must not be used any more. The place of c is kept for that.
func (e *Endpoint) checked(c *Conn, w *Want) (*Conn, error) {
	for c != nil {
		why, stale := c.stale()
		if !stale {
			c.requests++
			return c, nil
		}
		c = e.instead(c, why)
	}
	return e.dial(w)
}

// instead closes c, which was found stale, and returns the next idle connection
// for the same exchange. With nil the exchange has a place to make one.
func (e *Endpoint) instead(c *Conn, why Reason) *Conn {
	_ = c.Close()
	e.count(func(n *Counters) {
		n.Closed[why]++
		if c.requests > 0 {
			n.Reused--
		}
	})
	var left parting
	e.mu.Lock()
	e.add(-1, 0)
	var next *Conn
	if n := len(e.idle) - 1; n >= 0 {
		next = e.pop(n)
	} else {
		e.add(0, +1)
	}
	e.serve(&left)
	e.mu.Unlock()
	left.close()
	return next
}

// pop gives the last idle connection, which is the n-th, to an exchange. e.mu is
// held.
func (e *Endpoint) pop(n int) *Conn {
	c := e.idle[n]
	e.idle[n] = nil
	e.idle = e.idle[:n]
	e.add(+1, 0)
	if c.requests > 0 {
		e.counters.Reused++
	}
	c.reused = true
	return c
}

// Put gives a connection back after an exchange that both sides have ended
// whole, with no byte left over. The first request that waits gets it. Otherwise
// it is kept or closed as the pool's settings say.
func (e *Endpoint) Put(c *Conn) {
	c.ReadWithin(0)
	c.WriteWithin(0)
	e.lock()
	why := e.spent(c)
	if why == Reasons {
		if e.keep(c) {
			e.add(-1, 0)
			e.mu.Unlock()
			return
		}
		if e.handOver(c) {
			e.mu.Unlock()
			return
		}
		why = ClosedPoolFull
	}
	e.mu.Unlock()
	e.Discard(c, why)
}

// spent is why c must not be used again, or Reasons. e.mu is held.
func (e *Endpoint) spent(c *Conn) Reason {
	pool := &e.settings.Pool
	switch {
	case e.retired:
		return ClosedRemoved
	case c.way.transport.ProxyProtocol != 0:
		return ClosedUnshared
	case c.way != e.way:
		return ClosedReconfigured
	case e.health.until.Load() != 0:
		// Were it kept, the exchange that has to find out whether the endpoint
		// can be connected to again would use it, and find out nothing.
		return ClosedUnhealthy
	case pool.MaxRequests > 0 && c.requests >= pool.MaxRequests:
		return ClosedMaxRequests
	case pool.MaxAge > 0 && e.now()-c.made >= pool.MaxAge:
		return ClosedMaxAge
	case pool.MaxConnections > 0 && e.places() > pool.MaxConnections:
		return ClosedPoolFull // there were allowed to be more
	}
	return Reasons
}

// keep makes c idle, when nobody waits for it and the pool has room. e.mu is held.
func (e *Endpoint) keep(c *Conn) bool {
	c.idleSince = e.now()
	if e.queue.first != nil || len(e.idle) >= e.settings.Pool.IdleConnections {
		return false
	}
	e.idle = append(e.idle, c)
	return true
}

// handOver gives c to the first that waits, if that can use it. e.mu is held.
func (e *Endpoint) handOver(c *Conn) bool {
	w := e.queue.first
	if w == nil || w.fresh || w.h2 {
		return false
	}
	if c.requests > 0 {
		e.counters.Reused++
	}
	c.reused = true
	e.queue.give(got{conn: c}) // with which c is another exchange's
	return true
}

// Discard closes a connection that Get returned, for a reason that is counted.
// Its place is for the first request that waits.
func (e *Endpoint) Discard(c *Conn, why Reason) {
	_ = c.Close()
	e.count(func(n *Counters) { n.Closed[why]++ })
	e.giveUp(-1, 0)
}

// giveUp leaves the places of so many connections to those that wait.
func (e *Endpoint) giveUp(active, making int) {
	var left parting
	e.mu.Lock()
	e.add(active, making)
	e.serve(&left)
	e.mu.Unlock()
	left.close()
}

// add changes how many connections are in use and are being made. e.mu is held.
func (e *Endpoint) add(active, making int) {
	e.active += active
	e.making += making
	e.busy.Store(int32(e.active + e.making))
}

// places is how many connections count as those of e. e.mu is held.
func (e *Endpoint) places() int { return len(e.idle) + e.active + e.making + e.h2.counted }

// room tells whether one more connection is allowed. e.mu is held.
func (e *Endpoint) room() bool {
	most := e.settings.Pool.MaxConnections
	return most <= 0 || e.places() < most
}

// evict makes room for a new connection by closing the idle one that was used
// longest ago. e.mu is held.
func (e *Endpoint) evict() bool {
	if len(e.idle) == 0 || e.places() > e.settings.Pool.MaxConnections {
		return false
	}
	c := e.idle[0]
	e.idle = append(e.idle[:0], e.idle[1:]...)
	e.counters.Closed[ClosedPoolFull]++
	_ = c.Close()
	return true
}

// full tells whether a request would have to wait for a connection, or most likely
// would.
func (e *Endpoint) full() bool {
	most := e.upstream.settings.Load().Pool.MaxConnections
	return e.queue.waiting.Load() > 0 || most > 0 && int(e.busy.Load()) >= most
}

// now is the time by the clock of connections.
func (e *Endpoint) now() time.Duration { return e.upstream.registry.reaper.Now() }

// lock takes e.mu once e follows the upstream's settings.
func (e *Endpoint) lock() {
	for {
		s := e.upstream.settings.Load()
		e.mu.Lock()
		if e.settings == s {
			return
		}
		e.mu.Unlock()
		e.follow(s)
	}
}

// follow makes e use these settings. Connections that were made in another way are
// closed once they are idle.
func (e *Endpoint) follow(s *settings) {
	var idle []*Conn
	var left parting
	e.mu.Lock()
	if s != e.upstream.settings.Load() {
		e.mu.Unlock() // others are in force by now
		return
	}
	e.settings = s
	if before := e.way; before == nil || !before.is(s) {
		e.way = newWay(s, e.upstream.key)
		if before != nil {
			idle = e.empty(ClosedReconfigured)
			e.partAll(ClosedReconfigured, &left)
		}
	}
	e.serve(&left) // there may be more room
	e.mu.Unlock()
	closeAll(idle)
	left.close()
}

// sweep closes idle connections that are too old, and those that the peer has
// closed where some are to be kept open.
func (e *Endpoint) sweep() {
	var old []*Conn
	var left parting
	e.lock()
	pool := &e.settings.Pool
	now := e.now()
	keep := e.idle[:0]
	for i, c := range e.idle {
		why, expired := c.expired(pool, now)
		if !expired && i < pool.Prewarm {
			why, expired = c.ended()
		}
		if expired {
			e.counters.Closed[why]++
			old = append(old, c)
		} else {
			keep = append(keep, c)
		}
	}
	clear(e.idle[len(keep):])
	e.idle = keep
	e.sweepH2(pool, now, &left)
	e.serve(&left)
	e.mu.Unlock()
	closeAll(old)
	left.close()
}

// closeIdle closes all idle connections and lets those that wait go elsewhere:
// the endpoint is to be left out.
func (e *Endpoint) closeIdle(why Reason) {
	var left parting
	e.mu.Lock()
	idle := e.empty(why)
	e.partAll(why, &left)
	e.queue.dismiss()
	e.mu.Unlock()
	closeAll(idle)
	left.close()
}

// retire closes idle connections and keeps none from now on. What was counted
// moves to the upstream.
func (e *Endpoint) retire() {
	var left parting
	e.mu.Lock()
	e.retired = true // together with the emptying: nobody sweeps e any more
	idle := e.empty(ClosedRemoved)
	e.partAll(ClosedRemoved, &left)
	e.queue.dismiss()
	n := e.counters
	e.counters = Counters{}
	e.mu.Unlock()
	e.upstream.mu.Lock()
	e.upstream.past.add(&n)
	e.upstream.mu.Unlock()
	closeAll(idle)
	left.close()
}

// empty takes all idle connections, to be closed. e.mu is held.
func (e *Endpoint) empty(why Reason) []*Conn {
	idle := e.idle
	e.idle = nil
	e.counters.Closed[why] += uint64(len(idle))
	return idle
}

func closeAll(conns []*Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// count changes the counters: those of the upstream once e was removed.
func (e *Endpoint) count(change func(*Counters)) {
	e.mu.Lock()
	gone := e.retired
	if !gone {
		change(&e.counters)
	}
	e.mu.Unlock()
	if gone {
		e.upstream.mu.Lock()
		change(&e.upstream.past)
		e.upstream.mu.Unlock()
	}
}
