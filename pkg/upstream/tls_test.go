package upstream

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// authority signs a certificate for each name.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

// server is the configuration of an endpoint with a certificate for name.
func (a *authority) server(t testing.TB, name string, protocols ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: protocols}
}

func (a *authority) client() *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: "shop.example"}
}

// held is the peer's end of a TLS connection, which can keep back what is written.
type held struct {
	net.Conn
	mu   sync.Mutex
	hold bool
	kept bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hold {
		return h.kept.Write(p)
	}
	return h.Conn.Write(p)
}

// send sends n bytes of what was kept back; -1 all of it.
func (h *held) send(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n < 0 {
		n = h.kept.Len()
	}
	_, _ = h.Conn.Write(h.kept.Next(n))
}

// tlsNetwork has one endpoint that speaks TLS.
type tlsNetwork struct {
	ln     net.Listener
	config *tls.Config
	wg     sync.WaitGroup

	mu   sync.Mutex
	all  []*tls.Conn
	wire []*held
}

func newTLSNetwork(t testing.TB, config *tls.Config) *tlsNetwork {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &tlsNetwork{ln: ln, config: config}
	n.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			h := &held{Conn: nc}
			c := tls.Server(h, config)
			n.wg.Go(func() {
				_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
				if c.Handshake() != nil {
					_ = nc.Close()
					return
				}
				n.mu.Lock()
				defer n.mu.Unlock()
				n.all, n.wire = append(n.all, c), append(n.wire, h)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		n.wg.Wait()
		for _, c := range n.all {
			_ = c.NetConn().Close()
		}
	})
	return n
}

func (n *tlsNetwork) dial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", n.ln.Addr().String())
}

// last is the peer's end of the connection made as the i-th.
func (n *tlsNetwork) last(t testing.TB, i int) (*tls.Conn, *held) {
	t.Helper()
	eventually(t, "the endpoint has its connection", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.all) >= i
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[i-1], n.wire[i-1]
}

// tlsRegistry is newRegistry with endpoints that speak TLS.
func tlsRegistry(t testing.TB, c Config, policy model.Policy, config *tls.Config, numbers ...int) (*Registry, *Upstream) {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := NewRegistry(c)
	r.SetEndpoints(model.Endpoints{shop: endpoints(numbers...)})
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}, TLS: config})
	t.Cleanup(r.close)
	return r, u
}

func policyOf(p model.Protocol) model.Policy {
	policy := model.DefaultPolicy()
	policy.Transport.Protocol = p
	return policy
}

// speak sends a word each way.
func speak(t testing.TB, c io.ReadWriter, peer io.ReadWriter) {
	t.Helper()
	b := make([]byte, 8)
	if _, err := c.Write([]byte("ask")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(peer, b[:3]); err != nil || string(b[:3]) != "ask" {
		t.Fatalf("the endpoint read %q, %v", b[:3], err)
	}
	if _, err := peer.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b); err != nil || string(b[:n]) != "answer" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
}

// Session tickets come after the handshake of TLS 1.3; they are no reason to give a
// connection up. A second connection resumes the session.
func TestTLSConnectionsAreReused(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			a := newAuthority(t)
			server := a.server(t, "shop.example", "h2", "http/1.1")
			server.MaxVersion = version
			n := newTLSNetwork(t, server)
			r, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
			e := u.Pick(&Choice{})
			c := get(t, e)
			if s := c.tls.ConnectionState(); s.NegotiatedProtocol != "http/1.1" || s.Version != version || s.DidResume {
				t.Fatalf("state: %+v", s)
			}
			peer, _ := n.last(t, 1)
			for range 3 {
				e.Put(c)
				if again := get(t, e); again != c || !again.Reused() {
					t.Fatal("not the same connection")
				}
				speak(t, c, peer)
			}
			second := get(t, e)
			if !second.tls.ConnectionState().DidResume {
				t.Error("the session is not resumed")
			}
			e.Put(c)
			e.Put(second)
			// Other settings: all is made anew.
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policyOf(model.HTTPS)}, TLS: a.client()})
			if s := r.Stats()[0]; s.Closed[ClosedReconfigured] != 2 || s.Endpoints[0].Idle != 0 {
				t.Errorf("stats: %+v", s)
			}
			third := get(t, e)
			if third.tls.ConnectionState().DidResume {
				t.Error("a session of other settings is resumed")
			}
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policyOf(model.HTTPS)}, TLS: a.client()})
			e.Put(third)
			if s := r.Stats()[0]; s.Closed[ClosedReconfigured] != 3 || s.Failed != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// What arrives while a TLS connection is idle ends its use, wherever it lies.
