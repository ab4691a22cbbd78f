package forwarding

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// moody is an application that can be told to answer 503.
type moody struct {
	bad    atomic.Bool
	answer string
}

func (m *moody) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if m.bad.Load() {
		w.WriteHeader(503)
		return
	}
	_, _ = io.WriteString(w, m.answer)
}

// A client whose endpoint fails is served by another one; whether it stays there is a
// setting.
func TestStickyEndpointThatFails(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		for _, change := range []bool{false, true} {
			t.Run(fmt.Sprintf("persistent %t, change %t", persistent, change), func(t *testing.T) {
				apps := make([]*moody, 4)
				list := make([]netip.AddrPort, len(apps))
				for i := range apps {
					apps[i] = &moody{answer: fmt.Sprint("app ", i)}
					list[i] = app(t, apps[i].ServeHTTP)
				}
				s := newSite(t, both(
					policy(func(p *model.Policy) {
						p.Balance.Sticky = model.Sticky{Cookie: "KEPT", Persistent: persistent, ChangeOnFailure: change}
					}),
					route(func(o *model.Options) { o.Retry.On |= model.Retry503 }),
				), list...)
				_, first, head := s.ask("GET", url, nil)
				pair, _, _ := strings.Cut(head.Get("Set-Cookie"), ";")
				for i := range apps {
					apps[i].bad.Store(first == apps[i].answer)
				}
				status, second, head := s.ask("GET", url, nil, "Cookie", pair)
				if status != 200 || second == first {
					t.Fatalf("%d %q after %q", status, second, first)
				}
				cookie := head.Get("Set-Cookie")
				if moved := cookie != ""; moved != change {
					t.Errorf("the client got the cookie %q", cookie)
				}
				for _, a := range apps {
					a.bad.Store(false)
				}
				if !change {
					if _, third, _ := s.ask("GET", url, nil, "Cookie", pair); third != first {
						t.Errorf("%q, want %q again", third, first)
					}
					return
				}
				pair, _, _ = strings.Cut(cookie, ";")
				_, third, _ := s.ask("GET", url, nil, "Cookie", pair)
				if persistent && third != second {
					t.Errorf("%q, want %q", third, second)
				}
				if _, fourth, head := s.ask("GET", url, nil, "Cookie", pair); fourth != third || head.Get("Set-Cookie") != "" {
					t.Errorf("%q after %q, cookie %q", fourth, third, head.Get("Set-Cookie"))
				}
			})
		}
	}
}

// An endpoint that closes idle connections has not failed: its client stays.
func TestStickyEndpointThatClosesConnections(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		t.Run(fmt.Sprint(persistent), func(t *testing.T) {
			var list []netip.AddrPort
			for i := range 4 {
				list = append(list, oneAnswer(t, fmt.Sprint("app ", i)))
			}
			s := newSite(t, policy(func(p *model.Policy) {
				p.Balance.Sticky = model.Sticky{Cookie: "KEPT", Persistent: persistent, ChangeOnFailure: true}
			}), list...)
			_, first, head := s.ask("GET", url, nil)
			pair, _, _ := strings.Cut(head.Get("Set-Cookie"), ";")
			for range 20 {
				_, again, head := s.ask("GET", url, nil, "Cookie", pair)
				if again != first || head.Get("Set-Cookie") != "" {
					t.Fatalf("%q after %q, cookie %q", again, first, head.Get("Set-Cookie"))
				}
			}
		})
	}
}

// oneAnswer is an endpoint that answers one request on each connection, and closes it
// when the next one comes, of which it says nothing before.
func oneAnswer(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	return rawconn.Listen(t, func(nc net.Conn) {
		_ = nc.SetDeadline(time.Now().Add(patience))
		if _, err := nc.Read(make([]byte, 4096)); err != nil {
			return
		}
		fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		_, _ = nc.Read(make([]byte, 4096))
	})
}
