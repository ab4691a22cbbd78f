package chaos

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

var (
	lasts   = flag.Duration("duration", 2*time.Second, "how long the load lasts")
	clients = flag.Int("clients", 16, "clients")
)

// step is the time between two misfortunes.
const step = 50 * time.Millisecond

// Of so many endpoints, so many are left alone at any time.
const (
	endpoints = 8
	sound     = 3
)

var key = model.UpstreamKey{Namespace: "default", Service: "app", Port: "80"}

func TestEndpointsComeAndGo(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := start(t)
	var failed, requests atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), *lasts)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { s.torment(ctx) })
	for i := range *clients {
		wg.Go(func() { s.load(ctx, i, &requests, &failed) })
	}
	wg.Wait()
	for _, e := range s.all {
		e.goOn()
	}
	stats := s.registry.Stats()[0]
	t.Logf("%d requests, %d failed; %d connections made, %d reused, %d could not be made; misfortunes: %v; retries %d",
		requests.Load(), failed.Load(), stats.Created, stats.Reused, stats.Failed, s.done, stats.Retries)
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), requests.Load())
	}
	for what, n := range s.done {
		if n == 0 {
			t.Errorf("%s never happened", what)
		}
	}
	s.end(t)
	if err := goleak.Find(before, goleak.IgnoreTopFunction("time.Sleep")); err != nil {
		t.Error(err)
	}
}

// site is a proxy in front of the endpoints.
type site struct {
	all      []*endpoint
	registry *upstream.Registry
	server   *downstream.Server
	addr     string
	done     map[string]int
	random   *rand.Rand
	stop     func()
	files    int
}

func start(t *testing.T) *site {
	t.Helper()
	s := &site{done: map[string]int{"kill": 0, "stall": 0, "remove": 0, "add": 0}, random: rand.New(rand.NewPCG(1, 2))}
	for range endpoints {
		s.all = append(s.all, newEndpoint(t))
	}
	quiet := slog.New(slog.DiscardHandler)
	s.files = descriptors()
	s.registry = upstream.NewRegistry(upstream.Config{Logger: quiet})
	options := model.DefaultOptions()
	options.ReadTimeout = 500 * time.Millisecond
	options.Retry.Tries = 0
	policy := model.DefaultPolicy()
	policy.Health.MaxFailures = 3
	policy.Health.EjectionTime = time.Second
	config := &model.Config{
		Hosts:     []model.Host{{Routes: []model.Route{{Path: "/", Upstream: key, Options: options}}}},
		Upstreams: []model.Upstream{{Key: key, Policy: policy}},
		Listener:  model.DefaultListener(),
	}
	m := metrics.New(metrics.Labels{})
	snap, err := snapshot.Compile(config, nil, s.registry, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(snap)
	s.publish(s.all)
	ln, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	s.server = downstream.New(downstream.Config{
		Handler: proxy.New(proxy.Config{Current: current, Metrics: m, Logger: quiet}), Logger: quiet,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.registry.Run(ctx) })
	wg.Go(func() { _ = s.server.Serve(ln) })
	s.stop = func() {
		_ = s.server.Close()
		cancel()
		wg.Wait()
	}
	return s
}

// publish makes these the endpoints of the upstream.
func (s *site) publish(list []*endpoint) {
	addresses := make([]model.Endpoint, len(list))
	for i, e := range list {
		addresses[i].Addr = e.addr
	}
	s.registry.SetEndpoints(model.Endpoints{key: addresses})
}

// torment does something to one endpoint after another until ctx ends. Those after
// the first sound ones suffer, and get well again before the next turn.
func (s *site) torment(ctx context.Context) {
	victims := s.all[sound:]
	removed := make(map[*endpoint]bool)
	republish := func() {
		var list []*endpoint
		for _, e := range s.all {
			if !removed[e] {
				list = append(list, e)
			}
		}
		s.publish(list)
	}
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e := victims[s.random.IntN(len(victims))]
		switch {
		case removed[e]:
			delete(removed, e)
			republish()
			s.done["add"]++
		default:
			if e.revive() != nil {
				continue // its port is not free yet
			}
			e.goOn()
			switch s.random.IntN(3) {
			case 0:
				e.kill()
				s.done["kill"]++
			case 1:
				e.stall()
				s.done["stall"]++
			case 2:
				removed[e] = true
				republish()
				s.done["remove"]++
			}
		}
	}
}

// load sends requests that may be repeated, one after the other, until ctx ends.
func (s *site) load(ctx context.Context, number int, requests, failed *atomic.Int64) {
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
	methods := []string{"GET", "PUT", "DELETE", "OPTIONS"}
	for i := 0; ctx.Err() == nil; i++ {
		method := methods[i%len(methods)]
		length := 0
		if method == "PUT" {
			length = 1 + i%5000
		}
		path := fmt.Sprintf("/%d/%d", number, i)
		requests.Add(1)
		if err := s.one(client, method, path, length); err != nil {
			failed.Add(1)
			fmt.Fprintln(os.Stderr, "failed:", method, path, err)
		}
	}
}

func (s *site) one(client *http.Client, method, path string, length int) error {
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(strings.Repeat("x", length)))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%s %s %d\n", method, path, length); resp.StatusCode != 200 || string(body) != want {
		return fmt.Errorf("%d %.60q, want %q", resp.StatusCode, body, want)
	}
	return nil
}

// end stops everything and wants nothing to be left.
func (s *site) end(t *testing.T) {
	for _, e := range s.all {
		e.stop(t)
	}
	inUse := func() (n int) {
		stats := s.registry.Stats()[0]
		for _, e := range stats.Endpoints {
			n += e.Active + e.Attempts
		}
		return n + stats.Exchanges
	}
	for deadline := time.Now().Add(5 * time.Second); inUse() != 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := inUse(); n != 0 {
		t.Errorf("%d exchanges and connections are still counted", n)
	}
	s.stop()
	var used int64
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		used = 0
		for _, m := range alloc.ReadStats() {
			used += m.BytesInUse
		}
		if used == 0 && descriptors() <= s.files-endpoints {
			break
		}
	}
	if used != 0 {
		t.Errorf("%d bytes are still in use", used)
	}
	if n := descriptors(); n > s.files-endpoints {
		t.Errorf("%d descriptors are open, %d were before", n, s.files-endpoints)
	}
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	if mem.HeapAlloc > 64<<20 {
		t.Errorf("%d MiB of heap are left", mem.HeapAlloc>>20)
	}
}

// descriptors counts those of the process that are sockets.
func descriptors() (n int) {
	list, _ := os.ReadDir("/proc/self/fd")
	for _, f := range list {
		if target, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}
