package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/locked"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// short is a timeout that a test waits for, and late how long after the beginning
// it must have struck. Deadlines are looked at once a Tick.
const (
	short = 2 * sock.Tick
	late  = short + 10*sock.Tick
)

// enforced has a test for each field of Config, which fails when the field is not
// looked at.
var enforced = map[string]func(t *testing.T, cfg Config){
	"Addr": func(t *testing.T, cfg Config) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Addr, cfg.Handler = ln.Addr().String(), greet
		if NewServer(cfg).ListenAndServe() == nil {
			t.Error("no error although the address is in use")
		}
		_ = ln.Close()
		s := NewServer(cfg)
		done := make(chan error)
		go func() { done <- s.ListenAndServe() }()
		eventually(t, "it listens", func() bool {
			nc, err := net.Dial("tcp", cfg.Addr)
			if err == nil {
				_ = nc.Close()
			}
			return err == nil
		})
		exchangeOnce(t, cfg.Addr, get, hello)
		_ = s.Close()
		if err := <-done; err != ErrServerClosed {
			t.Error(err)
		}
	},
	"Handler": func(t *testing.T, cfg Config) {
		s := NewServer(cfg)
		if err := s.ListenAndServe(); err == nil || !strings.Contains(err.Error(), "handler") {
			t.Errorf("without a handler: %v", err)
		}
	},
	"ReadTimeout": func(t *testing.T, cfg Config) {
		cfg.ReadTimeout = short
		cfg.Handler = readAll
		s := start(t, cfg)
		for _, begin := range []string{"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"} {
			trickle(t, s.addr, begin)
		}
	},
	"ReadHeaderTimeout": func(t *testing.T, cfg Config) {
		cfg.ReadHeaderTimeout = short
		s := start(t, cfg)
		trickle(t, s.addr, "GET / HTTP/1.1\r\nX: ")
	},
	"BodyTimeout": func(t *testing.T, cfg Config) {
		cfg.BodyTimeout = short
		cfg.Handler = readAll
		s := start(t, cfg)
		begin := time.Now()
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 408 Request Timeout\r\n")
		inTime(t, begin)
	},
	"WriteTimeout": func(t *testing.T, cfg Config) {
		cfg.WriteTimeout = short
		result := make(chan error, 1)
		cfg.Handler = HandlerFunc(func(w ResponseWriter, _ Request) {
			part := make([]byte, 1<<20)
			for {
				if _, err := w.Write(part); err != nil {
					result <- err
					return
				}
			}
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		select {
		case err := <-result:
			if err != ErrTimeout {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the write goes on")
		}
	},
	"IdleTimeout": func(t *testing.T, cfg Config) {
		cfg.IdleTimeout = short
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		c.Expect(hello)
		begin := time.Now()
		c.ExpectEOF()
		inTime(t, begin)
	},
	"HandshakeTimeout": func(t *testing.T, cfg Config) {
		cfg.HandshakeTimeout = short
		s := startTLS(t, cfg)
		c := rawconn.Dial(t, s.addr)
		begin := time.Now()
		c.ExpectEOF()
		inTime(t, begin)
	},
	"MaxRequestLine": func(t *testing.T, cfg Config) {
		cfg.MaxRequestLine = 30
		s := start(t, cfg)
		exchangeOnce(t, s.addr, "GET /"+strings.Repeat("a", 16)+" HTTP/1.1\r\nHost: a\r\n\r\n", hello)
		exchangeOnce(t, s.addr, "GET /"+strings.Repeat("a", 17)+" HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 414 ")
	},
	"MaxHeaderBytes": func(t *testing.T, cfg Config) {
		cfg.MaxHeaderBytes = len(get)
		s := start(t, cfg)
		exchangeOnce(t, s.addr, get, hello)
		exchangeOnce(t, s.addr, "GET / HTTP/1.1\r\nHost: ab\r\n\r\n", "HTTP/1.1 431 ")
	},
	"MaxHeaderFields": func(t *testing.T, cfg Config) {
		cfg.MaxHeaderFields = 2
		s := start(t, cfg)
		exchangeOnce(t, s.addr, "GET / HTTP/1.1\r\nHost: a\r\nB: b\r\n\r\n", hello)
		exchangeOnce(t, s.addr, "GET / HTTP/1.1\r\nHost: a\r\nB: b\r\nC: c\r\n\r\n", "HTTP/1.1 431 ")
	},
	"AllowUnderscores": func(t *testing.T, cfg Config) {
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) { _ = w.WriteText(200, "<"+r.Header().Get("X_A")+">") })
		for _, allow := range []bool{false, true} {
			cfg.AllowUnderscores = allow
			s := start(t, cfg)
			want := ok11 + plain + "Content-Length: 2\r\n\r\n<>"
			if allow {
				want = ok11 + plain + "Content-Length: 3\r\n\r\n<1>"
			}
			exchangeOnce(t, s.addr, "GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n", want)
		}
	},
	"MaxRequestBodySize": func(t *testing.T, cfg Config) {
		cfg.MaxRequestBodySize = 4
		var called atomic.Int32
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) { called.Add(1); readAll(w, r) })
		s := start(t, cfg)
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", ok11)
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", ok11)
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 413 ")
		if n := called.Load(); n != 2 {
			t.Errorf("%d requests reached the handler, want 2", n)
		}
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"+get,
			"HTTP/1.1 413 Request Entity Too Large\r\nDate: @\r\n"+plain+"Content-Length: 25\r\nConnection: close\r\n\r\nRequest Entity Too Large\n")
		cfg.MaxRequestBodySize = -1
		s = start(t, cfg)
		exchangeOnce(t, s.addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n"+strings.Repeat("x", 20e6), ok11)
	},
	"MaxKeepAliveRequests": func(t *testing.T, cfg Config) {
		cfg.MaxKeepAliveRequests = 2
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(get + get + get)
		c.Expect(hello + goodby)
		c.ExpectEOF()
	},
	"MaxConcurrentConnections": func(t *testing.T, cfg Config) {
		cfg.MaxConcurrentConnections = 1
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		c.Expect(hello)
		rawconn.Dial(t, s.addr).ExpectEOF()
		if st := s.Stats(); st.Rejected != 1 {
			t.Errorf("%+v", st)
		}
	},
	"BatchPipelined": func(t *testing.T, cfg Config) {
		for _, batch := range []bool{false, true} {
			let := make(chan struct{})
			cfg.BatchPipelined = batch
			cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
				if r.Path() == "/slow" {
					<-let
				}
				greet(w, r)
			})
			s := start(t, cfg)
			c := rawconn.Dial(t, s.addr)
			c.Send(get + strings.Replace(get, " / ", " /slow ", 1))
			if batch {
				c.ExpectSilence(10 * time.Millisecond)
			} else {
				c.Expect(hello)
			}
			close(let)
			c.Expect(hello)
			if batch {
				c.Expect(hello)
			}
		}
	},
	"DisableKeepalive": func(t *testing.T, cfg Config) {
		cfg.DisableKeepalive = true
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		c.Expect(goodby)
		c.ExpectEOF()
	},
	"AllocationMode": func(t *testing.T, cfg Config) {
		for _, m := range modes {
			cfg.AllocationMode = m
			cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
				if got := r.(*request).ex.Mem.Mode(); got != m {
					t.Errorf("memory of mode %v, want %v", got, m)
				}
				greet(w, r)
			})
			s := start(t, cfg)
			exchangeOnce(t, s.addr, get, hello)
		}
		cfg.AllocationMode = 99
		if err := NewServer(cfg).ListenAndServe(); err == nil || !strings.Contains(err.Error(), "mode") {
			t.Errorf("a mode that there is not: %v", err)
		}
	},
	"TLSConfig": func(t *testing.T, cfg Config) {
		s := startTLS(t, cfg)
		c := rawconn.DialTLS(t, s.addr, trusting)
		c.Send(get)
		c.Expect(hello)
		cfg.TLSConfig, cfg.Handler, cfg.Addr = nil, greet, "127.0.0.1:0"
		if err := NewServer(cfg).ListenAndServeTLS("", ""); err == nil || err == ErrServerClosed {
			t.Errorf("without a certificate: %v", err)
		}
	},
	"Logger": func(t *testing.T, cfg Config) {
		log := new(locked.Buffer)
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		cfg.Handler = HandlerFunc(func(ResponseWriter, Request) { panic("on purpose") })
		s := NewServer(cfg)
		serveQuietly(t, s)
		if !strings.Contains(log.String(), "on purpose") {
			t.Errorf("log: %q", log)
		}
	},
	"ServerName": func(t *testing.T, cfg Config) {
		cfg.ServerName = "shockwave"
		s := start(t, cfg)
		exchangeOnce(t, s.addr, get, ok11+"Server: shockwave\r\n"+plain+"Content-Length: 5\r\n\r\nhello")
		cfg.ServerName, cfg.Handler = "a\r\nEvil: b", greet
		if err := NewServer(cfg).ListenAndServe(); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("a name that is none: %v", err)
		}
	},
}

