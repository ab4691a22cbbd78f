package upstream

import (
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestConnectionsAreReusedLastFirst(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1)
	e := u.Pick(&Choice{})
	a, b := get(t, e), get(t, e)
	if a.Reused() || b.Reused() {
		t.Fatal("a new connection counts as reused")
	}
	e.Put(a)
	e.Put(b)
	if c := get(t, e); c != b || !c.Reused() {
		t.Fatal("not the one that was used last")
	}
	if c := get(t, e); c != a {
		t.Fatal("not the other one")
	}
	if s := r.Stats()[0].Endpoints[0]; s.Active != 2 || s.Idle != 0 || s.Created != 2 || s.Reused != 2 {
		t.Errorf("stats: %+v", s)
	}
	e.Put(a)
	e.Discard(b, ClosedFailed)
	fresh, err := e.Get(&Want{Connect: time.Second, Fresh: true})
	if err != nil || fresh == a || fresh.Reused() {
		t.Fatalf("not a new connection: %v", err)
	}
	e.Put(fresh)
	if s := r.Stats()[0]; s.Endpoints[0].Idle != 2 || s.Endpoints[0].Active != 0 || s.Closed[ClosedFailed] != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// A connection on which something arrived, be it an end, is not used again.
func TestStaleConnectionsAreNotUsed(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(n *network)
		why  Reason
	}{
		{"closed", func(n *network) { n.last(1).Close() }, ClosedByPeer},
		{"a byte", func(n *network) { n.last(1).Write([]byte("H")) }, ClosedUnasked},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t)
			r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
			e := u.Pick(&Choice{})
			first := get(t, e)
			e.Put(first)
			c.do(n)
			time.Sleep(20 * time.Millisecond)
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

func TestPoolKeepsNoMoreThanItMay(t *testing.T) {
	pool := model.DefaultPolicy().Pool
	pool.IdleConnections = 2
	r, u := newRegistry(t, newNetwork(t), pool, 1)
	e := u.Pick(&Choice{})
	var conns []*Conn
	for range 5 {
		conns = append(conns, get(t, e))
	}
	for _, c := range conns {
		e.Put(c)
	}
	if s := r.Stats()[0]; s.Endpoints[0].Idle != 2 || s.Closed[ClosedPoolFull] != 3 {
		t.Errorf("stats: %+v", s)
	}
	// New settings hold from now on, for the same connections.
	pool.IdleConnections = 0
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.Policy{Pool: pool}}})
	e.Put(get(t, e))
	if s := r.Stats()[0]; s.Closed[ClosedPoolFull] != 4 {
		t.Errorf("stats after the change: %+v", s)
	}
}

func TestConnectionsWearOut(t *testing.T) {
	pool := model.DefaultPolicy().Pool
	pool.MaxRequests = 3
	r, u := newRegistry(t, newNetwork(t), pool, 1)
	e := u.Pick(&Choice{})
	for range 9 {
		e.Put(get(t, e))
	}
	if s := r.Stats()[0]; s.Created != 3 || s.Closed[ClosedMaxRequests] != 3 {
		t.Errorf("stats: %+v", s)
	}
}

func TestIdleAndOldConnectionsAreClosed(t *testing.T) {
	for _, c := range []struct {
		name string
		pool model.Pool
		why  Reason
	}{
		{"idle", model.Pool{IdleConnections: 10, IdleTimeout: 100 * time.Millisecond}, ClosedIdle},
		{"old", model.Pool{IdleConnections: 10, MaxAge: 100 * time.Millisecond}, ClosedMaxAge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			r, u := newRegistry(t, n, c.pool, 1)
			run(t, r)
			e := u.Pick(&Choice{})
			e.Put(get(t, e))
			if !closedWithin(n.last(1), 3*time.Second) {
				t.Fatal("not closed")
			}
			if s := r.Stats()[0]; s.Closed[c.why] != 1 || s.Endpoints[0].Idle != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func TestDeadlinesEndWithTheExchange(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
	run(t, r)
	e := u.Pick(&Choice{})
	c := get(t, e)
	c.ReadWithin(100 * time.Millisecond)
	c.WriteWithin(100 * time.Millisecond)
	e.Put(c)
	time.Sleep(300 * time.Millisecond)
	if again := get(t, e); again != c {
		t.Fatal("a deadline of the last exchange closed the connection")
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	e.Discard(c, ClosedUnfinished)
}

func TestGetAndPutDoNotAllocate(t *testing.T) {
	_, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1)
	e := u.Pick(&Choice{})
	e.Put(get(t, e))
	if n := testing.AllocsPerRun(100, func() {
		c, err := e.Get(&Want{Connect: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		e.Put(c)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A connection that comes back while its endpoint is removed must not be kept:
// nothing would ever close it.
func TestRetiredEndpointKeepsNothing(t *testing.T) {
	_, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1)
	e := u.Pick(&Choice{})
	var idle, busy []*Conn
	for range 40 {
		idle, busy = append(idle, get(t, e)), append(busy, get(t, e))
	}
	for _, c := range idle {
		e.Put(c)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, c := range busy {
			time.Sleep(10 * time.Microsecond)
			e.Put(c)
		}
	})
	e.retire()
	wg.Wait()
	if n := len(e.idle); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

// The exchange that finds out whether an endpoint is back has to connect to it: a
// connection from before must not be there to be used.
func TestLeftOutEndpointKeepsNothing(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	e := u.endpoints()[0]
	busy := get(t, e)
	n.refuse(1, errRefused)
	if _, err := e.Get(&Want{Connect: time.Second, Fresh: true}); err == nil {
		t.Fatal("connected")
	}
	e.Put(busy)
	n.refuse(1, nil)
	r.pass(firstPause + time.Millisecond)
	if !e.available() {
		t.Fatal("left out after its pause")
	}
	e.Put(get(t, e))
	if s := r.Stats()[0].Endpoints[0]; s.Out || s.Idle != 1 || s.Closed[ClosedUnhealthy] != 1 {
		t.Errorf("after a request was served: %+v", s)
	}
}

// Exchanges, changes and statistics at the same time: for the race detector, and
// the books must be even at the end.
func TestUseWhileEndpointsChange(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.Pool{IdleConnections: 3}, 1, 2, 3)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				e := u.Pick(&Choice{})
				c, err := e.Get(&Want{Connect: time.Second, Fresh: i%10 == 0})
				if err != nil {
					t.Error(err)
					return
				}
				if i%7 == 0 {
					e.Discard(c, ClosedFailed)
				} else {
					e.Put(c)
				}
			}
		})
	}
	for i := range 100 {
		r.SetEndpoints(model.Endpoints{shop: endpoints(1+i%3, 4+i%2, 7)})
		r.Stats()
	}
	wg.Wait()
	s := r.Stats()[0]
	open, closed := 0, uint64(0)
	for _, e := range s.Endpoints {
		open += e.Idle + e.Active
	}
	for _, c := range s.Closed {
		closed += c
	}
	if s.Created != closed+uint64(open) {
		t.Errorf("%d created, %d closed, %d open", s.Created, closed, open)
	}
	if s.Created+s.Reused != 800 {
		t.Errorf("%d created and %d reused for 800 exchanges", s.Created, s.Reused)
	}
}

func BenchmarkGetPut(b *testing.B) {
	_, u := newRegistry(b, newNetwork(b), model.DefaultPolicy().Pool, 1, 2, 3)
	b.ReportAllocs()
	for b.Loop() {
		e := u.Pick(&Choice{})
		c, err := e.Get(&Want{Connect: time.Second})
		if err != nil {
			b.Fatal(err)
		}
		e.Put(c)
	}
}
