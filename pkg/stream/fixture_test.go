package stream

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/internal/wait"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// bench is a server with the registry that its upstreams are in.
type bench struct {
	t        testing.TB
	srv      *Server
	registry *upstream.Registry
	mu       sync.Mutex
	all      model.Endpoints
}

func newBench(t testing.TB, c Config) *bench {
	t.Helper()
	c.Address, c.Logger = "127.0.0.1", slog.New(slog.DiscardHandler)
	if c.ListenRetry == 0 {
		c.ListenRetry = 20 * time.Millisecond
	}
	b := &bench{
		t: t, srv: New(c),
		registry: upstream.NewRegistry(upstream.Config{Logger: c.Logger}),
		all:      make(model.Endpoints),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.registry.Run(ctx) })
	wg.Go(func() { _ = b.srv.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

// upstreamAt makes the upstream of a name have these endpoints, in this order, and
// returns its key.
func (b *bench) upstreamAt(name string, addrs ...net.Addr) model.UpstreamKey {
	key := model.UpstreamKey{Namespace: "default", Service: name, Port: "1"}
	list := make([]model.Endpoint, len(addrs))
	for i, a := range addrs {
		list[i].Addr = netip.MustParseAddrPort(a.String())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := model.Endpoints{}
	for k, v := range b.all {
		all[k] = v
	}
	all[key] = list
	b.all = all
	b.registry.Upstream(upstream.Spec{Upstream: model.Upstream{Key: key, Policy: model.DefaultPolicy()}})
	b.registry.SetEndpoints(all)
	return key
}

func (b *bench) set(streams ...model.Stream) { b.srv.Set(streams, b.registry.Lookup) }

func tcpStream(port uint16, key model.UpstreamKey) model.Stream {
	return model.Stream{Port: port, Upstream: key, StreamTimeouts: model.DefaultStreamTimeouts()}
}

func udpStream(port uint16, key model.UpstreamKey) model.Stream {
	s := tcpStream(port, key)
	s.UDP = true
	return s
}

// freePort returns a port that nobody listens on at the moment.
func freePort(t testing.TB, network string) uint16 {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return uint16(c.LocalAddr().(*net.UDPAddr).Port)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return uint16(ln.Addr().(*net.TCPAddr).Port)
}

// tcpService serves connections with handle until the test ends.
func tcpService(t testing.TB, handle func(*net.TCPConn)) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rawconn.Serve(t, ln, func(c net.Conn) { handle(c.(*net.TCPConn)) })
	return ln.(*net.TCPListener)
}

// echo sends everything back, and the end too.
func echo(c *net.TCPConn) {
	if _, err := io.Copy(c, c); err == nil {
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// says sends its name, and then all that it gets.
func says(name string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		if _, err := io.WriteString(c, name); err == nil {
			echo(c)
		}
	}
}

// dialTCP connects to a port of the server. It waits for the port to be there.
func (b *bench) dialTCP(port uint16) *net.TCPConn {
	b.t.Helper()
	var nc net.Conn
	b.eventually("the port accepts", func() bool {
		var err error
		nc, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
		return err == nil
	})
	b.t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return nc.(*net.TCPConn)
}

func (b *bench) dialUDP(port uint16) *net.UDPConn {
	b.t.Helper()
	c, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UDPConn)
}

// eventually waits until something is true.
func (b *bench) eventually(what string, is func() bool) {
	b.t.Helper()
	wait.For(b.t, patience, what, is)
}

// stats returns those of a stream.
func (b *bench) stats(name string) Stats {
	for _, s := range b.srv.Stats() {
		if s.Name == name {
			return s
		}
	}
	return Stats{}
}

func (b *bench) say(c net.Conn, text string) {
	b.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) hear(c net.Conn, want string) {
	b.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		b.t.Fatalf("got %q (%v), want %q", got[:n], err, want)
	}
}

func (b *bench) hearEnd(c net.Conn) {
	b.t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		b.t.Fatalf("%q, %v; want the end", rest, err)
	}
}
