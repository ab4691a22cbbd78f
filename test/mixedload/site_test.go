package mixedload

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// listener is an entrance in one mode.
type listener struct {
	mode       alloc.Mode
	plain, tls string // addresses
	server     *downstream.Server
}

// newSite starts an application and the three listeners before it. Routes of mode m
// are those of the host m.test.
func newSite(t *testing.T) []*listener {
	t.Helper()
	app := startApplication(t)
	quiet := slog.New(slog.DiscardHandler)
	registry := upstream.NewRegistry(upstream.Config{Logger: quiet})
	key := model.UpstreamKey{Namespace: "default", Service: "app", Port: "80"}
	registry.SetEndpoints(model.Endpoints{key: {{Addr: app}}})
	config := &model.Config{
		Upstreams: []model.Upstream{{Key: key, Policy: model.DefaultPolicy()}},
		Listener:  model.DefaultListener(),
	}
	for _, mode := range []alloc.Mode{alloc.Arena, alloc.GreenTea, alloc.Standard} { // by name
		options := model.DefaultOptions()
		options.AllocationMode = model.AllocationMode(mode.String())
		config.Hosts = append(config.Hosts, model.Host{Name: hostOf(mode),
			Routes: []model.Route{{Path: "/", Upstream: key, Options: options}}})
	}
	m := metrics.New(metrics.Labels{})
	snap, err := snapshot.Compile(config, nil, registry, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(snap)
	access := accesslog.New(io.Discard)
	forward := proxy.New(proxy.Config{Current: current, Metrics: m, AccessLog: access, Logger: quiet})

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = registry.Run(ctx) })
	wg.Go(func() { _ = access.Run(ctx) })
	var all []*listener
	for mode := range alloc.Mode(alloc.Modes) {
		l := &listener{mode: mode, server: downstream.New(downstream.Config{
			Handler: forward, Logger: quiet, AllocationMode: mode, TLSConfig: certificate(t),
		})}
		plain, secure := listen(t), listen(t)
		l.plain, l.tls = plain.Addr().String(), secure.Addr().String()
		wg.Go(func() { _ = l.server.Serve(plain) })
		wg.Go(func() { _ = l.server.ServeTLS(secure, "", "") })
		all = append(all, l)
	}
	t.Cleanup(func() {
		for _, l := range all {
			_ = l.server.Close()
		}
		cancel()
		wg.Wait()
	})
	return all
}

func hostOf(m alloc.Mode) string { return m.String() + ".test" }

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	made := keypair.New(t, "localhost")
	pair, err := tls.X509KeyPair(made.Cert, made.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// content is the n bytes that a seed stands for.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	for i := range b {
		b[i] = 'a' + byte(r.Uint32()%26)
	}
	return b
}

func sum(b []byte) string {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return strconv.FormatUint(h.Sum64(), 16)
}

// startApplication serves what the load asks for.
func startApplication(t *testing.T) (at netip.AddrPort) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	number := func(r *http.Request, name string) int {
		n, _ := strconv.Atoi(r.URL.Query().Get(name))
		return n
	}
	mux := http.NewServeMux()
	// n bytes of a seed; with chunked, in pieces of that size.
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		b := content(uint64(number(r, "seed")), number(r, "n"))
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Echo", r.Header.Get("X-Probe"))
		piece := number(r, "chunked")
		if piece == 0 {
			w.Header().Set("Content-Length", strconv.Itoa(len(b)))
			_, _ = w.Write(b)
			return
		}
		for len(b) > 0 {
			n := min(piece, len(b))
			_, _ = w.Write(b[:n])
			_ = http.NewResponseController(w).Flush()
			b = b[n:]
		}
	})
	// The sum of the body.
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			fmt.Fprintf(w, "%d %s %s", len(b), sum(b), r.Header.Get("X-Probe"))
		}
	})
	// An end in the middle.
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(content(1, 5000))
		panic(http.ErrAbortHandler)
	})
	// Every byte back.
	mux.HandleFunc("/tunnel", func(w http.ResponseWriter, _ *http.Request) {
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(nc, rw)
	})
	s := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}
