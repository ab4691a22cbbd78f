package sock

import (
	"net"
	"net/netip"
)

// Addressed is a connection with other addresses than those of its socket, such as a
// PROXY header tells. Reads and writes are the socket's: New makes of it what it makes of
// the socket itself.
type Addressed struct {
	net.Conn
	local, remote netip.AddrPort
}

// WithAddrs returns nc with these addresses.
func WithAddrs(nc net.Conn, local, remote netip.AddrPort) *Addressed {
	return &Addressed{nc, local, remote}
}

// LocalAddr implements net.Conn.
func (a *Addressed) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(a.local) }

// RemoteAddr implements net.Conn.
func (a *Addressed) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(a.remote) }

// NetConn returns the connection with its own addresses.
func (a *Addressed) NetConn() net.Conn { return a.Conn }

// CloseWrite ends our direction of the stream, where the connection can.
func (a *Addressed) CloseWrite() error {
	if w, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// socket returns what nc reads from and writes to.
func socket(nc net.Conn) net.Conn {
	if a, ok := nc.(*Addressed); ok {
		return a.Conn
	}
	return nc
}
