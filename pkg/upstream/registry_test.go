package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestUnchangedEndpointsKeepTheirConnections(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	kept, gone := u.endpoints()[0], u.endpoints()[1]
	idle := get(t, kept)
	kept.Put(idle)
	gone.Put(get(t, gone))
	goneIdle := n.last(2)
	busy, err := gone.Get(&Want{Connect: time.Second, Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	goneBusy := n.last(2)

	r.SetEndpoints(model.Endpoints{shop: endpoints(1, 3)})
	if u.endpoints()[0] != kept || get(t, kept) != idle {
		t.Error("an endpoint that stayed lost its connection")
	}
	if !closedWithin(goneIdle, time.Second) {
		t.Error("an idle connection of a removed endpoint stays open")
	}
	if closedWithin(goneBusy, 20*time.Millisecond) {
		t.Error("a busy connection of a removed endpoint was closed")
	}
	gone.Put(busy)
	if !closedWithin(goneBusy, time.Second) {
		t.Error("a connection of a removed endpoint was kept when it came back")
	}
	if s := r.Stats()[0]; s.Created != 3 || s.Closed[ClosedRemoved] != 2 || len(s.Endpoints) != 2 {
		t.Errorf("stats: %+v", s)
	}
}

func TestUpstreamSurvivesAndIsDropped(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
	if r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.DefaultPolicy()}}) != u {
		t.Fatal("the same key gave another upstream")
	}
	if u.Key() != shop || u.Name() != "default-shop-80" || u.Len() != 1 {
		t.Errorf("%v %q %d", u.Key(), u.Name(), u.Len())
	}
	e := u.Pick(&Choice{})
	e.Put(get(t, e))
	r.Retain(func(k model.UpstreamKey) bool { return k == shop })
	if closedWithin(n.last(1), 20*time.Millisecond) {
		t.Fatal("an upstream that is wanted lost its connection")
	}
	r.Retain(func(model.UpstreamKey) bool { return false })
	if !closedWithin(n.last(1), time.Second) {
		t.Fatal("an upstream that nobody wants keeps a connection")
	}
	// An exchange of an old snapshot can still be served.
	c := get(t, u.Pick(&Choice{}))
	u.Pick(&Choice{}).Put(c)
	if !closedWithin(n.last(1), time.Second) {
		t.Fatal("a dropped upstream keeps a connection")
	}
	if again := r.Upstream(Spec{Upstream: model.Upstream{Key: shop}}); again == u || again.Len() != 1 {
		t.Fatal("a dropped upstream came back as it was, or without its endpoints")
	}
}

func TestRunClosesIdleConnectionsAtItsEnd(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
	stop := run(t, r)
	e := u.Pick(&Choice{})
	e.Put(get(t, e))
	stop()
	if !closedWithin(n.last(1), time.Second) {
		t.Fatal("not closed")
	}
}

// resolver is a name service for tests.
type resolver struct {
	mu    sync.Mutex
	addrs []netip.Addr
	err   error
}

func (r *resolver) set(err error, addrs ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.addrs = err, nil
	for _, a := range addrs {
		r.addrs = append(r.addrs, netip.MustParseAddr(a))
	}
}

func (r *resolver) lookup(context.Context, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addrs, r.err
}

// waitFor fails unless the upstream gets exactly these endpoints.
func waitFor(t *testing.T, u *Upstream, want ...string) {
	t.Helper()
	var got []string
	for range 200 {
		got = nil
		for _, e := range u.endpoints() {
			got = append(got, e.Addr().String())
		}
		if slices.Equal(got, want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("endpoints %v, want %v", got, want)
}

func TestExternalName(t *testing.T) {
	var names resolver
	names.set(nil, "192.0.2.2", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1")
	r := NewRegistry(Config{Logger: slog.New(slog.DiscardHandler), LookupHost: names.lookup, RefreshInterval: 20 * time.Millisecond})
	run(t, r)
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, ExternalName: "app.example", ExternalPort: 8080, Policy: model.DefaultPolicy()}})
	waitFor(t, u, "192.0.2.1:8080", "192.0.2.2:8080", "[2001:db8::1]:8080")
	first := u.endpoints()[0]

	names.set(nil, "192.0.2.1", "192.0.2.3")
	waitFor(t, u, "192.0.2.1:8080", "192.0.2.3:8080")
	if u.endpoints()[0] != first {
		t.Error("an address that stayed became another endpoint")
	}
	names.set(errors.New("no such host"))
	time.Sleep(60 * time.Millisecond)
	waitFor(t, u, "192.0.2.1:8080", "192.0.2.3:8080")

	// Endpoints that are published are not this upstream's.
	r.SetEndpoints(model.Endpoints{shop: endpoints(9)})
	waitFor(t, u, "192.0.2.1:8080", "192.0.2.3:8080")

	names.set(nil, "127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "100.100.100.200", "fe80::1", "0.0.0.0", "224.0.0.1")
	waitFor(t, u)

	// The Service stops to be one of type ExternalName.
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.DefaultPolicy()}})
	waitFor(t, u, addr(9).String())
}

// A Service that becomes one of type ExternalName, or takes another name, is
// served by what it had until the name is resolved: no request fails in between.
func TestNewExternalNameLeavesNoGap(t *testing.T) {
	type question struct {
		name   string
		answer chan []netip.Addr // closed: there is none
	}
	asked := make(chan question)
	r := NewRegistry(Config{
		Logger: slog.New(slog.DiscardHandler), RefreshInterval: time.Hour,
		LookupHost: func(ctx context.Context, name string) ([]netip.Addr, error) {
			q := question{name, make(chan []netip.Addr)}
			select {
			case asked <- q:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			select {
			case addrs, ok := <-q.answer:
				if ok {
					return addrs, nil
				}
				return nil, errors.New("no such host")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	})
	run(t, r)
	r.SetEndpoints(model.Endpoints{shop: endpoints(9)})
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.DefaultPolicy()}})
	set := func(name string) question {
		t.Helper()
		r.Upstream(Spec{Upstream: model.Upstream{Key: shop, ExternalName: name, ExternalPort: 80, Policy: model.DefaultPolicy()}})
		q := <-asked
		if q.name != name {
			t.Fatalf("%s is looked up, not %s", q.name, name)
		}
		return q
	}
	q := set("one.example")
	waitFor(t, u, addr(9).String())
	q.answer <- []netip.Addr{addr(1).Addr()}
	waitFor(t, u, addr(1).String())

	q = set("two.example")
	waitFor(t, u, addr(1).String())
	q.answer <- []netip.Addr{addr(2).Addr()}
	waitFor(t, u, addr(2).String())

	// The Service does not want the address before any more.
	q = set("none.example")
	close(q.answer)
	waitFor(t, u)
}

// One name that takes long must not hold up the others.
func TestSlowNameHoldsUpNoOther(t *testing.T) {
	r := NewRegistry(Config{
		Logger: slog.New(slog.DiscardHandler), RefreshInterval: time.Hour,
		LookupHost: func(ctx context.Context, name string) ([]netip.Addr, error) {
			if name == "slow.example" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []netip.Addr{addr(1).Addr()}, nil
		},
	})
	r.Upstream(Spec{Upstream: model.Upstream{Key: model.UpstreamKey{Namespace: "default", Service: "slow", Port: "80"}, ExternalName: "slow.example", ExternalPort: 80}})
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, ExternalName: "app.example", ExternalPort: 80}})
	run(t, r)
	waitFor(t, u, addr(1).String())
}

func TestReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range Reasons {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("reason %d is called %q", r, r)
		}
		seen[r.String()] = true
	}
}
