package dropin

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// AUTO_HTTP speaks to endpoints as the client does: one port that understands both tells
// which it was.
func TestBackendProtocolAutoHTTP(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS != nil {
				w.Header().Set("X-Spoke", "https")
				return
			}
			w.Header().Set("X-Spoke", "http")
		}))
		backend.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		backend.StartTLS()
		defer backend.Close()
		plain := httptest.NewServer(backend.Config.Handler)
		defer plain.Close()
		both, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer both.Close()
		go forwardByFirstByte(both, plain.Listener.Addr().String(), backend.Listener.Addr().String())
		s := serve(t, profile, nil, service("app", both.Addr().(*net.TCPAddr).Port)+
			ingress("app", "app.example", "backend-protocol: AUTO_HTTP\nssl-redirect: false", "/ prefix app"))
		for range 3 {
			s.wants(s.get("http://app.example/"), 200, "X-Spoke: http")
			s.wants(s.get("https://app.example/"), 200, "X-Spoke: https")
		}
	})
}

// forwardByFirstByte hands connections to one server or the other, by whether they begin
// with a TLS handshake (RFC 8446, section 5.1).
func forwardByFirstByte(ln net.Listener, plain, encrypted string) {
	for {
		from, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			first := make([]byte, 1)
			if _, err := from.Read(first); err != nil {
				return
			}
			to := plain
			if first[0] == 22 {
				to = encrypted
			}
			conn, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Write(first)
			done := make(chan struct{})
			go func() { defer close(done); copyAll(from, conn) }()
			copyAll(conn, from)
			<-done
		}()
	}
}

// copyAll copies until one side ends, and ends the other.
func copyAll(to, from net.Conn) {
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
}
