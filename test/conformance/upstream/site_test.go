package upstream_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/locked"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Timeouts of the site's route.
const (
	connectTimeout = 300 * time.Millisecond
	ioTimeout      = time.Second
)

// site is a proxy that serves the hosts "a" and "b" with a script of the test as
// their upstream.
type site struct {
	t        testing.TB
	addr     netip.AddrPort // the proxy's
	tlsAddr  netip.AddrPort // the same with TLS
	registry *upstream.Registry
	server   *downstream.Server
	log      *locked.Buffer // the access log; complete after stop
	stop     func()

	ln    *net.TCPListener // the upstream's
	dials atomic.Int32
}

var key = model.UpstreamKey{Namespace: "default", Service: "app", Port: "80"}

// endpointAddr is the address of the i-th endpoint. All lead to the listener.
func endpointAddr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)}), 80)
}

// routeMode is the allocation mode of the site's routes.
func (sc scene) routeMode() alloc.Mode {
	if sc.mixed {
		return (inmodes.Mode() + 1) % alloc.Mode(alloc.Modes)
	}
	return inmodes.Mode()
}

func newSite(t testing.TB, sc scene) *site {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ln: ln.(*net.TCPListener), log: new(locked.Buffer)}
	quiet := slog.New(slog.DiscardHandler)
	s.registry = upstream.NewRegistry(upstream.Config{
		Logger: quiet,
		Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			n := int(s.dials.Add(1))
			if n <= sc.refuse {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			if n <= sc.refuse+sc.hang {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			var d net.Dialer
			return d.DialContext(ctx, "tcp", ln.Addr().String())
		},
	})
	endpoints := make([]model.Endpoint, sc.endpoints)
	for i := range endpoints {
		endpoints[i].Addr = endpointAddr(i)
	}
	s.registry.SetEndpoints(model.Endpoints{key: endpoints})

	opts := model.DefaultOptions()
	opts.AllocationMode = model.AllocationMode(sc.routeMode().String())
	opts.ConnectTimeout, opts.SendTimeout, opts.ReadTimeout = connectTimeout, ioTimeout, ioTimeout
	for _, change := range sc.options {
		change(&opts)
	}
	route := model.Route{Path: "/", Upstream: key, Options: opts, Ingress: model.ObjectRef{Namespace: "default", Name: "app"}}
	nowhere := route
	nowhere.Path, nowhere.Upstream = "/nowhere", model.UpstreamKey{}
	denied := route
	denied.Path, denied.Denied = "/denied", "cannot be honoured"
	routes := []model.Route{route, denied, nowhere}
	cfg := &model.Config{
		Hosts:     []model.Host{{Name: "*.w.test", Routes: routes}, {Name: "a", Routes: routes}, {Name: "b", Routes: routes}},
		Upstreams: []model.Upstream{{Key: key, Policy: model.DefaultPolicy()}},
		Listener:  model.DefaultListener(),
	}
	if sc.catchAll {
		cfg.Hosts = append([]model.Host{{Routes: routes}}, cfg.Hosts...)
	}
	m := metrics.New(metrics.Labels{})
	snap, err := snapshot.Compile(cfg, nil, s.registry, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(snap)

	access := accesslog.New(s.log)
	s.server = downstream.New(downstream.Config{
		Handler:        proxy.New(proxy.Config{Current: current, Metrics: m, AccessLog: access, Logger: quiet}),
		Logger:         quiet,
		TLSConfig:      current.TLSConfig(),
		AllocationMode: inmodes.Mode(),
	})
	frontTLS, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.tlsAddr = frontTLS.Addr().(*net.TCPAddr).AddrPort()
	front, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = front.Addr().(*net.TCPAddr).AddrPort()

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.registry.Run(ctx) })
	wg.Go(func() { _ = access.Run(ctx) })
	wg.Go(func() { _ = s.server.Serve(front) })
	wg.Go(func() { _ = s.server.ServeTLS(frontTLS, "", "") })
	s.stop = sync.OnceFunc(func() {
		_ = s.server.Close()
		cancel()
		_ = ln.Close()
		wg.Wait()
		// Whatever went wrong, no exchange has kept its connection.
		for _, e := range s.counters().Endpoints {
			if e.Active != 0 || e.Idle != 0 {
				t.Errorf("endpoint %s: %d connections active and %d idle after the end", e.Addr, e.Active, e.Idle)
			}
		}
	})
	t.Cleanup(s.stop)
	return s
}

// client connects to the proxy.
func (s *site) client() *rawconn.Conn {
	s.t.Helper()
	return rawconn.Dial(s.t, s.addr.String())
}

// clientTLS connects to the proxy with TLS.
func (s *site) clientTLS() *rawconn.Conn {
	s.t.Helper()
	return rawconn.DialTLS(s.t, s.tlsAddr.String(), &tls.Config{ServerName: "a", InsecureSkipVerify: true})
}

// accept returns the next connection that the proxy makes.
func (s *site) accept() *rawconn.Conn {
	s.t.Helper()
	_ = s.ln.SetDeadline(time.Now().Add(rawconn.Patience))
	nc, err := s.ln.Accept()
	if err != nil {
		s.t.Fatalf("the proxy does not connect: %v", err)
	}
	return rawconn.New(s.t, nc)
}

// text expands the macros of case files.
func (s *site) text(v string) string {
	s.t.Helper()
	out, err := expand(v, s.addr.Port())
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// textTLS is text for a request that came with TLS.
func (s *site) textTLS(v string) string {
	s.t.Helper()
	out, err := expand(v, s.tlsAddr.Port())
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.NewReplacer("Proto: http\r", "Proto: https\r", "Scheme: http\r", "Scheme: https\r").Replace(out)
}

// closed waits until one connection to the upstream was closed, for that reason.
func (s *site) closed(why string) {
	s.t.Helper()
	for end := time.Now().Add(rawconn.Patience); ; time.Sleep(time.Millisecond) {
		all := s.counters().Closed
		total, wanted := uint64(0), uint64(0)
		for i, n := range all {
			if total += n; upstream.Reason(i).String() == why {
				wanted = n
			}
		}
		switch {
		case total == 1 && wanted == 1:
			return
		case total > 0 || time.Now().After(end):
			s.t.Fatalf("%d connections were closed, %d of them as %s", total, wanted, why)
		}
	}
}

// counters are those of the upstream's connections.
func (s *site) counters() upstream.Stats { return s.registry.Stats()[0] }
