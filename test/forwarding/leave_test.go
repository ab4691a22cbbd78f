package forwarding

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// A client that leaves ends the exchange at its endpoint, whatever it speaks and
// however the connection ends.
func TestClientThatLeaves(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(t *testing.T, s *site)
	}{
		{"close", func(t *testing.T, s *site) { s.silentGet(t).Close() }},
		{"reset", func(t *testing.T, s *site) {
			nc := s.silentGet(t)
			_ = nc.(*net.TCPConn).SetLinger(0)
			_ = nc.Close()
		}},
		{"HTTP/2", func(t *testing.T, s *site) {
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://app.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				s.until("the request is there", func() bool { _, active := s.pool(); return active == 1 })
				cancel()
			}()
			if resp, err := s.client.Do(req); err == nil {
				resp.Body.Close()
				t.Error("answered")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := make(chan struct{}, 1)
			silent := app(t, func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
					left <- struct{}{}
				case <-time.After(patience):
				}
			})
			s := newSite(t, nil, silent)
			c.leave(t, s)
			select {
			case <-left:
			case <-time.After(patience):
				t.Fatal("the application is not told")
			}
			s.until("nothing is left", func() bool {
				idle, active := s.pool()
				return idle == 0 && active == 0 && s.stats().Exchanges == 0
			})
			if n := s.stats().Closed[upstream.ClosedUnfinished]; n != 1 {
				t.Errorf("%d connections were closed as unfinished, want 1", n)
			}
			s.until("it is logged", func() bool { return strings.Contains(s.log.String(), `"GET / HTTP/`) })
			if log := s.log.String(); !strings.Contains(log, `" 499 0 `) {
				t.Errorf("the log tells %s", log)
			}
		})
	}
}

// silentGet sends a request and waits until the endpoint has it.
func (s *site) silentGet(t *testing.T) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
	s.until("the request is there", func() bool { _, active := s.pool(); return active == 1 })
	return nc
}

// A client that waits for a connection and leaves gives up its place.
func TestClientThatLeavesTheQueue(t *testing.T) {
	stop := make(chan struct{})
	busy := app(t, func(http.ResponseWriter, *http.Request) { <-stop })
	defer close(stop)
	s := newSite(t, policy(func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, time.Minute }), busy)
	waiting := func() int { return s.stats().Endpoints[0].Waiting }
	first := s.silentGet(t)
	defer first.Close()
	second, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(second, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
	s.until("the second waits", func() bool { return waiting() == 1 })
	_ = second.Close()
	s.until("nobody waits", func() bool { return waiting() == 0 })
}
