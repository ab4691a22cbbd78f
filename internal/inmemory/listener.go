// Package inmemory has a listener for tests whose connections take no descriptors. On
// them every write arrives by itself.
package inmemory

import (
	"net"
	"sync"
)

// Listener accepts the connections that Dial makes.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener returns an open listener.
func NewListener() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial returns the client's end of a new connection, once the other one was accepted.
func (l *Listener) Dial() net.Conn {
	ours, theirs := net.Pipe()
	l.Offer(theirs)
	return ours
}

// Offer has a connection accepted that the test has made.
func (l *Listener) Offer(c net.Conn) { l.conns <- c }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }
