package downstream

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// tlsClient speaks TLS over nc and asks for a name.
func tlsClient(nc net.Conn, name string) *tls.Conn {
	cfg := trusting.Clone()
	cfg.ServerName = name
	return tls.Client(nc, cfg)
}

// behind is a server of TLS that connections are passed through to. It answers
// "hello" to whatever comes, and tells the address that the connection was said to have.
type behind struct {
	cert    tls.Certificate
	addrs   chan string
	waiting chan struct{} // not nil: hold the connection until this is closed
}

func newBehind(t testing.TB) *behind {
	cert := certificate(t)
	return &behind{cert: cert, addrs: make(chan string, 10)}
}

// replayed is a connection that begins with bytes read before.
type replayed struct {
	net.Conn
	first []byte
}

func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

func (b *behind) take(nc net.Conn, hello []byte) {
	b.addrs <- nc.RemoteAddr().String()
	if !sock.New(nc, nil).CanWait() {
		b.addrs <- "no plain socket"
	}
	if b.waiting != nil {
		_, _ = nc.Read(make([]byte, 1))
		close(b.waiting)
		return
	}
	c := tls.Server(&replayed{nc, hello}, &tls.Config{Certificates: []tls.Certificate{b.cert}})
	if _, err := io.ReadFull(c, make([]byte, len(get))); err == nil {
		_, _ = io.WriteString(c, "from behind")
	}
	_ = c.Close()
}

// startPassing serves TLS and passes connections for behind.test through.
func startPassing(t testing.TB, cfg Config, b *behind) *serving {
	cfg.Passthrough = func(name string) func(net.Conn, []byte) {
		if name == "behind.test" {
			return b.take
		}
		return nil
	}
	return startTLS(t, cfg)
}

func TestPassthrough(t *testing.T) {
	b := newBehind(t)
	s := startPassing(t, Config{}, b)
	for _, name := range []string{"behind.test", "BEHIND.test"} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			nc := dialRaw(t, s.addr)
			cfg := trusting.Clone()
			cfg.ServerName, cfg.MaxVersion = name, version
			c := rawconn.New(t, tls.Client(nc, cfg))
			c.Send(get)
			c.Expect("from behind")
			c.ExpectEOF()
			if got := <-b.addrs; got != nc.LocalAddr().String() {
				t.Errorf("the client's address is %s, want %s", got, nc.LocalAddr())
			}
			if got := c.NetConn().(*tls.Conn).ConnectionState().PeerCertificates[0]; string(got.Raw) != string(b.cert.Certificate[0]) {
				t.Error("another certificate was shown")
			}
		}
	}
	for _, name := range []string{"other.test", "behind.test.other", ""} {
		c := rawconn.New(t, tlsClient(dialRaw(t, s.addr), name))
		for range 2 {
			c.Send(get)
			c.Expect(hello)
		}
	}
	plain := rawconn.Dial(t, s.addr)
	plain.Send(get)
	plain.Expect(plainOnTLS)
	plain.ExpectEOF()
	plain.Close()
	eventually(t, "connections are counted out", func() bool { return s.Stats().Open <= 3 })
	if st := s.Stats(); st.FailedHandshakes != 1 || st.Panics != 0 {
		t.Errorf("Stats: %+v", st)
	}
}

// dribble writes in pieces of a byte.
type dribble struct{ net.Conn }

func (d dribble) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// records splits the first record that is written, a ClientHello, into records of a few
// bytes each.
type records struct {
	net.Conn
	size int
	once sync.Once
}

func (r *records) Write(p []byte) (n int, err error) {
	n = len(p)
	r.once.Do(func() {
		var out []byte
		length := int(p[3])<<8 | int(p[4])
		for body := p[5 : 5+length]; len(body) > 0; {
			part := body[:min(r.size, len(body))]
			out = append(append(out, p[0], p[1], p[2], byte(len(part)>>8), byte(len(part))), part...)
			body = body[len(part):]
		}
		p = append(out, p[5+length:]...)
	})
	_, err = r.Conn.Write(p)
	return n, err
}

func TestPassthroughOfAHelloInPieces(t *testing.T) {
	b := newBehind(t)
	s := startPassing(t, Config{}, b)
	for i, wrap := range []func(net.Conn) net.Conn{
		func(nc net.Conn) net.Conn { return dribble{nc} },
		func(nc net.Conn) net.Conn { return &records{Conn: nc, size: 100} },
		func(nc net.Conn) net.Conn { return &records{Conn: nc, size: 1} },
		func(nc net.Conn) net.Conn { return &records{Conn: dribble{nc}, size: 7} },
	} {
		c := rawconn.New(t, tlsClient(wrap(dialRaw(t, s.addr)), "behind.test"))
		c.Send(get)
		c.Expect("from behind")
		c = rawconn.New(t, tlsClient(wrap(dialRaw(t, s.addr)), "other.test"))
		c.Send(get)
		c.Expect(hello)
		if t.Failed() {
			t.Fatal(i)
		}
	}
}

