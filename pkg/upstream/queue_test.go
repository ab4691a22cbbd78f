package upstream

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/wait"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// eventually fails the test unless ok becomes true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	wait.For(t, 20*time.Second, what, ok)
}

// limited is a pool of at most most connections for which others may wait.
func limited(most int) model.Pool {
	return model.Pool{IdleConnections: 100, MaxConnections: most, MaxPending: 1000, PendingTimeout: time.Minute}
}

// answer is what a Get in another goroutine came to.
type answer struct {
	conn *Conn
	err  error
}

// getLater calls Get in another goroutine and returns when it waits.
func getLater(t *testing.T, e *Endpoint, w *Want) chan answer {
	t.Helper()
	before := e.waiting()
	c := make(chan answer, 1)
	go func() {
		conn, err := e.Get(w)
		c <- answer{conn, err}
	}()
	eventually(t, "a request waits", func() bool { return e.waiting() > before })
	return c
}

func (e *Endpoint) waiting() int { return int(e.queue.waiting.Load()) }

// mustGet is the connection that a wait ended with.
func mustGet(t *testing.T, c chan answer) *Conn {
	t.Helper()
	select {
	case a := <-c:
		if a.err != nil {
			t.Fatal(a.err)
		}
		return a.conn
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
		return nil
	}
}

func mustFail(t *testing.T, c chan answer, want error) {
	t.Helper()
	select {
	case a := <-c:
		if !errors.Is(a.err, want) {
			t.Fatalf("%v, want %v", a.err, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
	}
}

func TestThoseThatWaitAreServedInOrder(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), limited(1), 1)
	e := u.Pick(&Choice{})
	held := get(t, e)
	if !e.full() {
		t.Error("not full with all connections in use")
	}
	var served []int
	var mu sync.Mutex
	var wg sync.WaitGroup
	const n = 50
	for i := range n {
		wg.Go(func() {
			c, err := e.Get(&Want{})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			served = append(served, i)
			mu.Unlock()
			if i%3 == 0 {
				e.Discard(c, ClosedFailed) // the next one makes its own
			} else {
				e.Put(c)
			}
		})
		eventually(t, "it waits", func() bool { return e.waiting() == i+1 })
	}
	if s := r.Stats()[0].Endpoints[0]; s.Waiting != n || s.Queued != n {
		t.Errorf("stats: %+v", s)
	}
	e.Put(held)
	wg.Wait()
	for i, got := range served {
		if got != i {
			t.Fatalf("served in the order %v", served)
		}
	}
	if s := r.Stats()[0].Endpoints[0]; s.Waiting != 0 || s.Idle+s.Active > 1 || s.Created != 1+(n+2)/3 {
		t.Errorf("stats: %+v", s)
	}
	if e.full() {
		t.Error("full with nothing in use")
	}
}

// A connection goes straight from one exchange to the next.
func TestConnectionIsHandedOver(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, limited(1), 1)
	e := u.Pick(&Choice{})
	c := get(t, e)
	later := getLater(t, e, &Want{})
	e.Put(c)
	if got := mustGet(t, later); got != c || !got.Reused() {
		t.Fatal("another connection")
	}
	// A connection that went bad is not what one gets, but its place is.
	later = getLater(t, e, &Want{})
	n.last(1).Close()
	time.Sleep(10 * time.Millisecond)
	e.Put(c)
	fresh := mustGet(t, later)
	if fresh == c || fresh.Reused() {
		t.Fatal("a connection that the peer has closed was handed over")
	}
	later = getLater(t, e, &Want{Fresh: true})
	e.Put(fresh)
	last := mustGet(t, later)
	if last == fresh || last.Reused() {
		t.Fatal("not a new connection, which was asked for")
	}
	e.Put(last)
	if s := r.Stats()[0]; s.Created != 3 || s.Reused != 1 || s.Closed[ClosedByPeer] != 1 || s.Closed[ClosedPoolFull] != 1 || s.Endpoints[0].Idle != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// A new connection takes the place of an idle one where there is no other.
