package stream

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/pires/go-proxyproto"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// accepted returns both ends of a connection.
func accepted(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func TestPassThrough(t *testing.T) {
	b := newBench(t, Config{})
	up := b.registry.Lookup(b.upstreamAt("quoting", tcpService(t, quoting).Addr()))
	for _, version := range []uint8{0, 1, 2} {
		client, server := accepted(t)
		b.say(client, "hello, rest")
		hello := make([]byte, 5)
		if _, err := io.ReadFull(server, hello); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			// What stood in a PROXY header that the client's side has sent.
			ours, theirs := netip.MustParseAddrPort("203.0.113.9:443"), netip.MustParseAddrPort("198.51.100.7:4711")
			b.srv.PassThrough(sock.WithAddrs(server, ours, theirs), hello, up, version)
		}()
		_ = client.CloseWrite()
		want := `"hello, rest"`
		switch version {
		case 1:
			want = `"PROXY TCP4 198.51.100.7 203.0.113.9 4711 443\r\nhello, rest"`
		case 2:
			h, err := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 4711}, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 443}).Format()
			if err != nil {
				t.Fatal(err)
			}
			want = fmt.Sprintf("%q", string(h)+"hello, rest")
		}
		b.hear(client, want)
		b.hearEnd(client)
		<-ended
		if _, err := server.Write([]byte("x")); err == nil {
			t.Error("the connection is not closed")
		}
	}
	if s := b.stats(PassedThrough); s.Total != 3 || s.Open != 0 || s.Received == 0 {
		t.Errorf("%+v", s)
	}
}

// A TLS connection passes as it is, also through a connection that is no plain
// socket.
func TestPassThroughTLS(t *testing.T) {
	pair := keypair.New(t, "shop.example")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Config{})
	service := tcpService(t, func(c *net.TCPConn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		_, _ = io.WriteString(s, "secret of "+"shop")
		_ = s.Close()
	})
	up := b.registry.Lookup(b.upstreamAt("shop", service.Addr()))
	client, server := accepted(t)
	go b.srv.PassThrough(struct{ net.Conn }{server}, nil, up, 0)
	got, err := io.ReadAll(tls.Client(client, &tls.Config{ServerName: "shop.example", InsecureSkipVerify: true}))
	if err != nil || string(got) != "secret of shop" {
		t.Errorf("%q, %v", got, err)
	}
	b.eventually("it is over", func() bool { return b.stats(PassedThrough).Open == 0 })
}

func TestPassThroughNowhere(t *testing.T) {
	b := newBench(t, Config{})
	for _, up := range []*upstream.Upstream{nil, b.registry.Lookup(b.upstreamAt("empty"))} {
		client, server := accepted(t)
		b.srv.PassThrough(server, nil, up, 0)
		b.hearEnd(client)
	}
	b.srv.Drain() // takes no ports, and goes on with these
	client, server := accepted(t)
	go b.srv.PassThrough(server, []byte("hello"), b.registry.Lookup(b.upstreamAt("echo", tcpService(t, echo).Addr())), 0)
	b.hear(client, "hello")
	b.srv.Close()
	client, server = accepted(t)
	b.srv.PassThrough(server, nil, nil, 0)
	b.hearEnd(client)
}
