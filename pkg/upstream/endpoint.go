package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// ErrConnectTimeout is returned by Get when the connection was not made in time.
var ErrConnectTimeout = errors.New("connect to endpoint: timeout")

// Endpoint is one address of an upstream, with its connections.
type Endpoint struct {
	upstream *Upstream
	addr     netip.AddrPort
	pod      string
	health   health

	mu       sync.Mutex
	idle     []*Conn // the one that was used last is last
	active   int
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

// Get returns a connection for one exchange: the idle one that was used last, or
// a new one. An endpoint that cannot be reached is left out by Pick for a while.
func (e *Endpoint) Get(w *Want) (*Conn, error) {
	if !w.Fresh {
		for c := e.pop(); c != nil; c = e.pop() {
			why, stale := c.stale()
			if !stale {
				c.requests++
				return c, nil
			}
			e.drop(c, why)
		}
	}
	return e.dial(w.Connect)
}

// Put gives a connection back after an exchange that both sides have ended
// whole, with no byte left over. It is kept or closed as the pool's settings
// say.
func (e *Endpoint) Put(c *Conn) {
	c.ReadWithin(0)
	c.WriteWithin(0)
	pool := &e.upstream.settings.Load().Pool
	now := e.upstream.registry.reaper.Now()

	e.mu.Lock()
	why := Reasons
	switch {
	case e.retired:
		why = ClosedRemoved
	case e.health.until.Load() != 0:
		// Were it kept, the exchange that has to find out whether the endpoint
		// can be connected to again would use it, and find out nothing.
		why = ClosedUnhealthy
	case len(e.idle) >= pool.IdleConnections:
		why = ClosedPoolFull
	case pool.MaxRequests > 0 && c.requests >= pool.MaxRequests:
		why = ClosedMaxRequests
	case pool.MaxAge > 0 && now-c.made >= pool.MaxAge:
		why = ClosedMaxAge
	}
	if why == Reasons {
		c.idleSince = now
		e.active--
		e.idle = append(e.idle, c)
		e.mu.Unlock()
		return
	}
	e.mu.Unlock()
	e.Discard(c, why)
}

// Discard closes a connection that Get returned, for a reason that is counted.
func (e *Endpoint) Discard(c *Conn, why Reason) {
	_ = c.Close()
	e.count(func(n *Counters) { n.Closed[why]++ }, -1)
}

// drop closes a connection that was found stale before it was reused.
func (e *Endpoint) drop(c *Conn, why Reason) {
	_ = c.Close()
	e.count(func(n *Counters) { n.Reused--; n.Closed[why]++ }, -1)
}

// pop takes the idle connection that was used last, or returns nil.
func (e *Endpoint) pop() *Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.idle) - 1
	if last < 0 {
		return nil
	}
	c := e.idle[last]
	e.idle[last] = nil
	e.idle = e.idle[:last]
	e.active++
	e.counters.Reused++
	return c
}

// defaultConnectTimeout bounds a dial without a limit of its own.
const defaultConnectTimeout = 5 * time.Second

func (e *Endpoint) dial(timeout time.Duration) (*Conn, error) {
	if timeout <= 0 {
		timeout = defaultConnectTimeout
	}
	r := e.upstream.registry
	begun := r.clock()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	nc, err := r.config.Dial(ctx, e.addr)
	if err != nil {
		e.count(func(n *Counters) { n.Failed++ }, 0)
		if localFailure(err) {
			return nil, fmt.Errorf("connect to %s: %w", e.addr, err)
		}
		e.leaveOut(begun, err)
		if isTimeout(err) {
			return nil, ErrConnectTimeout
		}
		return nil, fmt.Errorf("connect to %s: %w", e.addr, err)
	}
	e.comeBack()
	c := &Conn{Conn: sock.New(nc, r.reaper), endpoint: e, made: r.reaper.Now(), requests: 1}
	e.count(func(n *Counters) { n.Created++ }, +1)
	return c, nil
}

// sweep closes idle connections that are too old.
func (e *Endpoint) sweep() {
	pool := &e.upstream.settings.Load().Pool
	now := e.upstream.registry.reaper.Now()
	var old []*Conn
	e.mu.Lock()
	keep := e.idle[:0]
	for _, c := range e.idle {
		if why, expired := c.expired(pool, now); expired {
			e.counters.Closed[why]++
			old = append(old, c)
		} else {
			keep = append(keep, c)
		}
	}
	clear(e.idle[len(keep):])
	e.idle = keep
	e.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}

// closeIdle closes all idle connections.
func (e *Endpoint) closeIdle(why Reason) {
	e.mu.Lock()
	idle := e.idle
	e.idle = nil
	e.counters.Closed[why] += uint64(len(idle))
	e.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}

// retire closes idle connections and keeps none from now on. What was counted
// moves to the upstream.
func (e *Endpoint) retire() {
	e.mu.Lock()
	e.retired = true // together with the emptying: nobody sweeps e any more
	idle := e.idle
	e.idle = nil
	n := e.counters
	n.Closed[ClosedRemoved] += uint64(len(idle))
	e.counters = Counters{}
	e.mu.Unlock()
	e.upstream.mu.Lock()
	e.upstream.past.add(&n)
	e.upstream.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}

// count changes the counters: those of the upstream once e was removed.
func (e *Endpoint) count(change func(*Counters), active int) {
	e.mu.Lock()
	e.active += active
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

// Conn is a connection to an endpoint. From Get to Put or Discard it belongs to
// one exchange.
type Conn struct {
	*sock.Conn
	endpoint  *Endpoint
	made      time.Duration // of the reaper's clock
	idleSince time.Duration
	requests  int
	probe     [1]byte
}

// Reused tells whether c has carried an exchange before this one.
func (c *Conn) Reused() bool { return c.requests > 1 }

// Cut closes the socket, so that reads and writes of c fail that other goroutines
// wait in. Discard must follow when they have ended: it is what gives up the
// deadlines that they may use.
func (c *Conn) Cut() { _ = c.NetConn().Close() }

// stale tells whether c, which was idle, must not be used. Nothing may be there
// to read: an end means that the peer closed, and a byte was not asked for, so it
// could pass for the answer to the next request.
func (c *Conn) stale() (Reason, bool) {
	u := c.endpoint.upstream
	if why, old := c.expired(&u.settings.Load().Pool, u.registry.reaper.Now()); old {
		return why, true
	}
	if c.Conn.CanWait() {
		switch n, err := c.TryRead(c.probe[:]); {
		case n > 0:
			return ClosedUnasked, true
		case !errors.Is(err, sock.ErrWouldBlock):
			return ClosedByPeer, true
		}
	}
	return 0, false
}

// expired tells whether c, which is idle, has outlived the pool's limits.
func (c *Conn) expired(pool *model.Pool, now time.Duration) (Reason, bool) {
	switch {
	case pool.IdleTimeout > 0 && now-c.idleSince >= pool.IdleTimeout:
		return ClosedIdle, true
	case pool.MaxAge > 0 && now-c.made >= pool.MaxAge:
		return ClosedMaxAge, true
	}
	return 0, false
}
