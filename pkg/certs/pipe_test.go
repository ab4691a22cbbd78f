package certs

import (
	"io"
	"net"
	"sync"
	"time"
)

// half is one direction of a connection in memory. What is written waits, so that
// both ends may write at a time.
type half struct {
	mu     sync.Mutex
	more   sync.Cond
	bytes  []byte
	closed bool
}

// pipe is one end of a connection in memory. It has no deadlines: close it.
type pipe struct{ in, out *half }

func newPipe() (net.Conn, net.Conn) {
	a, b := new(half), new(half)
	a.more.L, b.more.L = &a.mu, &b.mu
	return pipe{a, b}, pipe{b, a}
}

func (p pipe) Read(b []byte) (int, error) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for len(p.in.bytes) == 0 && !p.in.closed {
		p.in.more.Wait()
	}
	if len(p.in.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.in.bytes)
	p.in.bytes = p.in.bytes[n:]
	return n, nil
}

func (p pipe) Write(b []byte) (int, error) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.out.closed {
		return 0, io.ErrClosedPipe
	}
	p.out.bytes = append(p.out.bytes, b...)
	p.out.more.Broadcast()
	return len(b), nil
}

// Close ends both directions. What was written can still be read.
func (p pipe) Close() error {
	for _, h := range []*half{p.in, p.out} {
		h.mu.Lock()
		h.closed = true
		h.more.Broadcast()
		h.mu.Unlock()
	}
	return nil
}

func (p pipe) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (p pipe) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (p pipe) SetDeadline(time.Time) error      { return nil }
func (p pipe) SetReadDeadline(time.Time) error  { return nil }
func (p pipe) SetWriteDeadline(time.Time) error { return nil }
