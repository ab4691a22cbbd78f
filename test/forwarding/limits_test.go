package forwarding

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Where an endpoint may have one connection, one request waits and one more is
// refused, with a reason.
func TestConnectionsAreBounded(t *testing.T) {
	goOn := make(chan struct{})
	busy := app(t, func(http.ResponseWriter, *http.Request) { <-goOn })
	s := newSite(t, policy(func(p *model.Policy) {
		p.Pool.MaxConnections, p.Pool.MaxPending, p.Pool.PendingTimeout = 1, 1, time.Minute
	}), busy)
	var wg sync.WaitGroup
	ask := func() {
		wg.Go(func() {
			resp, err := s.client.Get(url)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%d, want 200", resp.StatusCode)
			}
		})
	}
	ask()
	s.until("one is active", func() bool { _, active := s.pool(); return active == 1 })
	ask()
	s.until("one waits", func() bool { return s.stats().Endpoints[0].Waiting == 1 })
	if status, text, _ := s.ask("GET", url, nil); status != 503 || !strings.Contains(text, "Too many requests wait") {
		t.Errorf("%d %s", status, text)
	}
	close(goOn)
	wg.Wait()
	if st := s.stats(); st.Created != 1 || st.Queued != 1 || st.QueueFull != 1 {
		t.Errorf("%+v", st.Counters)
	}
}

func TestWaitIsBounded(t *testing.T) {
	stop := make(chan struct{})
	busy := app(t, func(http.ResponseWriter, *http.Request) { <-stop })
	s := newSite(t, policy(func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, 50*time.Millisecond }), busy)
	defer close(stop)
	defer s.silentGet(t).Close()
	if status, text, _ := s.ask("GET", url, nil); status != 503 || !strings.Contains(text, "became free in time") {
		t.Errorf("%d %s", status, text)
	}
}

func TestExchangesAreBounded(t *testing.T) {
	stop := make(chan struct{})
	busy := app(t, func(http.ResponseWriter, *http.Request) { <-stop })
	s := newSite(t, policy(func(p *model.Policy) { p.Health.MaxActive = 1 }), busy)
	defer close(stop)
	defer s.silentGet(t).Close()
	if status, text, _ := s.ask("GET", url, nil); status != 503 || !strings.Contains(text, "as many requests as it may have") {
		t.Errorf("%d %s", status, text)
	}
	if st := s.stats(); st.Overflowed != 1 {
		t.Errorf("overflowed %d times", st.Overflowed)
	}
}

func TestHeadOfAResponseIsBounded(t *testing.T) {
	large := app(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
	})
	for limit, want := range map[int64]int{0: 502, 4 << 10: 502, 256 << 10: 200} {
		s := newSite(t, route(func(o *model.Options) { o.Buffering.ResponseHead = limit }), large)
		if status, _, head := s.ask("GET", url, nil); status != want || want == 200 && len(head.Get("X-Large")) != 100<<10 {
			t.Errorf("%d with a limit of %d, want %d", status, limit, want)
		}
	}
}
