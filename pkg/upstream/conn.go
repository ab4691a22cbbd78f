package upstream

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Conn is a connection to an endpoint that speaks HTTP/1.1. From Get to Put or
// Discard it belongs to one exchange.
type Conn struct {
	*sock.Conn
	endpoint  *Endpoint
	way       *way
	tls       *tls.Conn // nil for none
	wire      *wire     // below tls; nil without it
	made      time.Duration
	idleSince time.Duration
	requests  int
	reused    bool
	probe     [1]byte
}

// Reused tells whether c was open before its exchange asked for it: then the peer
// may close it just when it is used.
func (c *Conn) Reused() bool { return c.reused }

// Cut closes the socket, so that reads and writes of c fail that other goroutines
// wait in. Discard must follow when they have ended: it is what gives up the
// deadlines that they may use.
func (c *Conn) Cut() {
	if c.wire != nil {
		_ = c.wire.Close() // c.tls would say farewell first, and wait for that
		return
	}
	_ = c.NetConn().Close()
}

// Close closes the connection. It does not wait.
func (c *Conn) Close() error {
	if c.wire != nil {
		c.wire.hurry.Store(true)
	}
	return c.Conn.Close()
}

// stale tells whether c, which was idle, must not be used.
func (c *Conn) stale() (Reason, bool) {
	u := c.endpoint.upstream
	if why, old := c.expired(&u.settings.Load().Pool, u.registry.reaper.Now()); old {
		return why, true
	}
	return c.ended()
}

// ended tells whether something can be read from c, which is idle: an end means
// that the peer closed, and a byte was not asked for, so it could pass for the
// answer to the next request.
func (c *Conn) ended() (Reason, bool) {
	var n int
	var err error
	switch {
	case c.tls != nil:
		n, err = c.readTLS()
	case c.CanWait():
		n, err = c.TryRead(c.probe[:])
	default:
		return 0, false
	}
	switch {
	case n > 0:
		return ClosedUnasked, true
	case err != errNothing && !errors.Is(err, sock.ErrWouldBlock):
		return ClosedByPeer, true
	}
	return 0, false
}

// farewell bounds what a look at an idle TLS connection may have to write.
const farewell = time.Second

// readTLS reads a byte without waiting. Looking at the socket is not enough: what
// can be read there may be a session ticket, which is no reason to close, and what
// could pass for an answer may lie in the buffer of TLS already.
func (c *Conn) readTLS() (int, error) {
	c.wire.try = true
	c.WriteWithin(farewell) // the answer to a change of keys
	n, err := c.tls.Read(c.probe[:])
	c.WriteWithin(0)
	c.wire.try = false
	return n, err
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

// wire is the connection below TLS or HTTP/2.
type wire struct {
	net.Conn
	raw *sock.Conn // for the same socket

	// try makes reads return errNothing instead of waiting. The one who reads sets it.
	try bool
	// hurry makes writes give up instead of waiting.
	hurry atomic.Bool

	clock *sock.Reaper
	heard atomic.Int64 // when the peer last sent something, by the clock

	once   sync.Once
	closed func() // called once, when the connection is closed; may be nil
}

func newWire(nc net.Conn, clock *sock.Reaper) *wire {
	return &wire{Conn: nc, raw: sock.New(nc, nil), clock: clock}
}

// nothing is the error of a read that would have to wait. A tls.Conn that meets it
// keeps what it has read of a record and goes on later, since the error calls
// itself temporary.
type nothing struct{}

func (nothing) Error() string   { return "nothing to read" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

var errNothing error = nothing{}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.try {
		n, err := w.raw.TryRead(p)
		if err == sock.ErrWouldBlock {
			err = errNothing
		}
		return n, err
	}
	n, err := w.raw.Read(p)
	w.heard.Store(int64(w.clock.Now()))
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	if w.hurry.Load() {
		return w.tryWrite(p)
	}
	return w.raw.Write(p)
}

// tryWrite writes what the system takes without waiting.
func (w *wire) tryWrite(p []byte) (n int, err error) {
	sc, ok := w.Conn.(syscall.Conn)
	if !ok {
		return 0, errNothing
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	if werr := rc.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), p)
		return true
	}); werr != nil {
		return 0, werr
	}
	if err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, errNothing
	}
	return n, nil
}

// Close implements net.Conn.
func (w *wire) Close() error {
	err := w.Conn.Close()
	if w.closed != nil {
		w.once.Do(w.closed)
	}
	return err
}
