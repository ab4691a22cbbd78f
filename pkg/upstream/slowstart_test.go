package upstream

import (
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// The share of an endpoint that comes to others grows from a tenth of its part, in
// every way to choose that has no keys.
func TestSlowStart(t *testing.T) {
	for _, way := range ways[:4] {
		t.Run(way.name, func(t *testing.T) {
			b := way.balance
			b.SlowStart = time.Minute
			r, u := balanced(t, b, 3)
			even := []float64{1. / 3, 1. / 3, 1. / 3}
			if got := shares(u, 20000, way.choose); !near(got, even, 0.15) {
				t.Fatalf("shares %.3f of the first endpoints", got)
			}
			r.SetEndpoints(model.Endpoints{shop: many(4)})
			fresh := u.endpoints()[3]
			last := 0.0
			for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
				fresh.begun.Store(int64(fresh.now()) - int64(part*float64(time.Minute)))
				got := shares(u, 20000, way.choose)[3]
				factor := max(0.1, part)
				want := factor / (3 + factor)
				if got < 0.75*want || got > 1.25*want || got <= last {
					t.Errorf("a share of %.3f at %v, want %.3f", got, part, want)
				}
				last = got
			}
			if fresh.begun.Load() != 0 {
				t.Error("it does not end")
			}
		})
	}
}

func TestSlowStartIsForThoseWhoComeToOthers(t *testing.T) {
	slow := model.Balance{SlowStart: time.Minute}
	starting := func(u *Upstream) (n int) {
		for _, e := range u.endpoints() {
			if e.begun.Load() != 0 {
				n++
			}
		}
		return n
	}
	r, u := balanced(t, slow, 3)
	if n := starting(u); n != 0 {
		t.Errorf("%d of the first endpoints", n)
	}
	r.SetEndpoints(model.Endpoints{shop: many(5)[2:]})
	if n := starting(u); n != 2 {
		t.Errorf("%d of 2 new ones", n)
	}
	r.SetEndpoints(model.Endpoints{shop: many(9)[5:]})
	if n := starting(u); n != 0 {
		t.Errorf("%d of those that replace all others", n)
	}
	r.SetEndpoints(nil)
	r.SetEndpoints(model.Endpoints{shop: many(2)})
	if n := starting(u); n != 0 {
		t.Errorf("%d of those that come when there are none", n)
	}
	// Those that come back.
	e := u.endpoints()[0]
	e.leaveOut(r.clock(), errRefused)
	e.comeBack()
	if starting(u) != 1 {
		t.Error("not after it can be connected to again")
	}
	e.begun.Store(0)
	e.eject(&model.Health{MaxEjected: 100, EjectionTime: time.Second})
	r.pass(2 * time.Second)
	if !e.available() || starting(u) != 1 {
		t.Error("not after the time for its failures")
	}
	// Without the setting it is nothing that could begin later.
	r, u = balanced(t, model.Balance{}, 1)
	r.SetEndpoints(model.Endpoints{shop: many(2)})
	if n := starting(u); n != 0 {
		t.Errorf("%d without a slow start", n)
	}
}