func TestEveryFieldOfConfigIsEnforced(t *testing.T) {
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		test := enforced[name]
		if test == nil {
			t.Errorf("no test for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, DefaultConfig()) })
	}
}

// The page for users has a row for each field.
func TestEveryFieldOfConfigIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		if row := "\n| `" + fields.Field(i).Name + "` |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/library.md has no row for %s", fields.Field(i).Name)
		}
	}
}

// A Config that is written as a literal has the same defaults.
func TestZeroValuesAreTheDefaults(t *testing.T) {
	got := Config{}.withDefaults()
	got.AllocationMode = DefaultConfig().AllocationMode // zero is Standard
	if want := DefaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	fields := reflect.ValueOf(DefaultConfig())
	for i := range fields.NumField() {
		switch name := fields.Type().Field(i).Name; fields.Field(i).Kind() {
		case reflect.Int, reflect.Int64:
			if fields.Field(i).IsZero() {
				t.Errorf("%s has no default", name)
			}
		}
	}
}

func TestNegativeValues(t *testing.T) {
	cfg := Config{
		ReadTimeout: -1, ReadHeaderTimeout: -1, BodyTimeout: -1, WriteTimeout: -1, IdleTimeout: -1,
		MaxRequestLine: -1, MaxHeaderBytes: -1, MaxHeaderFields: -1, MaxRequestBodySize: -1,
		MaxKeepAliveRequests: -1, MaxConcurrentConnections: -1, Handler: readAll,
	}
	s := start(t, cfg)
	c := rawconn.Dial(t, s.addr)
	for range 3 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", "a", "bc")
		c.Expect(ok11 + plain + "Content-Length: 3\r\n\r\nabc")
	}
}