func TestStaleTLSConnectionsAreNotUsed(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, c *Conn, peer *tls.Conn, wire *held)
		why  Reason
	}{
		{"farewell", func(_ *testing.T, _ *Conn, peer *tls.Conn, _ *held) { peer.CloseWrite() }, ClosedByPeer},
		{"closed", func(_ *testing.T, _ *Conn, peer *tls.Conn, _ *held) { peer.Close() }, ClosedByPeer},
		{"closed below", func(_ *testing.T, _ *Conn, peer *tls.Conn, _ *held) { peer.NetConn().Close() }, ClosedByPeer},
		{"a byte", func(_ *testing.T, _ *Conn, peer *tls.Conn, _ *held) { peer.Write([]byte("H")) }, ClosedUnasked},
		{"garbage", func(_ *testing.T, _ *Conn, peer *tls.Conn, _ *held) {
			peer.NetConn().Write([]byte("HTTP/1.1 200 OK\r\n"))
		}, ClosedByPeer},
		{"with the answer", func(t *testing.T, c *Conn, peer *tls.Conn, wire *held) {
			// Both records arrive at once: the socket is empty when the connection is idle.
			wire.mu.Lock()
			wire.hold = true
			wire.mu.Unlock()
			peer.Write([]byte("answer"))
			peer.Write([]byte("another"))
			wire.send(-1)
			b := make([]byte, 64)
			if n, err := c.Read(b); string(b[:n]) != "answer" || err != nil {
				t.Fatalf("read %q, %v", b[:n], err)
			}
		}, ClosedUnasked},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAuthority(t)
			n := newTLSNetwork(t, a.server(t, "shop.example"))
			r, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
			e := u.Pick(&Choice{})
			first := get(t, e)
			peer, wire := n.last(t, 1)
			speak(t, first, peer)
			c.do(t, first, peer, wire)
			time.Sleep(20 * time.Millisecond)
			e.Put(first)
			second := get(t, e)
			if second == first || second.Reused() {
				t.Fatal("used again")
			}
			e.Put(second)
			if s := r.Stats()[0]; s.Closed[c.why] != 1 || s.Reused != 0 || s.Created != 2 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// A look in the middle of a record must not break the connection: the rest of it is
// read later.
func TestLookAtHalfARecord(t *testing.T) {
	a := newAuthority(t)
	n := newTLSNetwork(t, a.server(t, "shop.example"))
	_, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
	e := u.Pick(&Choice{})
	c := get(t, e)
	peer, wire := n.last(t, 1)
	speak(t, c, peer)
	wire.mu.Lock()
	wire.hold = true
	wire.mu.Unlock()
	peer.Write([]byte("late"))
	for _, part := range []int{3, 4} { // of the header, then of what follows it
		wire.send(part)
		time.Sleep(20 * time.Millisecond)
		if why, stale := c.ended(); stale {
			t.Fatalf("stale: %v", why)
		}
	}
	wire.send(-1)
	b := make([]byte, 8)
	if n, err := c.Read(b); string(b[:n]) != "late" || err != nil {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	e.Discard(c, ClosedFailed)
}

func TestHandshakeThatNeverEnds(t *testing.T) {
	n := newNetwork(t) // accepts, and says nothing
	var log bytes.Buffer
	r, u := tlsRegistry(t, Config{Dial: n.dial, Logger: slog.New(slog.NewTextHandler(&log, nil))}, policyOf(model.HTTPS), &tls.Config{InsecureSkipVerify: true}, 1, 2)
	e := u.endpoints()[0]
	for range 3 {
		if _, err := e.Get(&Want{Connect: 50 * time.Millisecond}); !errors.Is(err, ErrConnectTimeout) {
			t.Fatalf("%v, want ErrConnectTimeout", err)
		}
		_ = n.last(1).SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, n.last(1)); err != nil && isTimeout(err) {
			t.Fatal("the connection stays open")
		}
	}
	if s := r.Stats()[0].Endpoints[0]; s.Failed != 3 || !s.Out || s.Active != 0 || e.making != 0 {
		t.Errorf("stats: %+v", s)
	}
	if got := strings.Count(log.String(), "cannot be reached"); got != 1 {
		t.Errorf("logged %d times:\n%s", got, log.String())
	}
}

// An endpoint whose certificate is not the right one is like one that cannot be
// connected to.
func TestCertificateThatDoesNotVerify(t *testing.T) {
	a := newAuthority(t)
	for _, c := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		is     func(error) bool
	}{
		{"another name", a.server(t, "other.example"), a.client(), func(err error) bool { return errors.As(err, new(x509.HostnameError)) }},
		{"another authority", newAuthority(t).server(t, "shop.example"), a.client(), func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
		{"no settings", a.server(t, "shop.default.svc"), nil, func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newTLSNetwork(t, c.server)
			var log bytes.Buffer
			r, u := tlsRegistry(t, Config{Dial: n.dial, Logger: slog.New(slog.NewTextHandler(&log, nil))}, policyOf(model.HTTPS), c.client, 1)
			e := u.Pick(&Choice{})
			for range 3 {
				if _, err := e.Get(&Want{}); err == nil || !c.is(err) || errors.Is(err, ErrConnectTimeout) {
					t.Fatalf("Get: %v", err)
				}
			}
			if s := r.Stats()[0].Endpoints[0]; s.Failed != 3 || !s.Out {
				t.Errorf("stats: %+v", s)
			}
			if got := strings.Count(log.String(), "cannot be reached"); got != 1 {
				t.Errorf("logged %d times:\n%s", got, log.String())
			}
		})
	}
}

