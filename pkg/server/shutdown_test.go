package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// Shutdown closes idle connections at once, and waits for the others.
func TestShutdown(t *testing.T) {
	working, finish := make(chan bool, 1), make(chan bool)
	s := startHandler(t, func(w ResponseWriter, r Request) {
		if r.Path() == "/slow" {
			working <- true
			<-finish
		}
		greet(w, r)
	})
	idle, fresh, busy := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	idle.Send(get)
	idle.Expect(hello)
	eventually(t, "all are accepted", func() bool { return s.Stats().Accepted == 3 })
	busy.Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-working

	begin := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	idle.ExpectEOF()
	fresh.ExpectEOF()
	if d := time.Since(begin); d > 900*time.Millisecond {
		t.Errorf("an idle connection was closed after %v", d)
	}
	select {
	case err := <-ended:
		t.Fatalf("Shutdown does not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	finish <- true
	busy.Expect(goodby)
	busy.ExpectEOF()
	busy.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("once more: %v", err)
	}
	if st := s.Stats(); st.Open != 0 || st.Requests != 2 || st.RequestRate != 0 {
		t.Errorf("%+v", st)
	}
}

// When its context ends first, Shutdown cuts what is left.
func TestShutdownInAHurry(t *testing.T) {
	working, finish := make(chan bool, 1), make(chan bool)
	s := startHandler(t, func(ResponseWriter, Request) {
		working <- true
		<-finish
	})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	<-working
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	if rest := c.ExpectReset(); rest != "" {
		t.Errorf("%q", rest)
	}
	close(finish)
	if err := <-ended; err != context.DeadlineExceeded {
		t.Errorf("%v", err)
	}
}

func TestClose(t *testing.T) {
	working, finish := make(chan bool, 1), make(chan bool)
	s := startHandler(t, func(ResponseWriter, Request) {
		working <- true
		<-finish
	})
	idle, busy := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	busy.Send(get)
	<-working
	eventually(t, "one waits", func() bool { stats := s.Stats(); return stats.Accepted == 2 && stats.Idle == 1 })
	ended := make(chan error, 1)
	go func() { ended <- s.Close() }()
	idle.ExpectEOF()
	busy.ExpectReset()
	close(finish)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// A server that was shut down serves nothing any more, as in net/http.
func TestServeAfterShutdown(t *testing.T) {
	pair := keypair.New(t, "localhost")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(cert, pair.Cert, 0o600), os.WriteFile(key, pair.Key, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(Server) error{Server.Close, func(s Server) error { return s.Shutdown(context.Background()) }} {
		s := NewServer(Config{Addr: "127.0.0.1:0", Handler: greet})
		if err := end(s); err != nil {
			t.Error(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		for _, serve := range []func() error{
			s.ListenAndServe,
			func() error { return s.ListenAndServeTLS(cert, key) },
			func() error { return s.Serve(ln) },
			func() error { return s.ServeTLS(ln, cert, key) },
		} {
			if err := serve(); err != ErrServerClosed {
				t.Errorf("%v, want ErrServerClosed", err)
			}
		}
		if _, err := ln.Accept(); err == nil {
			t.Error("the listener is open")
		}
	}
}

func TestCertificateFiles(t *testing.T) {
	pair := keypair.New(t, "localhost")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(cert, pair.Cert, 0o600), os.WriteFile(key, pair.Key, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, DefaultConfig(), func(s Server, ln net.Listener) error { return s.ServeTLS(ln, cert, key) })
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)

	cfg := Config{Addr: "127.0.0.1:0", Handler: greet}
	if err := NewServer(cfg).ListenAndServeTLS(cert, filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a key: %v", err)
	}
	cfg.Addr = "no such host.invalid:http"
	if err := NewServer(cfg).ListenAndServe(); err == nil {
		t.Error("no error for an address that is none")
	}
}

// One server serves several listeners, plain and TLS.
func TestSeveralListeners(t *testing.T) {
	s := startTLS(t, DefaultConfig())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	exchangeOnce(t, ln.Addr().String(), get, hello)
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != ErrServerClosed {
		t.Error(err)
	}
}

// A handler that ends its goroutine ends its connection, and nothing else.
func TestGoexit(t *testing.T) {
	ended := make(chan context.Context, 1)
	s := startHandler(t, func(_ ResponseWriter, r Request) {
		r.Context().Done()
		ended <- r.Context()
		runtime.Goexit()
	})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.ExpectEOF()
	within(t, <-ended)
	eventually(t, "the connection is counted out", func() bool { return s.Stats().Open == 0 })
}