func TestNewConnectionReplacesIdleOne(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), limited(2), 1)
	e := u.Pick(&Choice{})
	a, b := get(t, e), get(t, e)
	e.Put(a)
	e.Put(b)
	fresh, err := e.Get(&Want{Fresh: true})
	if err != nil || fresh == a || fresh == b {
		t.Fatal(err)
	}
	if c := get(t, e); c != b {
		t.Fatal("the wrong one was closed")
	}
	if s := r.Stats()[0]; s.Closed[ClosedPoolFull] != 1 || s.Endpoints[0].Active != 2 || s.Endpoints[0].Idle != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestEndOfTheWait(t *testing.T) {
	pool := limited(1)
	pool.MaxPending = 2
	pool.PendingTimeout = 50 * time.Millisecond
	r, u := newRegistry(t, newNetwork(t), pool, 1)
	e := u.Pick(&Choice{})
	c := get(t, e)
	cancel := make(chan struct{})
	first := getLater(t, e, &Want{})
	mustFail(t, first, ErrQueueTimeout)

	pool.PendingTimeout = time.Minute
	policy := model.DefaultPolicy()
	policy.Pool = pool
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	second := getLater(t, e, &Want{Cancel: cancel})
	third := getLater(t, e, &Want{})
	if _, err := e.Get(&Want{}); !errors.Is(err, ErrQueueFull) {
		t.Fatalf("%v, want ErrQueueFull", err)
	}
	close(cancel)
	mustFail(t, second, ErrCanceled)
	e.Put(c)
	if got := mustGet(t, third); got != c {
		t.Fatal("another connection")
	}
	if s := r.Stats()[0]; s.Queued != 3 || s.QueueTimeouts != 1 || s.QueueFull != 1 || s.Endpoints[0].Waiting != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// Nobody waits for an endpoint that is gone.
func TestThoseThatWaitGoElsewhere(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *Registry, e *Endpoint)
	}{
		{"removed", func(r *Registry, _ *Endpoint) { r.SetEndpoints(nil) }},
		{"left out", func(r *Registry, e *Endpoint) { e.leaveOut(r.clock(), errRefused) }},
		{"ejected", func(_ *Registry, e *Endpoint) { e.eject(&model.Health{MaxFailures: 1, MaxEjected: 100}) }},
		{"unhealthy", func(_ *Registry, e *Endpoint) { e.judge(e.check.begin(0, func() {}), errRefused, &model.Check{}) }},
		{"end of the process", func(r *Registry, _ *Endpoint) { r.close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, u := newRegistry(t, newNetwork(t), limited(1), 1, 2)
			e := u.endpoints()[0]
			held := get(t, e)
			var all []chan answer
			for range 5 {
				all = append(all, getLater(t, e, &Want{}))
			}
			c.do(r, e)
			for _, a := range all {
				mustFail(t, a, ErrRetired)
			}
			if e.retired {
				if _, err := e.Get(&Want{}); !errors.Is(err, ErrRetired) {
					t.Errorf("a wait for a removed endpoint: %v", err)
				}
			}
			e.Put(held)
		})
	}
}

// When the one whose turn it is cannot connect, the next one is not forgotten.
func TestFailureToConnectPassesThePlaceOn(t *testing.T) {
	n := newNetwork(t)
	_, u := newRegistry(t, n, limited(1), 1)
	e := u.Pick(&Choice{})
	held := get(t, e)
	n.refuse(1, syscall.EMFILE) // says nothing of the endpoint
	first, second := getLater(t, e, &Want{}), getLater(t, e, &Want{})
	e.Discard(held, ClosedFailed)
	mustFail(t, first, syscall.EMFILE)
	mustFail(t, second, syscall.EMFILE)
	n.refuse(1, nil)
	e.Put(get(t, e))
}

