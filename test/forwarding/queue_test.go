package forwarding

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Those that wait for a connection get it in the order in which they came.
func TestQueueIsFirstComeFirstServed(t *testing.T) {
	goOn := make(chan struct{})
	var mu sync.Mutex
	var order []string
	one := app(t, func(_ http.ResponseWriter, r *http.Request) {
		<-goOn
		mu.Lock()
		order = append(order, r.URL.Path)
		mu.Unlock()
	})
	s := newSite(t, policy(func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, time.Minute }), one)
	var wg sync.WaitGroup
	var want []string
	for i := range 6 {
		path := fmt.Sprint("/", i)
		want = append(want, path)
		wg.Go(func() {
			resp, err := s.client.Get("http://app.test" + path)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
		s.until("it is active or waits", func() bool {
			_, active := s.pool()
			return active+s.stats().Endpoints[0].Waiting == i+1
		})
	}
	close(goOn)
	wg.Wait()
	if fmt.Sprint(order) != fmt.Sprint(want) {
		t.Errorf("served in the order %v", order)
	}
}

// Those that wait for an endpoint that is removed go to another one, a POST as well,
// and without any retries.
func TestEndpointRemovedWhileSomebodyWaits(t *testing.T) {
	stop := make(chan struct{})
	busy := app(t, func(w http.ResponseWriter, _ *http.Request) {
		<-stop
		_, _ = io.WriteString(w, "busy")
	})
	defer close(stop)
	other := answer(t, 200, "other")
	s := newSite(t, both(
		policy(func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, time.Minute }),
		route(func(o *model.Options) { o.Retry.On, o.Retry.Tries = 0, 1 }),
	), busy)
	first := s.silentGet(t)
	defer first.Close()
	done := make(chan string, 1)
	go func() {
		resp, err := s.client.Post(url, "text/plain", nil)
		if err != nil {
			done <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		done <- string(text)
	}()
	s.until("the second waits", func() bool { return s.stats().Endpoints[0].Waiting == 1 })
	s.registry.SetEndpoints(model.Endpoints{key: {{Addr: other}}})
	select {
	case got := <-done:
		if got != "other" {
			t.Errorf("got %q", got)
		}
	case <-time.After(patience):
		t.Error("it still waits")
	}
}

// A client of HTTP/2 that leaves gives up its place, too.
func TestStreamThatLeavesTheQueue(t *testing.T) {
	stop := make(chan struct{})
	busy := app(t, func(http.ResponseWriter, *http.Request) { <-stop })
	defer close(stop)
	s := newSite(t, policy(func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, time.Minute }), busy)
	defer s.silentGet(t).Close()
	waiting := func() int { return s.stats().Endpoints[0].Waiting }
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://app.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := s.client.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	s.until("it waits", func() bool { return waiting() == 1 })
	cancel()
	<-ended
	s.until("nobody waits", func() bool { return waiting() == 0 })
}