// What is no ClientHello is answered as without passing through, and one that is too
// long is not passed through.
func TestPassthroughOfBadHellos(t *testing.T) {
	b := newBehind(t)
	s := startPassing(t, Config{HandshakeTimeout: 300 * time.Millisecond}, b)
	for i, bytes := range []string{
		"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",      // a hello of one byte
		"\x16\x03\x01\x00\x04\x02\x00\x00\x00",          // a ServerHello
		"\x16\x03\x01\xff\xff" + strings.Repeat("x", 9), // a record that is too long
		"\x16\x03\x01\x00\x04\x01\xff\xff\xff",          // a hello that is too long
		"\x15\x03\x01\x00\x02\x02\x28",                  // an alert
		"\x16\x03\x01\x00",                              // and nothing more
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",    // no TLS
		strings.Repeat("\x16\x03\x01\x00\x00", 100),     // empty records
	} {
		c := rawconn.Dial(t, s.addr)
		c.Send(bytes)
		if rest, _ := c.Rest(); strings.Contains(rest, "HTTP") || strings.Contains(rest, "behind") {
			t.Errorf("%d: got %q", i, rest)
		}
		eventually(t, "it is counted", func() bool { return s.Stats().FailedHandshakes == uint64(i+1) })
	}
	if len(b.addrs) > 0 {
		t.Error("one was passed through")
	}
	// A hello of 24 KiB, by many protocol names, is served here or not at all.
	cfg := &tls.Config{InsecureSkipVerify: true, ServerName: "behind.test", NextProtos: []string{"http/1.1"}}
	for range 100 {
		cfg.NextProtos = append(cfg.NextProtos, strings.Repeat("x", 250))
	}
	c := rawconn.New(t, tls.Client(dialRaw(t, s.addr), cfg))
	c.Send(get)
	c.Expect(hello)
}

func TestPassthroughAny(t *testing.T) {
	b := newBehind(t)
	var some atomic.Bool
	s := startPassing(t, Config{PassthroughAny: some.Load}, b)
	for i := range 4 {
		some.Store(i%2 == 1)
		c := rawconn.New(t, tlsClient(dialRaw(t, s.addr), "behind.test"))
		c.Send(get)
		if some.Load() {
			c.Expect("from behind")
		} else {
			c.Expect(hello)
		}
	}
}

// A connection behind a PROXY header is passed through with the addresses of that.
func TestPassthroughBehindAProxy(t *testing.T) {
	b := newBehind(t)
	s := startPassing(t, Config{ProxyProtocol: true}, b)
	nc := dialRaw(t, s.addr)
	_, _ = io.WriteString(nc, "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n")
	c := rawconn.New(t, tlsClient(nc, "behind.test"))
	c.Send(get)
	c.Expect("from behind")
	if got := <-b.addrs; got != from4 {
		t.Errorf("the client's address is %s", got)
	}
	if len(b.addrs) > 0 {
		t.Error(<-b.addrs)
	}
}

// A connection that is passed through is counted, may last, and is cut by Close and by
// the end of Shutdown's time.
func TestPassthroughEndsWithTheServer(t *testing.T) {
	for _, end := range []func(*Server){
		func(s *Server) { _ = s.Close() },
		func(s *Server) {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
				t.Errorf("Shutdown: %v", err)
			}
		},
	} {
		b := newBehind(t)
		b.waiting = make(chan struct{})
		s := startPassing(t, Config{HandshakeTimeout: 100 * time.Millisecond, KeepAliveTimeout: 100 * time.Millisecond}, b)
		go func() { _ = tlsClient(dialRaw(t, s.addr), "behind.test").Handshake() }()
		<-b.addrs
		time.Sleep(200 * time.Millisecond) // no timeout of ours is in force
		if st := s.Stats(); st.Open != 1 || st.Active != 1 || st.FailedHandshakes != 0 {
			t.Errorf("Stats: %+v", st)
		}
		select {
		case <-b.waiting:
			t.Fatal("it has ended")
		default:
		}
		end(s.Server)
		select {
		case <-b.waiting:
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on")
		}
	}
}

// A panic of whoever takes a connection ends that one.
func TestPassthroughPanics(t *testing.T) {
	s := startTLS(t, Config{Passthrough: func(name string) func(net.Conn, []byte) {
		switch name {
		case "choose.test":
			panic("on purpose")
		case "take.test":
			return func(net.Conn, []byte) { panic("on purpose") }
		}
		return nil
	}})
	for _, name := range []string{"choose.test", "take.test"} {
		if err := tlsClient(dialRaw(t, s.addr), name).Handshake(); err == nil {
			t.Error("the handshake succeeded")
		}
	}
	eventually(t, "both are counted", func() bool { st := s.Stats(); return st.Panics == 2 && st.Open == 0 })
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send(get)
	c.Expect(hello)
}
