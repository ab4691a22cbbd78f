package forwarding

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/locked"
	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

func TestMain(m *testing.M) { inmodes.Main(m) }

// patience is how long anything may take on a busy machine.
const patience = 20 * time.Second

var key = model.UpstreamKey{Namespace: "default", Service: "app", Port: "80"}

// site is a proxy with one route to some endpoints.
type site struct {
	t        testing.TB
	registry *upstream.Registry
	plain    string // its addresses
	secure   string
	log      *locked.Buffer
	client   *http.Client
}

// newSite starts a proxy. change, which may be nil, changes the configuration.
func newSite(t testing.TB, change func(*model.Config), endpoints ...netip.AddrPort) *site {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	s := &site{t: t, log: new(locked.Buffer)}
	options := model.DefaultOptions()
	options.AllocationMode = model.AllocationMode(inmodes.Mode().String())
	config := &model.Config{
		Hosts:     []model.Host{{Name: "app.test", Routes: []model.Route{{Path: "/", Upstream: key, Options: options}}}},
		Upstreams: []model.Upstream{{Key: key, Policy: model.DefaultPolicy()}},
		Listener:  model.DefaultListener(),
	}
	if change != nil {
		change(config)
	}
	s.registry = upstream.NewRegistry(upstream.Config{Logger: quiet})
	list := make([]model.Endpoint, len(endpoints))
	for i, addr := range endpoints {
		list[i].Addr = addr
	}
	s.registry.SetEndpoints(model.Endpoints{key: list})
	m := metrics.New(metrics.Labels{})
	compiled, err := snapshot.Compile(config, nil, s.registry, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(compiled)
	access := accesslog.New(s.log)
	server := downstream.New(downstream.Config{
		Handler:        proxy.New(proxy.Config{Current: current, Metrics: m, AccessLog: access, Logger: quiet}),
		Logger:         quiet,
		TLSConfig:      current.TLSConfig(),
		HTTP2:          config.Listener.HTTP2,
		AllocationMode: inmodes.Mode(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.registry.Run(ctx) })
	wg.Go(func() { _ = access.Run(ctx) })
	listen := func(serve func(net.Listener) error) string {
		ln, err := downstream.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { _ = serve(ln) })
		return ln.Addr().String()
	}
	s.plain = listen(server.Serve)
	s.secure = listen(func(ln net.Listener) error { return server.ServeTLS(ln, "", "") })
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := s.plain
			if strings.HasSuffix(addr, ":443") {
				to = s.secure
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
		DisableCompression: true,
		ForceAttemptHTTP2:  true,
	}
	s.client = &http.Client{
		Transport: transport, Timeout: 3 * patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		cancel()
		wg.Wait()
	})
	return s
}

// route is a change of the only route's options.
func route(change func(*model.Options)) func(*model.Config) {
	return func(c *model.Config) { change(&c.Hosts[0].Routes[0].Options) }
}

// policy is a change of the only upstream.
func policy(change func(*model.Policy)) func(*model.Config) {
	return func(c *model.Config) { change(&c.Upstreams[0].Policy) }
}

func both(changes ...func(*model.Config)) func(*model.Config) {
	return func(c *model.Config) {
		for _, change := range changes {
			change(c)
		}
	}
}

// app starts an application and returns its address.
func app(t testing.TB, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// answer is an application that answers with a status and a text.
func answer(t testing.TB, status int, text string) netip.AddrPort {
	return app(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}

// ask sends a request to the proxy and returns what it answers.
func (s *site) ask(method, url string, body io.Reader, fields ...string) (status int, text string, head http.Header) {
	s.t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, url, err)
	}
	return resp.StatusCode, string(content), resp.Header
}

// as is s for a client with a certificate, nil for none, and connections of its own.
func (s *site) as(pair *keypair.PEM) *site {
	s.t.Helper()
	transport := s.client.Transport.(*http.Transport).Clone()
	s.t.Cleanup(transport.CloseIdleConnections)
	if pair != nil {
		cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
		if err != nil {
			s.t.Fatal(err)
		}
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	other, client := *s, *s.client
	client.Transport = transport
	other.client = &client
	return &other
}

// clientPair is a certificate for a client that is its own authority.
func clientPair(t testing.TB, name string) keypair.PEM {
	return keypair.Like(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// until waits for a condition.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not in %v: %s; %+v", patience, what, s.stats())
		}
	}
}

func (s *site) stats() upstream.Stats { return s.registry.Stats()[0] }

// pool is how many connections there are.
func (s *site) pool() (idle, active int) {
	for _, e := range s.stats().Endpoints {
		idle += e.Idle
		active += e.Active
	}
	return idle, active
}

const url = "http://app.test/a"
