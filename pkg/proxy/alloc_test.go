package proxy_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

func TestMain(m *testing.M) { inmodes.Main(m) }

// startProxy serves shop.test through a proxy, with metrics and access log, from
// an upstream that answers every request, whatever it is, with response. It
// returns the proxy's address.
func startProxy(t testing.TB, response string) string {
	return startProxyWith(t, inmodes.Mode(), response, func(*model.Config) {})
}

// startProxyWith is startProxy in an allocation mode, with a changed configuration.
func startProxyWith(t testing.TB, mode alloc.Mode, response string, change func(cfg *model.Config)) string {
	t.Helper()
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reg := upstream.NewRegistry(upstream.Config{})
	key := model.UpstreamKey{Namespace: "default", Service: "shop", Port: "80"}
	next := model.UpstreamKey{Namespace: "default", Service: "next", Port: "80"}
	endpoint := []model.Endpoint{{Addr: back.Addr().(*net.TCPAddr).AddrPort()}}
	reg.SetEndpoints(model.Endpoints{key: endpoint, next: endpoint})
	options := model.DefaultOptions()
	options.AllocationMode = model.AllocationMode(mode.String())
	route := model.Route{Path: "/", Upstream: key, Options: options}
	fields := route
	fields.Path, fields.Options.Filters = "/fields", model.Filters{
		CORS:            model.CORS{On: true, Origins: "https://*.test", Methods: "GET", MaxAge: 5},
		RequestFields:   model.RequestFields{Set: "Host: up.$host\nX-Real-IP: $remote_addr\nUser-Agent: \nX-New: $request_uri"},
		ResponseFields:  model.ResponseFields{Set: "X-Id: $req_id\nX-Frame-Options: DENY", Hide: "x-powered-by", HideServer: true},
		ResponseRewrite: model.ResponseRewrite{RedirectFrom: "http://up/", RedirectTo: "https://$host/", CookieDomain: "up shop.test", CookiePath: "/up/ /"},
	}.Set()
	canary := route
	canary.Path = "/canary"
	canary.Branches = model.Branches{Errors: next, Canary: model.Canary{Upstream: next, CanaryRules: model.CanaryRules{
		Header: "DNT", Pattern: "^[2-9]$", Cookie: "none", Weight: 99, Total: 100,
	}}}.Set()
	canary.Options.Filters = model.Filters{Errors: model.Errors{Codes: "404,503"}}.Set()
	gone := model.Route{Path: "/gone", Options: model.DefaultOptions()}
	cfg := &model.Config{
		Hosts:     []model.Host{{Name: "shop.test", Routes: []model.Route{route, canary, fields, gone}}},
		Upstreams: []model.Upstream{{Key: next, Policy: model.DefaultPolicy()}, {Key: key, Policy: model.DefaultPolicy()}},
		Listener:  model.DefaultListener(),
	}
	change(cfg)
	m := metrics.New(metrics.Labels{})
	snap, err := snapshot.Compile(cfg, nil, reg, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(snap)
	access := accesslog.New(io.Discard)
	srv := downstream.New(downstream.Config{
		Handler:           proxy.New(proxy.Config{Current: current, Metrics: m, AccessLog: access}),
		KeepAliveRequests: -1,
		AllocationMode:    mode,
		Logger:            slog.New(slog.DiscardHandler),
	})

	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = reg.Run(ctx) })
	wg.Go(func() { _ = access.Run(ctx) })
	wg.Go(func() { _ = srv.Serve(front) })
	wg.Go(func() { answerAll(back, []byte(response)) })
	t.Cleanup(func() {
		_ = srv.Close()
		cancel()
		_ = back.Close()
		wg.Wait()
	})
	return front.Addr().String()
}

// answerAll answers each head with the response, and expects no bodies but those
// that came with it.
func answerAll(ln net.Listener, response []byte) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			buf := make([]byte, 8<<10)
			for {
				if _, err := nc.Read(buf); err != nil {
					return
				}
				if _, err := nc.Write(response); err != nil {
					return
				}
			}
		}()
	}
}

const browserGet = "GET /catalogue/shoes?page=2 HTTP/1.1\r\nHost: shop.test\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nDNT: 1\r\n" +
	"Cookie: session=0123456789abcdef\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nConnection: keep-alive\r\n\r\n"