// readAll answers with the request's body, or nothing when it cannot be read.
var readAll = HandlerFunc(func(w ResponseWriter, r Request) {
	var body bytes.Buffer
	if _, err := io.Copy(&body, r.Body()); err == nil {
		_, _ = w.Write(body.Bytes())
	}
})

// trickle sends a byte now and then, and expects that the server ends that in time.
func trickle(t *testing.T, addr, beginning string) {
	t.Helper()
	c := rawconn.Dial(t, addr)
	c.Send(beginning)
	begin := time.Now()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for range 200 {
			time.Sleep(20 * time.Millisecond)
			if _, err := c.NetConn().Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	c.Expect("HTTP/1.1 408 Request Timeout\r\n")
	inTime(t, begin)
	c.Close()
	<-stopped
}

// inTime fails the test unless a short timeout has struck just now.
func inTime(t *testing.T, begin time.Time) {
	t.Helper()
	if d := time.Since(begin); d < short-sock.Tick || d > late {
		t.Errorf("after %v, want %v", d, short)
	}
}

// serveQuietly has s answer one request.
func serveQuietly(t *testing.T, s Server) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(ln) }()
	c := rawconn.Dial(t, ln.Addr().String())
	c.Send(get)
	_, _ = c.Rest()
	_ = s.Close()
	if err := <-done; !errors.Is(err, ErrServerClosed) {
		t.Error(err)
	}
}

var trusting = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}

// startTLS is start with a new certificate.
func startTLS(t testing.TB, cfg Config) *serving {
	t.Helper()
	pair := keypair.New(t, "localhost")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	return startOn(t, cfg, func(s Server, ln net.Listener) error { return s.ServeTLS(ln, "", "") })
}
