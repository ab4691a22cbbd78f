//go:build !unix

package stream

import "net"

// socket is a client's socket to its endpoint, with a buffer of its own.
type socket struct {
	conn *net.UDPConn
	buf  []byte
}

func newSocket(conn *net.UDPConn) *socket { return &socket{conn: conn} }

func (s *socket) read() ([]byte, error) {
	if s.buf == nil {
		s.buf = make([]byte, maxDatagram)
	}
	n, err := s.conn.Read(s.buf)
	return s.buf[:n], err
}

func (s *socket) release() {}

func (s *socket) write(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}
