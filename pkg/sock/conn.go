package sock

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
)

// ErrWouldBlock is returned by TryRead when no byte is there.
var ErrWouldBlock = errors.New("no bytes to read")

// ErrTimeout is returned by calls that the connection's deadline ended. It is
// os.ErrDeadlineExceeded, as net.Conn returns.
var ErrTimeout = os.ErrDeadlineExceeded

// Conn is one connection. One goroutine at a time may read and another one
// write; Close and the deadlines may be called from any.
type Conn struct {
	nc    net.Conn
	raw   *rawConn // nil: go through nc
	watch *slot
	alarm Alarm
	local netip.AddrPort
	peer  netip.AddrPort
}

// New wraps nc, which may be Addressed. With a reaper the connection has deadlines; r
// may be nil.
func New(nc net.Conn, r *Reaper) *Conn {
	c := &Conn{nc: nc, raw: newRawConn(socket(nc))}
	c.local = addrPort(nc.LocalAddr())
	c.peer = addrPort(nc.RemoteAddr())
	if r != nil {
		c.watch = r.add(c)
	}
	return c
}

// addrPort returns a with IPv4-mapped addresses as IPv4, or the zero value for
// what is no IP address.
func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// NetConn returns the connection that c wraps.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Local is our end's address; zero for other networks than IP.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote is the peer's address; zero for other networks than IP.
func (c *Conn) Remote() netip.AddrPort { return c.peer }

// SetRemote overrides the peer's address, such as with that of a PROXY header.
func (c *Conn) SetRemote(a netip.AddrPort) { c.peer = a }

// Read waits until bytes are there and reads them. At the end it returns io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	if c.raw != nil {
		return c.raw.read(p)
	}
	n, err := c.nc.Read(p)
	if n > 0 {
		return n, nil // the error, if it lasts, comes with the next call
	}
	if n == 0 && err == nil {
		return 0, io.ErrNoProgress
	}
	return n, err
}

// TryRead reads what is there and never waits: it returns ErrWouldBlock when
// that is nothing, or when c cannot tell (TLS).
func (c *Conn) TryRead(p []byte) (int, error) {
	if c.raw != nil {
		return c.raw.tryRead(p)
	}
	return 0, ErrWouldBlock
}

// CanWait tells whether WaitRead really waits.
func (c *Conn) CanWait() bool { return c.raw != nil }

// WaitRead waits, without a buffer, until bytes (or an end, or an error) may be
// there. Where c cannot wait (CanWait) it returns at once.
func (c *Conn) WaitRead() error {
	if c.raw != nil {
		return c.raw.waitRead()
	}
	return nil
}

// Write writes all of p.
func (c *Conn) Write(p []byte) (int, error) {
	if c.raw != nil {
		return c.raw.write(p)
	}
	return c.nc.Write(p)
}

// Write2 writes all of a, then all of b, in one system call where it can.
func (c *Conn) Write2(a, b []byte) (int, error) {
	switch {
	case len(a) == 0:
		return c.Write(b)
	case len(b) == 0:
		return c.Write(a)
	case c.raw != nil:
		return c.raw.write2(a, b)
	}
	n, err := c.nc.Write(a)
	if err != nil {
		return n, err
	}
	m, err := c.nc.Write(b)
	return n + m, err
}

// Ask writes all of a and b as one request and reads the first bytes of the answer
// into p. It expects that the peer has nothing to say before it was asked: call
// it when TryRead has found nothing. wait bounds the time from the last byte
// written to the first one read; 0 means no limit. sent counts the bytes written,
// also when there is an error.
func (c *Conn) Ask(a, b, p []byte, wait time.Duration) (sent, n int, err error) {
	if c.raw != nil {
		var unsent [2][]byte
		c.ReadWithin(wait)
		sent, n, unsent, err = c.raw.ask(a, b, p)
		c.ReadWithin(0)
		if err != nil || len(unsent[0]) == 0 {
			return sent, n, err
		}
		a, b = unsent[0], unsent[1]
	}
	more, err := c.Write2(a, b)
	sent += more
	if err != nil {
		return sent, 0, err
	}
	c.ReadWithin(wait)
	n, err = c.Read(p)
	c.ReadWithin(0)
	return sent, n, err
}

// ReadWithin sets the deadline of reads to d from now; 0 removes it. After it
// has passed, reads fail with ErrTimeout for good.
func (c *Conn) ReadWithin(d time.Duration) {
	if s := c.watch; s != nil && s.conn.Load() == c {
		within(&s.read, s.reaper, d)
	}
}

// Resume lets reads go on that a deadline set on NetConn has ended, and removes
// that of ReadWithin. It returns false, and does nothing, when the latter has
// passed as well: without a deadline that can be set again, reads could last for
// ever.
func (c *Conn) Resume() bool {
	c.ReadWithin(0)
	if s := c.watch; s != nil && s.conn.Load() == c && s.read.Load() == expired {
		return false
	}
	return c.nc.SetReadDeadline(time.Time{}) == nil
}

// WriteWithin is ReadWithin for writes.
func (c *Conn) WriteWithin(d time.Duration) {
	if s := c.watch; s != nil && s.conn.Load() == c {
		within(&s.write, s.reaper, d)
	}
}

// Detach ends the deadlines of c for good, so that NetConn can be used by itself.
// It returns false, and c is of no use any more, when one has passed already: it may
// be set on NetConn at this moment.
func (c *Conn) Detach() bool {
	c.ReadWithin(0)
	c.WriteWithin(0)
	s := c.watch
	if s == nil || s.conn.Load() != c {
		return true
	}
	passed := s.read.Load() == expired || s.write.Load() == expired
	s.leave(c)
	return !passed
}

// CloseWrite sends the end of the stream and leaves the other direction open.
func (c *Conn) CloseWrite() error {
	if w, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Close closes the connection. It may be called twice.
func (c *Conn) Close() error {
	if c.watch != nil {
		c.watch.leave(c)
	}
	return c.nc.Close()
}

// Reset closes the connection so that the peer sees an error, not an end, where
// the network can tell (TCP).
func (c *Conn) Reset() error {
	nc := c.nc
	for {
		t, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		nc = t.NetConn() // below TLS: no close_notify
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	if c.watch != nil {
		c.watch.leave(c)
	}
	return nc.Close()
}
