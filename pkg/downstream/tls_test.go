package downstream

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// certificate returns a new self-signed certificate for localhost.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	pair := keypair.New(t, "localhost")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func startTLS(t testing.TB, cfg Config) *serving {
	t.Helper()
	cert := certificate(t)
	cfg.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, ln, func(s *Server, ln net.Listener) error { return s.ServeTLS(ln, "", "") })
}

var trusting = &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}

func TestTLS(t *testing.T) {
	s := startTLS(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		if ex.TLS == nil || ex.TLS.NegotiatedProtocol != "http/1.1" {
			t.Errorf("TLS: %+v", ex.TLS)
		}
		for {
			if _, err := ex.NextBody(); err != nil {
				break
			}
		}
		greet(ex)
	}}})
	c := rawconn.DialTLS(t, s.addr, trusting)
	for range 3 {
		c.Send(get)
		c.Expect(hello)
		c.Send("G", "ET / HT", "TP/1.1\r\nHost: a\r\n\r\n"+get)
		c.Expect(hello + hello)
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", strings.Repeat("x", 70000))
		c.Expect(hello)
	}
	c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	c.Expect(goodby)
	c.ExpectEOF() // a close_notify came first: else the client would see an unexpected end
}

func TestTLSLargeResponseAndAbort(t *testing.T) {
	body := []byte(strings.Repeat("0123456789", 100_000))
	s := startTLS(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		if string(ex.Request.Path) == "/abort" {
			ex.Response.Status, ex.Response.Body = 200, message.Chunked
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			_ = ex.Flush()
			ex.Abort()
			return
		}
		respond(ex, body)
	}}})
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 1000000\r\n\r\n" + string(body))
	c.Send("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")
	c.Until("hello\r\n")
	c.ExpectReset()
}

func TestTLSEarlyResponseFreesTheBodyPump(t *testing.T) {
	s := startTLS(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		pumped := make(chan struct{})
		go func() {
			defer close(pumped)
			for {
				if _, err := ex.NextBody(); err != nil {
					return
				}
			}
		}()
		time.Sleep(20 * time.Millisecond)
		greet(ex)
		<-pumped
	}}})
	c := rawconn.DialTLS(t, s.addr, trusting)
	for range 2 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		c.Expect(hello)
		c.Send("def")
	}
}

func TestTLSTunnelEndsWithCloseNotify(t *testing.T) {
	s := startTLS(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status = 101
		_ = ex.WriteHead()
		tun, _, err := ex.Upgrade()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = tun.Write([]byte("tunnel"))
		_ = tun.Close()
	}}})
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
	c.Until("tunnel")
	c.ExpectEOF()
}

func TestPlainHTTPOnTLSPort(t *testing.T) {
	s := startTLS(t, Config{})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(plainOnTLS)
	c.ExpectEOF()
	c = rawconn.Dial(t, s.addr)
	c.Send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
	if rest, _ := c.Rest(); strings.Contains(rest, "HTTP") {
		t.Errorf("answered %q to what is no HTTP", rest)
	}
	eventually(t, "both are counted", func() bool { return s.Stats().FailedHandshakes == 2 })
}

func TestPanicInHandshakeEndsOneConnection(t *testing.T) {
	cert := certificate(t)
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, Config{}, ln, func(s *Server, ln net.Listener) error {
		return s.ServeTLSConfig(ln, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "panic.test" {
				panic("on purpose")
			}
			return &cert, nil
		}})
	})
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, ServerName: "panic.test"}); err == nil {
		t.Fatal("the handshake succeeded")
	}
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)
	eventually(t, "it is counted", func() bool { st := s.Stats(); return st.Panics == 1 && st.Open == 1 })
}

func TestSlowHandshakeIsCut(t *testing.T) {
	s := startTLS(t, Config{HandshakeTimeout: 100 * time.Millisecond})
	c := rawconn.Dial(t, s.addr)
	begin := time.Now()
	c.Send("\x16\x03\x01")
	_, _ = c.Rest()
	if d := time.Since(begin); d < 50*time.Millisecond || d > 2*time.Second {
		t.Errorf("cut after %v", d)
	}
}

func TestTLSIdleAndShutdown(t *testing.T) {
	s := startTLS(t, Config{ShutdownIdle: -1})
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)
	eventually(t, "the connection is idle", func() bool { return s.Stats().Idle == 1 })
	if err := shutdown(t, s, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	c.ExpectEOF()
}

func TestServeTLSFiles(t *testing.T) {
	pair := keypair.New(t, "localhost")
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if err := os.WriteFile(cert, pair.Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pair.Key, 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, Config{}, ln, func(s *Server, ln net.Listener) error { return s.ServeTLS(ln, cert, key) })
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)

	for _, serve := range []func(net.Listener) error{
		func(ln net.Listener) error { return s.ServeTLS(ln, "", "") },
		func(ln net.Listener) error { return s.ServeTLS(ln, cert, filepath.Join(dir, "none")) },
		func(ln net.Listener) error { return s.ServeTLSConfig(ln, nil) },
	} {
		ln, err := Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := serve(ln); err == nil || err == ErrServerClosed {
			t.Errorf("served TLS without a certificate: %v", err)
		}
		if _, err := ln.Accept(); err == nil {
			t.Error("the listener is still open")
		}
	}
}

// A configuration that is chosen for a client offers http/1.1 only, as ours does, and
// sessions are resumed with it.
func TestConfigForClientOffersHTTP1Only(t *testing.T) {
	certs := []tls.Certificate{certificate(t)}
	var fails atomic.Bool
	chosen := map[string]*tls.Config{
		"h2.test":    {Certificates: certs, NextProtos: []string{"h2", "http/1.1"}},
		"none.test":  {Certificates: certs},
		"exact.test": {Certificates: certs, NextProtos: []string{"http/1.1"}},
	}
	keys := &tls.Config{Certificates: certs, NextProtos: []string{"h2"}}
	keys.SetSessionTicketKeys([][32]byte{{1}})
	chosen["keys.test"] = keys
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, Config{}, ln, func(s *Server, ln net.Listener) error {
		return s.ServeTLSConfig(ln, &tls.Config{Certificates: certs, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if fails.Load() {
				return nil, errNoCertificate
			}
			return chosen[h.ServerName], nil // nil for a name that is not there
		}})
	})
	dial := func(cfg *tls.Config) tls.ConnectionState {
		c, err := tls.Dial("tcp", s.addr, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "\r\n\r\nhello") {
			t.Errorf("%q, %v", b, err)
		}
		return c.ConnectionState()
	}
	for _, name := range []string{"h2.test", "none.test", "exact.test", "keys.test", "other.test"} {
		cfg := &tls.Config{
			InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"h2", "http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		for i := range 2 {
			if st := dial(cfg); st.NegotiatedProtocol != "http/1.1" || st.DidResume != (i > 0) {
				t.Errorf("%s, %d: %q, resumed: %v", name, i, st.NegotiatedProtocol, st.DidResume)
			}
		}
		if name == "keys.test" { // new keys are used from now on
			keys.SetSessionTicketKeys([][32]byte{{2}})
			if dial(cfg).DidResume {
				t.Error("resumed with a key that was taken away")
			}
		}
	}
	if got := chosen["h2.test"].NextProtos; len(got) != 2 {
		t.Errorf("the caller's configuration was changed: %q", got)
	}
	fails.Store(true)
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("the handshake succeeded")
	}
}
