// Package rawconn is a client for tests that care about every byte: it sends
// exactly what it is told, in the pieces it is told, and compares what comes back
// with what is expected. It knows nothing of HTTP but where a Date is.
package rawconn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a Conn waits for what it expects.
const Patience = 10 * time.Second

// Conn is one client connection. What it reads is kept until it is expected.
type Conn struct {
	t    testing.TB
	nc   net.Conn
	got  []byte // read and not expected yet
	base int    // bytes expected already
}

// Dial connects to addr over TCP. The connection is closed when the test ends.
func Dial(t testing.TB, addr string) *Conn {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, Patience)
	if err != nil {
		t.Fatal(err)
	}
	return New(t, nc)
}

// DialTLS is Dial with TLS on top.
func DialTLS(t testing.TB, addr string, cfg *tls.Config) *Conn {
	t.Helper()
	nc, err := tls.DialWithDialer(&net.Dialer{Timeout: Patience}, "tcp", addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return New(t, nc)
}

// New wraps a connection, and closes it when the test ends.
func New(t testing.TB, nc net.Conn) *Conn {
	t.Cleanup(func() { _ = nc.Close() })
	return &Conn{t: t, nc: nc}
}

// NetConn returns the connection itself.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Send writes the pieces, each with a call of its own. An error is left for
// Expect to find, since a peer may refuse before it has read all.
func (c *Conn) Send(pieces ...string) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(Patience))
	for _, p := range pieces {
		if _, err := c.nc.Write([]byte(p)); err != nil {
			return
		}
	}
}

// CloseWrite ends the client's direction.
func (c *Conn) CloseWrite() {
	c.t.Helper()
	if err := c.nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// Close closes the connection before the test ends.
func (c *Conn) Close() { _ = c.nc.Close() }

// read reads once more. It returns io.EOF at the end.
func (c *Conn) read() error {
	_ = c.nc.SetReadDeadline(time.Now().Add(Patience))
	var b [4096]byte
	n, err := c.nc.Read(b[:])
	c.got = append(c.got, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// Expect reads until as many bytes have come as want has, and fails the test if
// they differ. Dates in what comes are normalised first: see NormalizeDate.
func (c *Conn) Expect(want string) {
	c.t.Helper()
	for {
		got := NormalizeDate(c.got)
		if n := min(len(got), len(want)); string(got[:n]) != want[:n] || len(got) >= len(want) {
			if string(got[:n]) != want {
				c.t.Fatalf("after %d bytes, got:\n%q\nwant:\n%q", c.base, got, want)
			}
			c.base += len(want)
			c.got = got[len(want):]
			return
		}
		if err := c.read(); err != nil {
			c.t.Fatalf("after %d bytes and %q: %v; want:\n%q", c.base, NormalizeDate(c.got), err, want)
		}
	}
}

// ExpectEOF fails the test unless the peer ends the stream cleanly, with no more
// bytes.
func (c *Conn) ExpectEOF() {
	c.t.Helper()
	if rest, err := c.Rest(); err != nil || rest != "" {
		c.t.Fatalf("at the end: %q, %v; want a clean end", rest, err)
	}
}

// ExpectReset fails the test unless the peer cuts the connection. What comes
// before that is returned.
func (c *Conn) ExpectReset() string {
	c.t.Helper()
	rest, err := c.Rest()
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.t.Fatalf("at the end: %q, %v; want a reset", rest, err)
	}
	return rest
}

// Rest reads until the end and returns what came, with dates normalised. The
// error is nil for a clean end.
func (c *Conn) Rest() (string, error) {
	for {
		err := c.read()
		if err == nil {
			continue
		}
		rest := string(NormalizeDate(c.got))
		c.got = nil
		if err == io.EOF {
			return rest, nil
		}
		return rest, err
	}
}

// Until reads until mark has come, and returns what came up to its end.
func (c *Conn) Until(mark string) string {
	c.t.Helper()
	for {
		if i := strings.Index(string(c.got), mark); i >= 0 {
			s := string(c.got[:i+len(mark)])
			c.got = c.got[i+len(mark):]
			return s
		}
		if err := c.read(); err != nil {
			c.t.Fatalf("waiting for %q: %v after %q", mark, err, c.got)
		}
	}
}

// ExpectSilence fails the test if anything comes, or the peer closes, within d.
func (c *Conn) ExpectSilence(d time.Duration) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	var b [256]byte
	n, err := c.nc.Read(b[:])
	if ne, ok := err.(net.Error); n > 0 || len(c.got) > 0 || !ok || !ne.Timeout() {
		c.t.Fatalf("%q, %v; want silence", append(c.got, b[:n]...), err)
	}
}

// NormalizeDate returns b with the value of each complete Date line replaced by
// "@".
func NormalizeDate(b []byte) []byte {
	out := bytes.Clone(b)
	const name = "\r\nDate: "
	for from := 0; ; {
		i := bytes.Index(out[from:], []byte(name))
		if i < 0 {
			return out
		}
		i += from + len(name)
		end := bytes.IndexByte(out[i:], '\r')
		if end < 0 {
			return out[:i] // the rest of the line has not come
		}
		out = append(out[:i], append([]byte("@"), out[i+end:]...)...)
		from = i
	}
}
