package downstream

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// ErrServerClosed is returned by Serve and its kin after Shutdown or Close.
var ErrServerClosed = errors.New("server is closed")

// Server serves exchanges on any number of listeners. Make one with New.
type Server struct {
	handler   message.Handler
	log       *slog.Logger
	tlsConfig *tls.Config
	set       atomic.Pointer[settings]
	date      dateCache
	reaper    *sock.Reaper
	most      int // connections that there are descriptors for

	draining atomic.Bool // responses announce the end of their connection
	stopping atomic.Bool // listeners stop when their queue is empty
	closed   chan struct{}
	http2    http2Conns

	mu         sync.Mutex // guards what follows; not taken by requests
	open       []*conn
	listeners  []net.Listener
	isClosed   bool
	stopReaper context.CancelFunc // nil: not running
	reaperDone chan struct{}
	full       bool  // connections were closed for lack of descriptors
	past       Stats // of connections that are gone
}

// New returns a server for cfg, which listens nowhere yet.
func New(cfg Config) *Server {
	s := &Server{
		handler:   cfg.Handler,
		log:       cfg.Logger,
		tlsConfig: cfg.TLSConfig,
		reaper:    sock.NewReaper(),
		most:      descriptorsForClients(),
		closed:    make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.SetConfig(cfg)
	return s
}

// SetConfig replaces the settings of a running server: limits, timeouts, counts,
// allocation mode and server name. They hold for connections and exchanges that
// begin from now on. Handler, TLSConfig and Logger of cfg are not looked at.
func (s *Server) SetConfig(cfg Config) { s.set.Store(newSettings(&cfg)) }

// begin registers a listener, and starts the reaper for the first one.
func (s *Server) begin(ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed || s.stopping.Load() {
		return ErrServerClosed
	}
	s.listeners = append(s.listeners, ln)
	if s.stopReaper == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.stopReaper, s.reaperDone = cancel, make(chan struct{})
		go func() {
			defer close(s.reaperDone)
			var wg sync.WaitGroup
			wg.Go(func() { trim(ctx) })
			wg.Go(func() { s.sweepStreams(ctx) })
			s.reaper.Run(ctx)
			wg.Wait()
		}()
	}
	return nil
}

// end forgets a listener and closes it.
func (s *Server) end(ln net.Listener) {
	s.mu.Lock()
	if i := slices.Index(s.listeners, ln); i >= 0 {
		s.listeners = slices.Delete(s.listeners, i, i+1)
	}
	s.mu.Unlock()
	_ = ln.Close()
}

// admit counts a new connection in and starts its goroutine, or closes it when
// there are too many or the server is closed.
func (s *Server) admit(nc net.Conn, tlsConfig *tls.Config) {
	set := s.set.Load()
	c := &conn{srv: s, nc: nc}
	c.state.Store(active) // until it waits for a request
	s.mu.Lock()
	s.past.Accepted++
	c.session.Number = s.past.Accepted
	scarce := len(s.open) >= s.most
	if s.isClosed || scarce || set.maxConnections > 0 && len(s.open) >= set.maxConnections {
		s.past.Rejected++
		tell := scarce && !s.full
		s.full = s.full || scarce
		s.mu.Unlock()
		_ = nc.Close()
		if tell {
			s.log.Warn("connections are closed since descriptors run short", "connections", s.most)
		}
		return
	}
	c.index = len(s.open)
	s.open = append(s.open, c)
	c.idleSince.Store(int64(s.reaper.Now()))
	s.mu.Unlock()
	go c.run(tlsConfig)
}

// leave is the end of admit.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(c)
	s.past.add(&c.count)
}

// handOver forgets a connection that was hijacked before its goroutine ends. What
// that still counts comes with leave.
func (s *Server) handOver(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(c)
	s.past.add(&c.count)
	c.count.reset()
}

// remove takes c off the list of open connections, once.
func (s *Server) remove(c *conn) {
	if c.index < 0 {
		return
	}
	last := len(s.open) - 1
	s.open[c.index] = s.open[last]
	s.open[c.index].index = c.index
	s.open[last] = nil
	s.open = s.open[:last]
	s.full = s.full && last > s.most/2
	c.index = -1
}
