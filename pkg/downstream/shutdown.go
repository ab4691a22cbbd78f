package downstream

import (
	"context"
	"slices"
	"time"
)

const (
	// After Shutdown began, a listener goes on accepting what the kernel has
	// queued until nothing came for acceptQuiet, in which a handshake that had
	// begun can end, or acceptLast has passed.
	acceptQuiet = 100 * time.Millisecond
	acceptLast  = time.Second
	// Where the kernel goes on queueing, that would never be empty under load.
	acceptQuietOpen = 5 * time.Millisecond
	acceptLastOpen  = 50 * time.Millisecond
	// firstIdle is how long a connection must have been idle that has not carried a
	// request yet: its client has not had the time to send one.
	firstIdle = 250 * time.Millisecond
	// lingerStopping bounds how long Shutdown waits for clients to close connections
	// that we have closed.
	lingerStopping = 250 * time.Millisecond
	// closeWait is how long Close waits for handlers to notice.
	closeWait = time.Second
	// drainPoll is how often Shutdown looks for connections that fell idle.
	drainPoll = 10 * time.Millisecond
)

// Drain makes every response from now on announce the end of its connection
// (Connection: close), so that clients move away one answered request at a
// time. Listeners stay open and nothing is closed early.
//
// Connections that speak HTTP/2 are told with GOAWAY, after which only the streams that
// have begun go on.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.http2.goAway()
}

// Shutdown drains the server and waits for its end: listeners accept what the
// kernel has queued and close, connections that are idle long enough
// (Config.ShutdownIdle) are closed, the others end with their next response.
// Bytes of a request that had arrived before its connection was closed are
// served. When ctx ends first, all connections are cut and ctx's error is
// returned. Tunnels last until their handler ends them or ctx does.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	s.stopping.Store(true)
	s.stopListeners()
	t := time.NewTicker(drainPoll)
	defer t.Stop()
	for s.closeIdle() > 0 {
		select {
		case <-ctx.Done():
			_ = s.Close()
			return ctx.Err()
		case <-t.C:
		}
	}
	return s.Close()
}

// stopListeners wakes Serve, which empties the listener's queue and closes it.
func (s *Server) stopListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ln := range s.listeners {
		if d, ok := ln.(interface{ SetDeadline(time.Time) error }); ok && d.SetDeadline(time.Unix(1, 0)) == nil {
			continue
		}
		_ = ln.Close()
	}
}

// closeIdle asks connections that are idle long enough to leave, and returns how
// many listeners and connections there still are.
func (s *Server) closeIdle() int {
	now, least := s.reaper.Now(), s.set.Load().shutdownIdle
	before, first := int64(now-least), int64(now-max(least, firstIdle))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		if c.state.CompareAndSwap(lingering, hurried) {
			_ = c.nc.SetReadDeadline(time.Now().Add(lingerStopping))
		}
		limit := before
		if c.count.requests.Load() == 0 {
			limit = first
		}
		if c.idleSince.Load() <= limit && c.state.CompareAndSwap(idle, leaving) {
			if h := c.http2.Load(); h != nil {
				h.leave()
				continue
			}
			// The connection's goroutine looks once more for a request, and
			// closes if there is none.
			_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		}
	}
	return len(s.listeners) + len(s.open)
}

// Close closes listeners and connections at once and waits for what the server
// started. A connection in the middle of an exchange is reset: its client must not
// take what it has for a whole response. A handler that does not return within a
// second of losing its connection is not waited for.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.isClosed {
		s.isClosed = true
		close(s.closed)
	}
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	open := slices.Clone(s.open)
	stop, stopped := s.stopReaper, s.reaperDone
	s.mu.Unlock()
	for _, c := range open {
		if c.state.Load() == active {
			c.reset()
		} else {
			_ = c.nc.Close()
		}
		c.tellCut()
	}
	deadline := time.Now().Add(closeWait)
	for s.openConns() > 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if stop != nil {
		stop()
		<-stopped
	}
	return nil
}

func (s *Server) openConns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}