func TestMoreRoomServesThoseThatWait(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), limited(1), 1)
	e := u.Pick(&Choice{})
	get(t, e)
	first, second := getLater(t, e, &Want{}), getLater(t, e, &Want{})
	policy := model.DefaultPolicy()
	policy.Pool = limited(3)
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	a, b := mustGet(t, first), mustGet(t, second)
	// Less room closes what is too much, once it comes back.
	policy.Pool = limited(2)
	r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	e.Put(a)
	e.Put(b)
	if s := r.Stats()[0]; s.Closed[ClosedPoolFull] != 1 || s.Endpoints[0].Idle != 1 || s.Endpoints[0].Active != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// census counts the connections that are open.
type census struct {
	network   *network
	now, most atomic.Int64
}

type countedConn struct {
	net.Conn
	census *census
	once   sync.Once
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.census.now.Add(-1) })
	return err
}

func (c *census) dial(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	now := c.now.Add(1)
	for {
		most := c.most.Load()
		if now <= most || c.most.CompareAndSwap(most, now) {
			break
		}
	}
	nc, err := c.network.dial(ctx, a)
	if err != nil {
		c.now.Add(-1)
		return nil, err
	}
	return &countedConn{Conn: nc, census: c}, nil
}

// Many exchanges that end in all ways: the limit holds all the time, nobody is
// forgotten, and no place is lost.
func TestLimitHoldsUnderLoad(t *testing.T) {
	const most = 7
	c := &census{network: newNetwork(t)}
	r := NewRegistry(Config{Logger: slog.New(slog.DiscardHandler), Dial: c.dial})
	t.Cleanup(r.close)
	policy := model.DefaultPolicy()
	policy.Pool = limited(most)
	policy.Pool.IdleConnections = 5
	policy.Pool.MaxRequests = 20
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
	r.SetEndpoints(model.Endpoints{shop: endpoints(1)})
	e := u.Pick(&Choice{})
	var wg sync.WaitGroup
	var served atomic.Int64
	for range 64 {
		wg.Go(func() {
			for i := range 40 {
				cancel := make(chan struct{})
				var timer *time.Timer
				if i%5 == 0 {
					timer = time.AfterFunc(time.Duration(rand.IntN(500))*time.Microsecond, func() { close(cancel) })
				}
				conn, err := e.Get(&Want{Fresh: i%11 == 0, Cancel: cancel})
				if timer != nil {
					timer.Stop()
				}
				switch {
				case errors.Is(err, ErrCanceled):
				case err != nil:
					t.Error(err)
				case i%7 == 0:
					e.Discard(conn, ClosedFailed)
					served.Add(1)
				default:
					e.Put(conn)
					served.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got := c.most.Load(); got > most {
		t.Errorf("%d connections were open at a time", got)
	}
	s := r.Stats()[0]
	es := s.Endpoints[0]
	closed := uint64(0)
	for _, n := range s.Closed {
		closed += n
	}
	if es.Active != 0 || es.Waiting != 0 || e.making != 0 || es.Idle > 5 || int64(es.Idle) != c.now.Load() || s.Created != closed+uint64(es.Idle) {
		t.Errorf("%d open, %d being made, stats: %+v", c.now.Load(), e.making, s)
	}
	if s.Created+s.Reused < uint64(served.Load()) {
		t.Errorf("%d created and %d reused for %d exchanges", s.Created, s.Reused, served.Load())
	}
	for range most { // all places are there
		get(t, e)
	}
}

func BenchmarkGetPutParallel(b *testing.B) {
	_, u := newRegistry(b, newNetwork(b), model.DefaultPolicy().Pool, 1)
	e := u.Pick(&Choice{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := &Want{Connect: time.Second}
		for pb.Next() {
			c, err := e.Get(w)
			if err != nil {
				b.Error(err)
				return
			}
			e.Put(c)
		}
	})
}
