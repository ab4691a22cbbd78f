package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestLookup(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1)
	if r.Lookup(shop) != u {
		t.Error("another upstream")
	}
	if r.Lookup(model.UpstreamKey{Service: "other"}) != nil {
		t.Error("an upstream that nobody registered")
	}
}

// A stream counts, and is none of the pool's.
func TestStream(t *testing.T) {
	n := newNetwork(t)
	pool := model.DefaultPolicy().Pool
	pool.MaxConnections = 1
	r, u := newRegistry(t, n, pool, 1)
	run(t, r)
	e := u.Pick(&Choice{})
	one, err := e.Dial(context.Background(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	two, err := e.Dial(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stats()[0].Endpoints[0]; s.Active != 2 || s.Created != 2 || e.busyness() != 2 {
		t.Errorf("%+v, busy with %v", s, e.busyness())
	}
	two.ReadWithin(50 * time.Millisecond)
	if _, err := two.Read(make([]byte, 1)); err == nil {
		t.Error("the deadline is not kept")
	}
	one.Done(ClosedTunnel)
	two.Done(ClosedFailed)
	if s := r.Stats()[0]; s.Endpoints[0].Active != 0 || s.Endpoints[0].Idle != 0 || s.Closed[ClosedTunnel] != 1 || s.Closed[ClosedFailed] != 1 || e.busyness() != 0 {
		t.Errorf("%+v, busy with %v", s, e.busyness())
	}
	if !closedWithin(n.last(1), 5*time.Second) {
		t.Error("it is not closed")
	}
}

func TestStreamFails(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	bad := u.endpoints()[0]
	n.refuse(1, syscall.EMFILE)
	if _, err := bad.Dial(context.Background(), time.Second); !errors.Is(err, syscall.EMFILE) || bad.health.until.Load() != 0 {
		t.Errorf("our own lack of descriptors: %v, left out %d", err, bad.health.until.Load())
	}
	n.refuse(1, context.DeadlineExceeded)
	gone, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := bad.Dial(gone, time.Minute); err == nil || bad.health.until.Load() != 0 {
		t.Errorf("a client that left: %v, left out %d", err, bad.health.until.Load())
	}
	if _, err := bad.Dial(context.Background(), 10*time.Millisecond); err == nil || bad.health.until.Load() == 0 {
		t.Errorf("an endpoint that is too slow: %v, left out %d", err, bad.health.until.Load())
	}
	n.refuse(1, nil)
	c, err := bad.Dial(context.Background(), time.Second)
	if err != nil || bad.health.until.Load() != 0 {
		t.Fatalf("an endpoint that came back: %v, left out %d", err, bad.health.until.Load())
	}
	c.Done(ClosedTunnel)
	if s := r.Stats()[0].Endpoints[0]; s.Active != 0 || s.Failed != 2 {
		t.Errorf("%+v", s)
	}
}

func TestDatagrams(t *testing.T) {
	service, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	r := NewRegistry(Config{})
	r.SetEndpoints(model.Endpoints{shop: {{Addr: netip.MustParseAddrPort(service.LocalAddr().String())}}})
	u := r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: model.DefaultPolicy()}})
	t.Cleanup(r.close)
	e := u.Pick(&Choice{})
	d, err := e.Datagrams()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = service.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, _, err := service.ReadFrom(make([]byte, 9)); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if s := r.Stats()[0].Endpoints[0]; s.Active != 1 || s.Created != 1 || d.Removed() {
		t.Errorf("%+v, removed %v", s, d.Removed())
	}
	d.Refused(errRefused)
	if !r.Stats()[0].Endpoints[0].Out {
		t.Error("an endpoint that refuses is not left out")
	}
	d.Answered()
	if r.Stats()[0].Endpoints[0].Out {
		t.Error("an endpoint that answers is left out")
	}
	r.SetEndpoints(model.Endpoints{})
	if !d.Removed() {
		t.Error("nothing tells that the endpoint is gone")
	}
	d.Done()
	d.Done()
	if s := r.Stats()[0]; s.Closed[ClosedTunnel] != 1 || s.Created != 1 {
		t.Errorf("%+v", s)
	}
}
