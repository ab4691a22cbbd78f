package downstream

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// maxHello bounds what is kept of a ClientHello: 16 KiB with the headers of its records
// and what the client may send behind it. A longer one is not passed through.
const maxHello = 20 << 10

// errPassed ends our own handshake with a client that is passed through.
var errPassed = errors.New("connection is passed through")

// helloConn keeps what is read of a connection until the server name is known, so that
// a connection that is passed through can begin anew elsewhere.
type helloConn struct {
	net.Conn
	choose func(serverName string) func(nc net.Conn, hello []byte)

	known bool   // the server name is known, or the hello is too long
	hello []byte // what was read before that
	take  func(nc net.Conn, hello []byte)
}

// peek returns nc in a form that can be passed through, or nil when no connection is.
func (s *settings) peek(nc net.Conn) *helloConn {
	if s.passthrough == nil || s.passthroughAny != nil && !s.passthroughAny() {
		return nil
	}
	return &helloConn{Conn: nc, choose: s.passthrough}
}

// Read implements net.Conn.
func (h *helloConn) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	switch {
	case h.known:
	case len(h.hello)+n > maxHello:
		h.known, h.hello = true, nil
	default:
		h.hello = append(h.hello, p[:n]...)
	}
	return n, err
}

// Write implements net.Conn. Of a connection that is passed through the client gets
// nothing from us, not even the alert that ends our handshake.
func (h *helloConn) Write(p []byte) (int, error) {
	if h.take != nil {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

// NetConn returns the connection below.
func (h *helloConn) NetConn() net.Conn { return h.Conn }

// decide tells whether the connection is passed through.
func (h *helloConn) decide(serverName string) bool {
	if h.known {
		return false
	}
	h.known = true
	if h.take = h.choose(strings.ToLower(serverName)); h.take == nil {
		h.hello = nil
	}
	return h.take != nil
}

// passable returns a clone of cfg that ends the handshake of a connection which is
// passed through once its ClientHello was read.
func passable(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	choose := cfg.GetConfigForClient
	cfg.GetConfigForClient = func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		if h, ok := info.Conn.(*helloConn); ok && h.decide(info.ServerName) {
			return nil, errPassed
		}
		if choose == nil {
			return nil, nil
		}
		return choose(info)
	}
	return cfg
}

// passThrough hands the connection over, if that was decided, and waits for its end. It
// tells whether it did.
func (c *conn) passThrough(h *helloConn) bool {
	if h == nil || h.take == nil {
		return false
	}
	_ = c.nc.SetDeadline(time.Time{})
	h.take(h.Conn, h.hello)
	return true
}
