package upstream

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func warmPool(n int) model.Pool {
	pool := model.DefaultPolicy().Pool
	pool.Prewarm = n
	return pool
}

// idleAt is how many idle connections the i-th endpoint of the list has.
func idleAt(u *Upstream, i int) int {
	e := u.endpoints()[i]
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.idle)
}

func TestNewEndpointsHaveConnections(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, warmPool(3), 1, 2)
	run(t, r)
	for i := range 2 {
		eventually(t, "there are three connections", func() bool { return idleAt(u, i) == 3 })
	}
	r.SetEndpoints(model.Endpoints{shop: endpoints(1, 2, 3)})
	eventually(t, "the new one has three", func() bool { return idleAt(u, 2) == 3 })
	e := u.endpoints()[2]
	c := get(t, e)
	if !c.Reused() {
		t.Error("not one that was there before")
	}
	// One that is in use counts; one that the peer closes is replaced.
	e.Put(c)
	n.mu.Lock()
	n.peers[addr(3)][0].Close()
	n.mu.Unlock()
	eventually(t, "there are four, one of them closed", func() bool {
		s := r.Stats()[0].Endpoints[2]
		return s.Prewarmed == 4 && s.Created == 4 && s.Idle == 3 && s.Closed[ClosedByPeer] == 1
	})
	if s := r.Stats()[0].Endpoints[2]; s.Reused != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestWhereNothingIsPrewarmed(t *testing.T) {
	n := newNetwork(t)
	pool := warmPool(5)
	pool.IdleConnections, pool.MaxConnections = 4, 2
	r, u := newRegistry(t, n, pool, 1, 2)
	n.refuse(2, errRefused)
	proxied := model.UpstreamKey{Namespace: "default", Service: "proxied", Port: "80"}
	policy := model.DefaultPolicy()
	policy.Pool = warmPool(1)
	policy.Transport.ProxyProtocol = 1
	p := r.Upstream(Spec{Upstream: model.Upstream{Key: proxied, Policy: policy}})
	r.SetEndpoints(model.Endpoints{shop: endpoints(1, 2), proxied: endpoints(3)})
	run(t, r)
	eventually(t, "the limit is reached", func() bool { return idleAt(u, 0) == 2 })
	eventually(t, "the other is left out", func() bool { return r.Stats()[1].Endpoints[1].Out })
	r.prewarmSoon()
	time.Sleep(50 * time.Millisecond)
	if s := r.Stats()[1]; s.Endpoints[0].Created != 2 || s.Endpoints[1].Failed != 1 {
		t.Errorf("stats: %+v", s)
	}
	if idleAt(p, 0) != 0 || r.Stats()[0].Prewarmed != 0 {
		t.Error("a connection that begins with a PROXY header was made in advance")
	}
}

func TestPrewarmOfHTTP2(t *testing.T) {
	p := newPeers(t, handled(&http2.Server{}, func(http.ResponseWriter, *http.Request) {}))
	r, e := h2Registry(t, p, func(p *model.Policy) { p.Pool = warmPool(4) })
	run(t, r)
	eventually(t, "there is a connection", func() bool { return r.Stats()[0].Endpoints[0].Idle == 1 })
	s := stream(t, e)
	if !s.Reused() {
		t.Error("not the one that was there before")
	}
	if status, _, err := over(s); status != 200 {
		t.Errorf("status %d, %v", status, err)
	}
	if s := r.Stats()[0].Endpoints[0]; s.Prewarmed != 1 || s.Created != 1 || s.Reused != 0 || p.count() != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// The end of the registry ends what is being made.
func TestPrewarmEndsWithTheRegistry(t *testing.T) {
	begun := make(chan struct{}, 100)
	n := newNetwork(t)
	r, u := newRegistry(t, n, warmPool(2), 1)
	r.config.Dial = func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	stop := run(t, r)
	<-begun
	e := u.endpoints()[0]
	stop()
	if e.health.until.Load() != 0 || e.making != 0 {
		t.Error("the end counts as a failure of the endpoint")
	}
}
