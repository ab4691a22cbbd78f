package server

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/locked"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/internal/wait"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := inmodes.Released(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}), // fasthttp, in the benchmarks, leaves these behind
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const (
	get    = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	hello  = "HTTP/1.1 200 OK\r\nDate: @\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"
	goodby = "HTTP/1.1 200 OK\r\nDate: @\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
)

// greet answers "hello".
var greet = HandlerFunc(func(w ResponseWriter, _ Request) { _, _ = io.WriteString(w, "hello") })

var modes = []AllocationMode{Standard, Arena, GreenTea}

// inAllModes runs a test once for each allocation mode.
func inAllModes(t *testing.T, test func(t *testing.T, cfg Config)) {
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.AllocationMode = m
			test(t, cfg)
		})
	}
}

// serving is a server that a test has started.
type serving struct {
	Server
	addr string
	log  *locked.Buffer
}

// start serves cfg on a loopback port until the test ends. Without a handler, the
// answer is "hello".
func start(t testing.TB, cfg Config) *serving {
	t.Helper()
	return startOn(t, cfg, Server.Serve)
}

func startOn(t testing.TB, cfg Config, serve func(Server, net.Listener) error) *serving {
	t.Helper()
	ln, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := new(locked.Buffer)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	if cfg.Handler == nil {
		cfg.Handler = greet
	}
	s := &serving{NewServer(cfg), ln.Addr().String(), log}
	done := make(chan error)
	go func() { done <- serve(s.Server, ln) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-done; err != ErrServerClosed {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
	return s
}

// startHandler serves h with the defaults.
func startHandler(t testing.TB, h HandlerFunc) *serving {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Handler = h
	return start(t, cfg)
}

// exchangeOnce sends a request on a new connection and expects an answer.
func exchangeOnce(t testing.TB, addr, request, want string) {
	t.Helper()
	c := rawconn.Dial(t, addr)
	c.Send(request)
	c.Expect(want)
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	wait.For(t, 5*time.Second, what, ok)
}

// A server without a listener says so.
func TestServeNil(t *testing.T) {
	s := NewServer(Config{Handler: greet})
	for _, err := range []error{s.Serve(nil), s.ServeTLS(nil, "", ""), NewServer(Config{}).Serve(nil)} {
		if err != errNoListener {
			t.Errorf("%v, want %v", err, errNoListener)
		}
	}
}

// The reason of a refused path is told, and the connection goes on.
func TestMalformedPath(t *testing.T) {
	s := start(t, DefaultConfig())
	c := rawconn.Dial(t, s.addr)
	for _, path := range []string{"/%zz", "/%00", "/a%2"} {
		c.Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" + get)
		c.Expect("HTTP/1.1 400 Bad Request\r\n" + date + plain + "Content-Length: 28\r\n\r\nBad Request: malformed path\n" + hello)
	}
}

func TestServesPipelinedRequests(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(strings.Repeat(get, 100))
		c.Expect(strings.Repeat(hello, 100))
	})
}
