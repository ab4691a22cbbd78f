package upstream

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestProxyHeaderBytes(t *testing.T) {
	v4, v6 := netip.MustParseAddrPort("192.0.2.7:51000"), netip.MustParseAddrPort("[2001:db8::7]:51000")
	l4, l6 := netip.MustParseAddrPort("198.51.100.1:443"), netip.MustParseAddrPort("[2001:db8::1]:443")
	zone := netip.MustParseAddrPort("[fe80::7%eth0]:51000")
	const sig = "\r\n\r\n\x00\r\nQUIT\n"
	ports := "\xc7\x38\x01\xbb"
	a4, b4 := "\xc0\x00\x02\x07", "\xc6\x33\x64\x01"
	a6 := "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
	b6 := "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	mapped := "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"
	for _, c := range []struct {
		name          string
		version       uint8
		client, local netip.AddrPort
		want          string
	}{
		{"v1 IPv4", 1, v4, l4, "PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n"},
		{"v1 IPv6", 1, v6, l6, "PROXY TCP6 2001:db8::7 2001:db8::1 51000 443\r\n"},
		{"v1 both", 1, v4, l6, "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 51000 443\r\n"},
		{"v1 zone", 1, zone, l6, "PROXY TCP6 fe80::7 2001:db8::1 51000 443\r\n"},
		{"v1 unknown", 1, netip.AddrPort{}, l4, "PROXY UNKNOWN\r\n"},
		{"v2 IPv4", 2, v4, l4, sig + "\x21\x11\x00\x0c" + a4 + b4 + ports},
		{"v2 IPv6", 2, v6, l6, sig + "\x21\x21\x00\x24" + a6 + b6 + ports},
		{"v2 both", 2, v6, l4, sig + "\x21\x21\x00\x24" + a6 + mapped + b4 + ports},
		{"v2 unknown", 2, netip.AddrPort{}, netip.AddrPort{}, sig + "\x20\x00\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t)
			r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
			policy := model.DefaultPolicy()
			policy.Transport.ProxyProtocol = c.version
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
			e := u.Pick(&Choice{})
			conn, err := e.Get(&Want{Client: c.client, Local: c.local})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("|")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(c.want)+1)
			_ = n.last(1).SetReadDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.ReadFull(n.last(1), got); err != nil || string(got) != c.want+"|" {
				t.Errorf("%q, %v", got, err)
			}
			// It belongs to one client.
			e.Put(conn)
			if !closedWithin(n.last(1), 20*time.Second) {
				t.Error("kept")
			}
			if next := get(t, e); next == conn || next.Reused() {
				t.Error("used again")
			}
			if s := r.Stats()[0]; s.Closed[ClosedUnshared] != 1 || s.Endpoints[0].Idle != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// Connections that were made before the header was asked for are not used.
func TestProxyHeaderIsOnAllConnections(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
	e := u.Pick(&Choice{})
	idle, busy := get(t, e), get(t, e)
	e.Put(idle)
	policy := model.DefaultPolicy()
	policy.Transport.ProxyProtocol = 1
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	e.Put(busy)
	if c := get(t, e); c == idle || c == busy {
		t.Fatal("a connection without the header was used")
	}
	if s := r.Stats()[0]; s.Closed[ClosedReconfigured] != 2 {
		t.Errorf("stats: %+v", s)
	}
}

// The header comes before TLS.
func TestProxyHeaderComesBeforeTLS(t *testing.T) {
	n := newNetwork(t)
	a := newAuthority(t)
	policy := policyOf(model.HTTPS)
	policy.Transport.ProxyProtocol = 2
	_, u := tlsRegistry(t, Config{Dial: n.dial}, policy, a.client(), 1)
	ended := make(chan error)
	go func() {
		_, err := u.Pick(&Choice{}).Get(&Want{Connect: 20 * time.Second})
		ended <- err
	}()
	eventually(t, "a connection is made", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.peers[addr(1)]) > 0
	})
	got := make([]byte, 17)
	_ = n.last(1).SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(n.last(1), got); err != nil || string(got) != "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00\x16" {
		t.Errorf("%q, %v", got, err)
	}
	n.last(1).Close()
	if <-ended == nil {
		t.Error("connected")
	}
}
