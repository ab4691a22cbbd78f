package downstream

import (
	"crypto/tls"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// conn is a downstream connection. Its goroutine (run) owns it; others use only
// nc, state, idleSince and count. While it waits for a request this struct, its
// socket and its goroutine's stack are all that it holds.
type conn struct {
	srv   *Server
	nc    net.Conn             // as accepted, below TLS
	sc    *sock.Conn           // what requests are read from
	tls   *tls.ConnectionState // nil: cleartext
	index int                  // in Server.open

	state     atomic.Int32
	idleSince atomic.Int64 // on the reaper's clock
	count     counts

	served int     // exchanges begun
	first  [1]byte // the first byte of a request, where sc cannot wait
	early  int     // how many bytes of first are read and not yet used
	last   bool    // Shutdown has asked: serve what is there, and wait no more

	http2   atomic.Pointer[http2Conn] // nil: HTTP/1
	preface []byte                    // what was read of a connection that begins with HTTP/2

	session  message.Session
	watched  atomic.Pointer[exchange] // told when the connection is cut: see Watch
	hijacked bool
}

// States of a connection. It goes from idle to active by itself, and from idle
// to leaving when Shutdown asks; whoever is first wins. An active one is leaving
// once its last response was sent.
const (
	idle int32 = iota
	active
	leaving
	lingering // closed by us, and not yet by the client
	hurried   // the same, and Shutdown has shortened that
)

// run serves the connection until it ends.
func (c *conn) run(tlsConfig *tls.Config) {
	defer c.srv.leave(c)
	defer c.contain()
	inner := c.behindProxy()
	if inner == nil {
		_ = c.nc.Close()
		return
	}
	if tlsConfig != nil {
		tc := c.handshake(inner, tlsConfig)
		if tc == nil {
			_ = c.nc.Close()
			return
		}
		inner = tc
	}
	c.sc = sock.New(inner, c.srv.reaper)
	c.sc.SetAlarm(c)
	defer c.close()
	if c.tls != nil && c.tls.NegotiatedProtocol == http2.NextProtoTLS {
		c.serveHTTP2(nil)
		return
	}
	for c.await() && c.serveReady() {
	}
}

// contain ends the connection when its own code panics, or a callback of the TLS
// configuration does: no client may end the process.
func (c *conn) contain() {
	if v := recover(); v != nil {
		c.count.panics.Add(1)
		c.srv.log.Error("connection panicked", "err", v, "client", c.nc.RemoteAddr().String(), "stack", string(debug.Stack()))
		_ = c.nc.Close()
	}
}

// close closes the connection, unless it belongs to somebody else.
func (c *conn) close() {
	if !c.hijacked {
		_ = c.sc.Close()
	}
}

// await waits for the first bytes of a request without holding a buffer. It
// tells whether there may be some.
func (c *conn) await() bool {
	c.idleSince.Store(int64(c.srv.reaper.Now()))
	c.state.Store(idle)
	c.readWithin(c.srv.set.Load().keepAliveTimeout)
	err := c.wait()
	if c.state.CompareAndSwap(idle, active) {
		return err == nil
	}
	// Shutdown woke us. A request that has arrived meanwhile is still served.
	c.state.Store(active)
	c.last = true
	// It wakes us by a deadline, which it sets under this lock: undone before it
	// was set, that would end a read of the request's body.
	c.srv.mu.Lock()
	resumed := c.sc.Resume()
	c.srv.mu.Unlock()
	if !resumed {
		return false // it has been idle for too long anyway
	}
	if c.early == 0 && !c.sc.CanWait() {
		_ = c.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
		_ = c.wait()
		_ = c.nc.SetReadDeadline(time.Time{})
		return c.early > 0
	}
	return true
}

// readWithin sets the deadline of reads, as sock.Conn.ReadWithin does, while
// nothing is being written. A read of TLS may itself write, to answer a KeyUpdate
// (RFC 8446, section 4.6.3), and a client that does not take that must not hold
// the connection: writes end a little later, so that one that was only slow to
// send can still be told.
func (c *conn) readWithin(d time.Duration) {
	c.sc.ReadWithin(d)
	if c.sc.CanWait() {
		return
	}
	if d > 0 {
		d += time.Second
	}
	c.sc.WriteWithin(d)
}

func (c *conn) wait() (err error) {
	if c.sc.CanWait() {
		return c.sc.WaitRead()
	}
	// TLS: one byte tells as much, and is as good as no buffer.
	c.early, err = c.sc.Read(c.first[:])
	return err
}

// serveReady serves the requests that have arrived, in order. It tells whether
// the connection may wait for more; if not, it is ready to be closed.
func (c *conn) serveReady() bool {
	x := takeExchange(c)
	whole := false
	defer func() {
		if !whole { // a panic of ours, or the handler has ended its goroutine
			x.sendCarried()
			x.panicked = true
			x.release()
		}
	}()
	n, err := x.readFirst()
	if n == 0 {
		whole = true
		x.release()
		// Nothing came after all, or the client has closed.
		return err == sock.ErrWouldBlock && !c.last
	}
	after := x.serve()
	for after == again && len(x.buf) > x.at {
		after = x.serve()
	}
	x.sendCarried()
	whole = true
	x.release()
	switch after {
	case again:
		return !c.last
	case linger:
		c.linger()
	case reset:
		c.reset()
	case toHTTP2:
		c.serveHTTP2(c.preface)
	}
	return false
}

// outcome says what becomes of a connection after an exchange.
type outcome uint8

const (
	again   outcome = iota // the next request may follow
	linger                 // close, but let the client read our last response
	reset                  // cut, so that the client sees it
	closed                 // nothing is left to do but to close
	toHTTP2                // the client speaks HTTP/2: see conn.preface
)

// reset cuts the connection: the client sees an error, not an end. It may be
// called while other goroutines use the connection.
func (c *conn) reset() {
	if t, ok := c.nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.nc.Close()
}

// linger sends our end of the stream and reads until the client sends its own,
// within bounds: were the socket closed with unread bytes, or did more arrive
// after, the kernel would answer with a reset, and that could take away the
// response that the client has not read yet (RFC 9112, section 9.6).
func (c *conn) linger() {
	c.sc.ReadWithin(0)
	if c.tls != nil {
		_ = c.sc.CloseWrite() // close_notify
	}
	c.finish()
}

// finish ends our direction of the socket, and reads and drops what the client
// sends until it ends its own.
func (c *conn) finish() {
	// Shutdown may shorten this from the moment that the state tells.
	_ = c.nc.SetReadDeadline(time.Now().Add(maxLingerTime))
	c.state.Store(lingering)
	if w, ok := c.nc.(interface{ CloseWrite() error }); !ok || w.CloseWrite() != nil {
		return
	}
	mem := alloc.Take(alloc.Standard)
	defer mem.Release()
	buf := mem.Alloc(headBuffer)
	for left := maxLingerBytes; left > 0; {
		n, err := c.nc.Read(buf)
		if err != nil {
			return
		}
		left -= n
	}
}
