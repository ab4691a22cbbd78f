package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// accept accepts connections until ln is closed. A lack of descriptors or memory
// is waited out.
func (p *port) accept(ln *net.TCPListener) {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			p.admit(nc)
		case errors.Is(err, net.ErrClosed):
			return
		case p.stopping.Load():
			p.acceptQueued(ln)
			_ = ln.Close()
			p.lost(nil)
			return
		case !passes(err):
			_ = ln.Close()
			p.lost(err)
			return
		default:
			if pause == 0 {
				p.srv.log.Warn("listener cannot accept", "listener", ln.Addr().String(), "err", err)
			}
			pause = min(max(2*pause, shortest), longest)
			time.Sleep(pause) // Close waits for it
		}
	}
}

// acceptQueued accepts what the kernel still holds of a listener that is about to
// close.
func (p *port) acceptQueued(ln *net.TCPListener) {
	for end := time.Now().Add(acceptLast); time.Now().Before(end); {
		_ = ln.SetDeadline(time.Now().Add(acceptQuiet))
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		p.admit(nc)
	}
}

// passes tells whether an error of a socket that clients come in by is one that
// passes: the peer's, or a lack of something.
func passes(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.ECONNREFUSED,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EINTR, syscall.EPERM, syscall.EPROTO,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// admit starts the goroutine of a connection, or closes it when there are too many.
func (p *port) admit(nc net.Conn) {
	s := p.srv
	ctx, t := s.begin(&p.counts)
	if t == nil {
		_ = nc.Close()
		return
	}
	r := p.route.Load()
	s.started.Go(func() {
		defer s.end(t)
		t.serve(ctx, nc, nil, r)
	})
}

// PassThrough forwards a connection to an endpoint of up and returns when it has
// ended; nc is closed then. hello are bytes that were read from it already: they
// are sent first, after a PROXY header of this version with the address of the client,
// or without one for 0. up may be nil: the connection is closed.
//
// It goes on while the server drains, and is refused once that is closed.
func (s *Server) PassThrough(nc net.Conn, hello []byte, up *upstream.Upstream, header uint8) {
	ctx, t := s.begin(&s.passed)
	if t == nil {
		_ = nc.Close()
		return
	}
	defer s.end(t)
	r := &route{upstream: up, header: header}
	r.StreamTimeouts = s.config.PassThrough
	t.serve(ctx, nc, hello, r)
}

// begin counts a connection in. The context ends when it is cut. The tunnel is nil
// when there are too many, or the server is closed.
func (s *Server) begin(c *counts) (context.Context, *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.total.Add(1)
	if s.closed || len(s.tunnels) >= s.config.MaxConnections {
		c.refused.Add(1)
		if !s.full && !s.closed {
			s.full = true
			s.log.Warn("connections of streams are closed since there are too many", "connections", s.config.MaxConnections)
		}
		return nil, nil
	}
	c.open.Add(1)
	ctx, stop := context.WithCancel(context.Background())
	t := &tunnel{srv: s, counts: c, stop: stop}
	s.tunnels[t] = struct{}{}
	s.started.Add(1)
	return ctx, t
}

// end is the end of what begin began.
func (s *Server) end(t *tunnel) {
	t.stop()
	t.counts.open.Add(-1)
	s.mu.Lock()
	delete(s.tunnels, t)
	s.full = s.full && len(s.tunnels) > s.config.MaxConnections/2
	s.mu.Unlock()
	s.started.Done()
}
