package forwarding

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// numbered are applications that each tell their number.
func numbered(t *testing.T, n int) []netip.AddrPort {
	var list []netip.AddrPort
	for i := range n {
		list = append(list, answer(t, 200, fmt.Sprint("app ", i)))
	}
	return list
}

func sticky(persistent bool) func(*model.Config) {
	return policy(func(p *model.Policy) {
		p.Balance.Sticky = model.Sticky{Cookie: "KEPT", Persistent: persistent, MaxAge: 60, SameSite: "Lax", Path: "/a"}
	})
}

// A client with its cookie stays where it is, and gets no other one.
func TestStickyCookie(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		t.Run(fmt.Sprint(persistent), func(t *testing.T) {
			s := newSite(t, sticky(persistent), numbered(t, 5)...)
			places := map[string]bool{}
			for range 20 {
				_, first, head := s.ask("GET", url, nil)
				places[first] = true
				cookie := head.Get("Set-Cookie")
				for _, part := range []string{"KEPT=", "; Path=/a", "; Max-Age=60", "; HttpOnly", "; SameSite=Lax"} {
					if !strings.Contains(cookie, part) {
						t.Fatalf("no %q in %q", part, cookie)
					}
				}
				if strings.Contains(cookie, "Secure") {
					t.Fatalf("%q for a client in clear text", cookie)
				}
				pair, _, _ := strings.Cut(cookie, ";")
				for range 5 {
					_, again, head := s.ask("GET", url, nil, "Cookie", "a=b; "+pair)
					if again != first || head.Get("Set-Cookie") != "" {
						t.Fatalf("%q after %q, with cookie %q", again, first, head.Get("Set-Cookie"))
					}
				}
			}
			if len(places) < 3 {
				t.Errorf("20 clients are at %v", places)
			}
			if _, _, head := s.ask("GET", "https://app.test/a", nil); !strings.Contains(head.Get("Set-Cookie"), "; Secure") {
				t.Errorf("%q over TLS", head.Get("Set-Cookie"))
			}
		})
	}
}

// A cookie that is not one of ours gets a new one.
func TestForeignCookies(t *testing.T) {
	s := newSite(t, sticky(true), numbered(t, 2)...)
	for _, value := range []string{"", "x", "|", strings.Repeat("g", 32) + "|" + strings.Repeat("0", 16), strings.Repeat("0", 32) + "|" + strings.Repeat("0", 17), strings.Repeat("0", 32) + "|" + strings.Repeat("0", 16)} {
		if status, _, head := s.ask("GET", url, nil, "Cookie", "KEPT="+value); status != 200 || head.Get("Set-Cookie") == "" {
			t.Errorf("%q: %d, cookie %q", value, status, head.Get("Set-Cookie"))
		}
	}
}

// The client of an endpoint that is gone gets another one, and the news.
func TestStickyEndpointGone(t *testing.T) {
	list := numbered(t, 3)
	s := newSite(t, sticky(true), list...)
	_, first, head := s.ask("GET", url, nil)
	pair, _, _ := strings.Cut(head.Get("Set-Cookie"), ";")
	var left []model.Endpoint
	for i, addr := range list {
		if first != fmt.Sprint("app ", i) {
			left = append(left, model.Endpoint{Addr: addr})
		}
	}
	s.registry.SetEndpoints(model.Endpoints{key: left})
	_, second, head := s.ask("GET", url, nil, "Cookie", pair)
	if second == first || head.Get("Set-Cookie") == "" {
		t.Errorf("%q after %q, cookie %q", second, first, head.Get("Set-Cookie"))
	}
}

// What was found out of a client's certificate can choose its endpoint.
func TestHashByClientCertificate(t *testing.T) {
	me := clientPair(t, "me")
	s := newSite(t, both(
		policy(func(p *model.Policy) { p.Balance.HashBy = "$ssl_client_s_dn" }),
		func(m *model.Config) {
			m.Authorities = []model.Authority{{Name: "default/ca", Certificates: me.Cert}}
			m.Hosts[0].TLS = model.HostTLS{ClientAuth: model.ClientAuthOptional, Authority: "default/ca", Depth: 1}
		},
	), numbered(t, 5)...)
	places := func(s *site) map[string]bool {
		at := map[string]bool{}
		for range 20 {
			_, text, _ := s.ask("GET", "https://app.test/", nil)
			at[text] = true
		}
		return at
	}
	if with, without := places(s.as(&me)), places(s); len(with) != 1 || len(without) != 5 {
		t.Errorf("a client with a certificate is at %d endpoints, and one without at %d", len(with), len(without))
	}
}

// Requests with the same value go to the same endpoint; those without any are spread.
func TestHashByField(t *testing.T) {
	s := newSite(t, policy(func(p *model.Policy) { p.Balance.HashBy = "$http_x_user" }), numbered(t, 5)...)
	places := map[string]bool{}
	for i := range 20 {
		user := fmt.Sprint("user-", i)
		_, first, _ := s.ask("GET", url, nil, "X-User", user)
		places[first] = true
		for range 3 {
			if _, again, _ := s.ask("GET", url, nil, "X-User", user); again != first {
				t.Fatalf("%s: %q after %q", user, again, first)
			}
		}
	}
	without := map[string]bool{}
	for range 20 {
		_, at, _ := s.ask("GET", url, nil)
		without[at] = true
	}
	if len(places) < 3 || len(without) != 5 {
		t.Errorf("20 users are at %d endpoints, and requests without one at %d", len(places), len(without))
	}
}
