package downstream

import (
	"crypto/tls"
	"net"
	"time"
)

// http2Socket is the connection as x/net sees it. It writes within the write timeout,
// and leaves deadlines to the server's reaper.
type http2Socket struct {
	c            *conn
	read         []byte // what was read already
	writeTimeout time.Duration
}

// Read implements net.Conn. How long it may wait is for IdleTimeout and PINGs to say.
func (s *http2Socket) Read(p []byte) (int, error) {
	if len(s.read) > 0 {
		n := copy(p, s.read)
		if s.read = s.read[n:]; len(s.read) == 0 {
			s.read = nil
		}
		return n, nil
	}
	return s.c.sc.Read(p)
}

// Write implements net.Conn.
func (s *http2Socket) Write(p []byte) (int, error) {
	sc := s.c.sc
	sc.WriteWithin(s.writeTimeout)
	n, err := sc.Write(p)
	if err == nil {
		sc.WriteWithin(0)
	}
	return n, err
}

// Close implements net.Conn.
func (s *http2Socket) Close() error { return s.c.sc.Close() }

// LocalAddr implements net.Conn.
func (s *http2Socket) LocalAddr() net.Addr { return s.c.nc.LocalAddr() }

// RemoteAddr implements net.Conn.
func (s *http2Socket) RemoteAddr() net.Addr { return s.c.nc.RemoteAddr() }

// SetDeadline implements net.Conn. It does nothing.
func (s *http2Socket) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn. It does nothing.
func (s *http2Socket) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn. It does nothing.
func (s *http2Socket) SetWriteDeadline(time.Time) error { return nil }

// http2TLSSocket lets x/net check the version of TLS and the cipher suite (RFC 9113,
// section 9.2).
type http2TLSSocket struct{ *http2Socket }

// ConnectionState returns what was agreed on in the handshake.
func (s *http2TLSSocket) ConnectionState() tls.ConnectionState { return *s.c.tls }
