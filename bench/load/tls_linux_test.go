package load

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

// overTLS serves each connection with a function that speaks over TLS.
func overTLS(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	pair := keypair.New(t, "a")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	return server(t, func(conn net.Conn) {
		c := tls.Server(conn, config)
		defer c.Close()
		serve(c)
	})
}

var anyServer = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}

func TestClosedLoopOverTLS(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 1<<14)
	marks := 0
	r, err := Generate(Options{
		Addr:        overTLS(t, answering(len(get), 0, "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n"+body)),
		Connections: 3, Request: always(Request{[]byte(get), &Answer{Body: []byte(body)}}), TLS: anyServer,
		Warm: 20 * time.Millisecond, Window: 200 * time.Millisecond,
		Mark: func() error { marks++; return nil }, Cores: []int{0},
	})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.Requests < 3 || r.Total < r.Requests || marks != 2 || len(r.Busy) != 1 || r.P50 <= 0 || r.P99 < r.P50 {
		t.Errorf("%d marks; %+v", marks, r)
	}
	if n := int64(r.Requests); r.Received < n*int64(len(body)) || r.Sent != n*int64(len(get)) {
		t.Errorf("%+v", r)
	}
}

func TestFreshConnectionsOverTLS(t *testing.T) {
	closing := func(conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, len(get))); err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		}
	}
	r, err := Generate(Options{
		Addr: overTLS(t, closing), Connections: 2, Request: always(Request{Bytes: []byte(get)}), TLS: anyServer, Fresh: true,
		Window: 300 * time.Millisecond,
	})
	if err != nil || r.Err() != nil || r.Requests < 4 {
		t.Errorf("%v, %v, %+v", err, r.Err(), r)
	}
	r, err = Generate(Options{
		Addr: overTLS(t, answering(len(get), 0, hello)), Connections: 1, Request: always(Request{Bytes: []byte(get)}), TLS: anyServer, Fresh: true,
		Window: 10 * time.Second,
	})
	if err != nil || !strings.Contains(r.Failure, "does not end the connection") {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestFailuresOverTLSAreTold(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", errOtherState.Error()},
		{strings.Replace(hello, "hello", "hallo", 1), errBody.Error()},
		{hello + "rest", errUnasked.Error()},
		{"", "the connection ended before the answer"},
	} {
		r, err := Generate(Options{
			Addr: overTLS(t, func(conn net.Conn) {
				if _, err := io.ReadFull(conn, make([]byte, len(get))); err == nil {
					_, _ = conn.Write([]byte(c.answer))
				}
			}),
			Connections: 1, Request: always(Request{[]byte(get), wantHello}), TLS: anyServer, Window: 10 * time.Second,
		})
		if err != nil || r.Failed != 1 || !strings.Contains(r.Failure, c.want) {
			t.Errorf("%v, %d failures, %q; want %q", err, r.Failed, r.Failure, c.want)
		}
	}
}

func TestOnlyTheClosedLoopSpeaksTLS(t *testing.T) {
	for _, o := range []Options{{TLS: anyServer, Rate: 1}, {TLS: anyServer, Batch: 2}} {
		if _, err := Generate(o); err != errOnlyClosed {
			t.Errorf("got %v", err)
		}
	}
}