// A peer that reads nothing holds up neither Cut nor Discard.
func TestCloseOfTLSDoesNotWait(t *testing.T) {
	a := newAuthority(t)
	n := newTLSNetwork(t, a.server(t, "shop.example"))
	_, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
	e := u.Pick(&Choice{})
	for _, cut := range []bool{false, true} {
		c := get(t, e)
		socket := c.wire.Conn       // below TLS, which must not see an error
		for full := false; !full; { // until there is no room for one more byte
			_ = socket.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			n, _ := socket.Write(make([]byte, 1<<20))
			full = n == 0
		}
		_ = socket.SetWriteDeadline(time.Time{})
		begun := time.Now()
		if cut {
			c.Cut()
		}
		e.Discard(c, ClosedFailed)
		if d := time.Since(begun); d > 4*time.Second {
			t.Errorf("closing took %v", d)
		}
	}
}

// Close says farewell where that costs no time.
func TestCloseOfTLSSaysFarewell(t *testing.T) {
	a := newAuthority(t)
	n := newTLSNetwork(t, a.server(t, "shop.example"))
	_, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
	e := u.Pick(&Choice{})
	c := get(t, e)
	peer, _ := n.last(t, 1)
	e.Discard(c, ClosedIdle)
	if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("the endpoint read: %v, want the end", err)
	}
}

func TestReuseOfTLSAllocatesLittle(t *testing.T) {
	a := newAuthority(t)
	n := newTLSNetwork(t, a.server(t, "shop.example"))
	_, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
	e := u.Pick(&Choice{})
	e.Put(get(t, e))
	if got := testing.AllocsPerRun(100, func() { e.Put(get(t, e)) }); got > 1 { // by crypto/tls, for a read
		t.Errorf("%v allocations", got)
	}
}

func TestDeadlineOverTLS(t *testing.T) {
	a := newAuthority(t)
	n := newTLSNetwork(t, a.server(t, "shop.example"))
	r, u := tlsRegistry(t, Config{Dial: n.dial}, policyOf(model.HTTPS), a.client(), 1)
	run(t, r)
	e := u.Pick(&Choice{})
	c := get(t, e)
	c.ReadWithin(100 * time.Millisecond)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, sock.ErrTimeout) {
		t.Errorf("Read: %v, want a timeout", err)
	}
	e.Discard(c, ClosedFailed)
}