// An exchange in steady state allocates nothing: connections, server, proxy,
// metrics and access log together.
func TestExchangeDoesNotAllocate(t *testing.T) {
	small := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
	for _, c := range []struct {
		name, request, response string
		status                  string
	}{
		{"GET", browserGet, small, "200"},
		{"a path to normalise", strings.Replace(browserGet, "/catalogue/shoes", "/a/../catalogue/%73hoes", 1), small, "200"},
		{"forwarded before", strings.Replace(browserGet, "DNT: 1", "X-Forwarded-For: 1.2.3.4\r\nX-Request-ID: 0123456789", 1), small, "200"},
		{"behind a proxy, logged as JSON", strings.Replace(browserGet, "DNT: 1", "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test", 1), small, "200"},
		{"POST of a short body", "POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello", small, "200"},
		{"chunked response", browserGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "200"},
		{"large response", browserGet, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("0123456789", 10000), "200"},
		{"fields", strings.Replace(browserGet, "GET /catalogue/shoes?page=2 HTTP/1.1", "GET /fields/a HTTP/1.1\r\nOrigin: https://a.test", 1),
			"HTTP/1.1 200 OK\r\nServer: up\r\nX-Powered-By: up\r\nLocation: http://up/a\r\nSet-Cookie: a=b; Domain=up; Path=/up/\r\nContent-Length: 5\r\n\r\nhello", "200"},
		{"preflight", strings.Replace(browserGet, "GET /catalogue/shoes?page=2 HTTP/1.1", "OPTIONS /fields/a HTTP/1.1\r\nOrigin: https://a.test", 1), small, "204"},
		{"canary", strings.Replace(browserGet, "/catalogue", "/canary", 1), small, "200"},
		{"no route", strings.Replace(browserGet, "shop.test", "nowhere.test", 1), small, "404"},
		{"no Service", strings.Replace(browserGet, "/catalogue", "/gone", 1), small, "503"},
		{"garbage from the upstream", browserGet, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "502"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := startProxyWith(t, inmodes.Mode(), c.response, func(cfg *model.Config) {
				if c.name != "behind a proxy, logged as JSON" {
					return
				}
				l := &cfg.Listener
				l.Forwarded = model.Forwarded{Fields: true, Full: true, AddressField: "X-Forwarded-For", OriginalURI: true}
				l.Log.Format = `{"at":"$time_iso8601","client":"$remote_addr","uri":"$request_uri","agent":"$http_user_agent","cookie":"$cookie_session"}`
				l.Log.Escape, l.Log.Skip = model.LogEscapeJSON, "/healthz,~^/static"
			})
			most := 0.1 // of the runtime, and of pools on a processor not used yet
			if c.status == "502" {
				most = 60 // each needs a new connection
			}
			if n := allocations(t, dial(t, addr, c.request, c.status)); n > most && !race.Enabled {
				t.Errorf("%.2f allocations per exchange, want 0", n)
			}
		})
	}
}

// allocations is how many one exchange makes in steady state.
func allocations(t *testing.T, c *client) float64 {
	for range 200 {
		c.exchange(t)
	}
	const runs = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		c.exchange(t)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs
}

// client sends the same request over one connection, and wants the same status.
type client struct {
	nc      net.Conn
	replies *replyReader
	request []byte
	status  string
}

func dial(t testing.TB, addr, request, status string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &client{nc, newReplyReader(nc), []byte(request), status}
}

func (c *client) exchange(t testing.TB) {
	if _, err := c.nc.Write(c.request); err != nil {
		t.Fatal(err)
	}
	if status := c.replies.next(t); status != c.status {
		t.Fatalf("status %s, want %s", status, c.status)
	}
}

// replyReader reads responses without allocating.
type replyReader struct {
	r *bufio.Reader
}

func newReplyReader(r io.Reader) *replyReader { return &replyReader{bufio.NewReaderSize(r, 4<<10)} }

// next reads one response and returns its status.
func (r *replyReader) next(t testing.TB) string {
	status, length, chunked := "", 0, false
	for {
		line, err := r.r.ReadSlice('\n')
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case status == "":
			status = known(line[9:12])
		case len(line) == 2 && chunked:
			for {
				if line, err = r.r.ReadSlice('\n'); err != nil {
					t.Fatal(err)
				}
				if line[0] == '0' {
					_, _ = r.r.Discard(2)
					return status
				}
			}
		case len(line) == 2:
			if _, err := r.r.Discard(length); err != nil {
				t.Fatal(err)
			}
			return status
		case len(line) > 16 && string(line[:16]) == "Content-Length: ":
			for _, c := range line[16 : len(line)-2] {
				length = 10*length + int(c-'0')
			}
		case string(line) == "Transfer-Encoding: chunked\r\n":
			chunked = true
		}
	}
}

// known returns the status as a constant string.
func known(b []byte) string {
	for _, s := range []string{"200", "204", "404", "502", "503"} {
		if string(b) == s {
			return s
		}
	}
	return "?"
}

// BenchmarkExchange is a browser-like GET through the proxy over loopback, on a
// connection that is kept; it includes the client and the upstream of the test.
func BenchmarkExchange(b *testing.B) {
	addr := startProxy(b, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 128\r\n\r\n"+strings.Repeat("x", 128))
	c := dial(b, addr, browserGet, "200")
	b.ReportAllocs()
	for b.Loop() {
		c.exchange(b)
	}
}
