package stream

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Server forwards streams. Make one with New. Its methods may be called from any
// goroutine.
type Server struct {
	config Config
	log    *slog.Logger
	reaper *sock.Reaper
	most   int64        // UDP clients of all ports
	held   atomic.Int64 // how many there are

	passed counts // of PassThrough

	trusted atomic.Pointer[[]netip.Prefix] // see Trust

	mu       sync.Mutex // guards what follows; taken for each connection, not for bytes
	ports    map[portKey]*port
	leaving  map[portKey]*port // UDP ports that were removed and still have clients
	tunnels  map[*tunnel]struct{}
	full     bool // connections were refused, and nobody need be told again
	draining bool
	closed   bool
	started  sync.WaitGroup // all goroutines but those of callers
}

// portKey tells one port from another.
type portKey struct {
	udp    bool
	number uint16
}

// port is a port that there should be.
type port struct {
	srv    *Server
	key    portKey
	name   string
	route  atomic.Pointer[route]
	counts counts

	// What follows is guarded by Server.mu.
	tcp      *net.TCPListener // nil: not listened on
	udp      *datagrams       // likewise
	err      error            // why not
	stopping atomic.Bool      // tells the one who accepts to end
}

// route is where a port leads. It is replaced, never changed.
type route struct {
	model.Stream
	upstream *upstream.Upstream
	// header is the version of the PROXY header that endpoints get, 0 for none.
	header uint8
}

// New returns a server that listens nowhere yet. Close must be called in the end,
// or Run end.
func New(c Config) *Server {
	c.setDefaults()
	return &Server{
		config:  c,
		log:     c.Logger,
		reaper:  sock.NewReaper(),
		most:    int64(descriptorShare()),
		ports:   make(map[portKey]*port),
		leaving: make(map[portKey]*port),
		tunnels: make(map[*tunnel]struct{}),
	}
}

// Set makes the ports those of streams. A port that stays keeps its socket, its
// connections and its clients; where it leads now is for new ones. A port that is
// gone accepts no more, and its connections go on until they end. lookup finds an
// upstream, or nil when there is none: connections are closed then.
//
// A port that cannot be listened on is logged, shown by Stats and Problems, and
// tried again by the next Set and by Run. Once the server drains, Set does nothing.
func (s *Server) Set(streams []model.Stream, lookup func(model.UpstreamKey) *upstream.Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.closed {
		return
	}
	wanted := make(map[portKey]bool, len(streams))
	for i := range streams {
		st := &streams[i]
		key := portKey{st.UDP, st.Port}
		wanted[key] = true
		r := &route{Stream: *st}
		if st.SendProxy {
			r.header = 1 // as ingress-nginx sends it
		}
		if !st.Upstream.IsZero() {
			r.upstream = lookup(st.Upstream)
		}
		p := s.ports[key]
		if p == nil {
			p = s.returning(key)
		}
		if p == nil {
			p = &port{srv: s, key: key, name: st.Name()}
		}
		s.ports[key] = p
		p.route.Store(r)
	}
	for key, p := range s.ports {
		if !wanted[key] {
			delete(s.ports, key)
			s.remove(p)
		}
	}
	s.open()
}

// Trust sets the networks whose PROXY headers are believed. That of another peer is
// read, and the client's address is the peer's. Until Trust is called, and with nil,
// all are believed; with an empty list nobody is. It keeps the list.
func (s *Server) Trust(networks []netip.Prefix) { s.trusted.Store(&networks) }

// trusts tells whether the PROXY header of a peer is believed.
func (s *Server) trusts(peer netip.Addr) bool {
	networks, peer := s.trusted.Load(), peer.WithZone("")
	return networks == nil || *networks == nil ||
		slices.ContainsFunc(*networks, func(n netip.Prefix) bool { return n.Contains(peer) })
}

// returning takes a port back that was to go. s.mu is held.
func (s *Server) returning(key portKey) *port {
	p := s.leaving[key]
	if p != nil {
		if !p.udp.stay() {
			return nil // it ends at this moment
		}
		delete(s.leaving, key)
	}
	return p
}

// remove closes a port. s.mu is held.
func (s *Server) remove(p *port) {
	s.log.Info("stream ends", "stream", p.name)
	if p.tcp != nil {
		_ = p.tcp.Close()
		p.tcp = nil
	}
	if p.udp != nil {
		p.udp.leave()
		s.leaving[p.key] = p
	}
}

// open listens on all ports that are not listened on. s.mu is held.
func (s *Server) open() {
	for _, p := range s.ports {
		if p.tcp != nil || p.udp != nil {
			continue
		}
		err := p.listen()
		switch {
		case err == nil:
			s.log.Info("stream begins", "stream", p.name, "upstream", p.route.Load().Upstream)
		case p.err == nil || p.err.Error() != err.Error():
			s.log.Error("port of a stream cannot be listened on", "stream", p.name, "err", err)
		}
		p.err = err
	}
}

// listen opens the port and starts who reads from it. s.mu is held.
func (p *port) listen() error {
	address := net.JoinHostPort(p.srv.config.Address, strconv.Itoa(int(p.key.number)))
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	if p.key.udp {
		conn, err := lc.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return err
		}
		p.udp = newDatagrams(p, conn.(*net.UDPConn))
		p.srv.started.Go(p.udp.receive)
		return nil
	}
	ln, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	p.tcp = ln.(*net.TCPListener)
	p.srv.started.Go(func() { p.accept(ln.(*net.TCPListener)) })
	return nil
}

// lost is called when a port that is wanted has come to an end, by whoever read
// from it. It will be tried again.
func (p *port) lost(err error) {
	s := p.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	p.tcp, p.udp = nil, nil
	if s.closed || s.draining || s.ports[p.key] != p {
		if s.leaving[p.key] == p {
			delete(s.leaving, p.key)
		}
		return
	}
	if p.err = err; err != nil {
		s.log.Error("port of a stream cannot be listened on", "stream", p.name, "err", err)
	}
}

// Problems tells which ports cannot be listened on at the moment.
func (s *Server) Problems() []model.Problem {
	var list []model.Problem
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.ports {
		if p.err != nil {
			list = append(list, model.Problem{
				Object: p.route.Load().Source, Reason: model.ReasonPortConflict,
				Message: fmt.Sprintf("%s cannot be listened on: %v", p.name, p.err),
			})
		}
	}
	slices.SortFunc(list, func(a, b model.Problem) int { return strings.Compare(a.Message, b.Message) })
	return list
}

// sweepInterval is how often UDP clients are looked at.
const sweepInterval = 250 * time.Millisecond

// Run enforces timeouts, and tries ports again that could not be listened on, until
// ctx ends. It then closes everything at once and returns when all that was started
// has ended.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.reaper.Run(ctx) })
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	retry := time.NewTicker(s.config.ListenRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			s.Close()
			return nil
		case <-sweep.C:
			for _, d := range s.datagrams() {
				d.sweep()
			}
		case <-retry.C:
			s.mu.Lock()
			if !s.draining && !s.closed {
				s.open()
			}
			s.mu.Unlock()
		}
	}
}

// datagrams are the UDP ports that there are.
func (s *Server) datagrams() []*datagrams {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*datagrams
	for _, ports := range []map[portKey]*port{s.ports, s.leaving} {
		for _, p := range ports {
			if p.udp != nil {
				list = append(list, p.udp)
			}
		}
	}
	return list
}
