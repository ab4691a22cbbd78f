package stream

import (
	"context"
	"time"
)

const (
	// drainPoll is how often Shutdown looks whether all has ended.
	drainPoll = 10 * time.Millisecond
	// drainIdle is how long a UDP client must have been silent that is forgotten
	// while its port is about to close.
	drainIdle = 2 * time.Second
	// When a listener closes, connections that the kernel has queued are accepted
	// until none came for acceptQuiet, or acceptLast has passed: closing would reset
	// them.
	acceptQuiet = 5 * time.Millisecond
	acceptLast  = 50 * time.Millisecond
)

// Drain stops accepting: listeners close, and UDP ports take no new clients.
// Connections go on, and PassThrough takes more of them.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.closed {
		return
	}
	s.draining = true
	for _, p := range s.ports {
		switch {
		case p.tcp != nil:
			p.stopping.Store(true)
			_ = p.tcp.SetDeadline(time.Unix(1, 0)) // wakes the one who accepts
		case p.udp != nil:
			p.udp.leave()
		}
	}
}

// Shutdown drains the server and waits until connections have ended and UDP
// clients were silent for a moment. When ctx ends first all are cut, and ctx's
// error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	t := time.NewTicker(drainPoll)
	defer t.Stop()
	for s.busy() {
		select {
		case <-ctx.Done():
			s.Close()
			return ctx.Err()
		case <-t.C:
		}
	}
	s.Close()
	return nil
}

// busy tells whether a port or a connection is open.
func (s *Server) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tunnels) > 0 || len(s.leaving) > 0 {
		return true
	}
	for _, p := range s.ports {
		if p.tcp != nil || p.udp != nil {
			return true
		}
	}
	return false
}

// Open is how many connections and UDP clients there are.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tunnels) + int(s.held.Load())
}

// Close closes ports and cuts connections at once, and waits for what the server
// started. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	var udp []*datagrams
	for _, ports := range []map[portKey]*port{s.ports, s.leaving} {
		for _, p := range ports {
			if p.tcp != nil {
				_ = p.tcp.Close()
			}
			if p.udp != nil {
				udp = append(udp, p.udp)
			}
		}
	}
	for t := range s.tunnels {
		t.cut()
	}
	s.mu.Unlock()
	for _, d := range udp {
		d.close()
	}
	s.started.Wait()
}
