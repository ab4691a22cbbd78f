package upstream

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestPickTakesTurns(t *testing.T) {
	_, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1, 2, 3)
	count := map[*Endpoint]int{}
	var before *Endpoint
	for range 300 {
		e := u.Pick(&Choice{})
		if e == before {
			t.Fatal("the same endpoint twice in a row")
		}
		before = e
		count[e]++
	}
	for e, n := range count {
		if n != 100 {
			t.Errorf("%v was picked %d times of 300", e.Addr(), n)
		}
	}
}

func TestPickAmongTried(t *testing.T) {
	_, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1, 2, 3)
	for range 10 {
		a := u.Pick(&Choice{})
		b := u.Pick(&Choice{Tried: []*Endpoint{a}})
		c := u.Pick(&Choice{Tried: []*Endpoint{a, b}})
		if a == b || a == c || b == c {
			t.Fatal("an endpoint was picked again while another one was untried")
		}
		if d := u.Pick(&Choice{Tried: []*Endpoint{a, b, c}}); d == c || d == nil {
			t.Fatal("when all were tried, the last one must not be picked again")
		}
	}
}

func TestPickWithoutChoice(t *testing.T) {
	r, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool)
	if u.Pick(&Choice{}) != nil {
		t.Fatal("an endpoint where there is none")
	}
	r.SetEndpoints(model.Endpoints{shop: endpoints(1)})
	e := u.Pick(&Choice{})
	if e == nil || u.Pick(&Choice{Tried: []*Endpoint{e}}) != e {
		t.Fatal("the only endpoint must be picked, even again")
	}
}

func TestEndpointThatRefusesIsLeftOut(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	bad := u.endpoints()[0]
	n.refuse(1, errRefused)

	pause := time.Second
	for range 8 {
		if _, err := bad.Get(&Want{Connect: time.Second}); err == nil {
			t.Fatal("connected")
		}
		for range 20 {
			if u.Pick(&Choice{}) == bad {
				t.Fatalf("picked although left out for %v", pause)
			}
		}
		r.pass(pause - 100*time.Millisecond)
		for range 2 { // one turn of the round robin
			if u.Pick(&Choice{}) == bad {
				t.Fatalf("picked before %v had passed", pause)
			}
		}
		r.pass(200 * time.Millisecond)
		probes := 0
		for range 20 {
			if u.Pick(&Choice{}) == bad {
				probes++
			}
		}
		if probes != 1 {
			t.Fatalf("%d requests find out whether it is back after %v, want 1", probes, pause)
		}
		pause = min(2*pause, 30*time.Second)
	}

	n.refuse(1, nil)
	bad.Put(get(t, bad))
	count := 0
	for range 20 {
		if u.Pick(&Choice{}) == bad {
			count++
		}
	}
	if count != 10 {
		t.Fatalf("picked %d times of 20 after it came back", count)
	}
	if s := r.Stats()[0].Endpoints[0]; s.Failed != 8 || s.Out {
		t.Errorf("stats: %+v", s)
	}
}

// Many requests that fail at once are one failure: the endpoint is out for one
// second, not for thirty.
func TestBurstOfFailuresIsOne(t *testing.T) {
	n := newNetwork(t)
	r, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	bad := u.endpoints()[0]
	begun := r.clock()
	for range 20 {
		bad.leaveOut(begun, errRefused)
	}
	r.pass(firstPause + 10*time.Millisecond)
	if !bad.available() {
		t.Fatal("still left out after the first pause")
	}
}

func TestAllLeftOutAreAllUsed(t *testing.T) {
	n := newNetwork(t)
	_, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2, 3)
	for i, e := range u.endpoints() {
		n.refuse(i+1, errRefused)
		_, _ = e.Get(&Want{Connect: time.Second})
	}
	seen := map[*Endpoint]bool{}
	for range 3 {
		seen[u.Pick(&Choice{})] = true
	}
	if len(seen) != 3 {
		t.Fatalf("%d of 3 endpoints are used when all are left out", len(seen))
	}
}

func TestConnectTimeout(t *testing.T) {
	n := newNetwork(t)
	_, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1)
	n.refuse(1, context.DeadlineExceeded)
	begun := time.Now()
	_, err := u.Pick(&Choice{}).Get(&Want{Connect: 50 * time.Millisecond})
	if !errors.Is(err, ErrConnectTimeout) || time.Since(begun) > time.Second {
		t.Fatalf("%v after %v", err, time.Since(begun))
	}
}

// Running out of descriptors is our own trouble.
func TestLocalFailureIsNotTheEndpoints(t *testing.T) {
	n := newNetwork(t)
	_, u := newRegistry(t, n, model.DefaultPolicy().Pool, 1, 2)
	e := u.endpoints()[0]
	n.refuse(1, syscall.EMFILE)
	if _, err := e.Get(&Want{Connect: time.Second}); !errors.Is(err, syscall.EMFILE) {
		t.Fatal(err)
	}
	if !e.available() {
		t.Fatal("left out")
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	_, u := newRegistry(t, newNetwork(t), model.DefaultPolicy().Pool, 1, 2, 3)
	var tried [1]*Endpoint
	if n := testing.AllocsPerRun(100, func() {
		tried[0] = u.Pick(&Choice{})
		u.Pick(&Choice{Tried: tried[:]})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
