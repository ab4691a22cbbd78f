//go:build unix

package stream

import (
	"net"
	"sync"
	"syscall"
)

// buffers are for datagrams on their way to clients.
var buffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// socket is a client's socket to its endpoint. One goroutine may read and another
// one write. Mostly there is nothing to read: no buffer is held meanwhile, since
// there are thousands of sockets. And a write never waits: one goroutine writes to
// all of them.
type socket struct {
	raw syscall.RawConn
	err error // there is no raw

	readable func(fd uintptr) bool
	buf      *[maxDatagram]byte
	n        int
	readErr  error

	writable func(fd uintptr) bool
	out      []byte
	writeErr error
}

func newSocket(conn *net.UDPConn) *socket {
	s := new(socket)
	s.raw, s.err = conn.SyscallConn()
	s.readable, s.writable = s.tryRead, s.tryWrite
	return s
}

// read returns the next datagram. It is valid until release, which must follow.
func (s *socket) read() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := s.raw.Read(s.readable); err != nil {
		return nil, err
	}
	if s.readErr != nil {
		return nil, s.readErr
	}
	return s.buf[:s.n], nil
}

// tryRead is called with the descriptor until it returns true.
func (s *socket) tryRead(fd uintptr) bool {
	s.buf = buffers.Get().(*[maxDatagram]byte)
	for {
		n, err := syscall.Read(int(fd), s.buf[:])
		switch err {
		case nil:
			s.n = n
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			s.release()
			return false
		}
		s.release()
		s.readErr = err
		return true
	}
}

// release gives the buffer back.
func (s *socket) release() {
	buffers.Put(s.buf)
	s.buf = nil
}

// write sends a datagram. When the kernel has no room for it, the error is EAGAIN.
func (s *socket) write(b []byte) error {
	if s.err != nil {
		return s.err
	}
	s.out = b
	err := s.raw.Write(s.writable)
	s.out = nil
	if err != nil {
		return err
	}
	return s.writeErr
}

func (s *socket) tryWrite(fd uintptr) bool {
	for {
		_, s.writeErr = syscall.Write(int(fd), s.out)
		if s.writeErr != syscall.EINTR {
			return true
		}
	}
}
