package upstream

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

const someKeys = 20000

// owners is where each of some keys goes.
func owners(u *Upstream) []*Endpoint {
	list := make([]*Endpoint, someKeys)
	for key := range list {
		list[key] = u.Pick(&Choice{Key: uint64(key), Keyed: true})
	}
	return list
}

func hashed(t testing.TB, n int, weights ...uint16) (*Registry, *Upstream) {
	return balanced(t, model.Balance{HashBy: "$request_uri"}, n, weights...)
}

// An endpoint that goes takes its own keys along and no others.
func TestRemovedEndpointMovesItsKeysOnly(t *testing.T) {
	for _, n := range []int{2, 3, 10, 50, 300} {
		r, u := hashed(t, n)
		gone := u.endpoints()[n/2]
		before := owners(u)
		r.SetEndpoints(model.Endpoints{shop: slices.Delete(many(n), n/2, n/2+1)})
		after := owners(u)
		moved := 0
		for key := range before {
			if before[key] != after[key] {
				moved++
				if before[key] != gone {
					t.Fatalf("of %d: a key of another endpoint moved", n)
				}
			} else if after[key] == gone {
				t.Fatalf("of %d: a key is still there", n)
			}
		}
		if part := float64(moved) / someKeys; part > 1.3/float64(n) {
			t.Errorf("of %d: %.4f of the keys moved, 1/n is %.4f", n, part, 1/float64(n))
		}
		// One that comes takes keys for itself alone.
		r.SetEndpoints(model.Endpoints{shop: many(n)})
		for key, e := range owners(u) {
			if e != after[key] && e != u.endpoints()[n/2] {
				t.Fatalf("of %d: a key moved among the old ones", n)
			}
			if e.addr != before[key].addr {
				t.Fatalf("of %d: a key is not back", n)
			}
		}
	}
}

// One that is left out lends its keys, and has them back.
func TestKeysOfALeftOutEndpointComeBack(t *testing.T) {
	r, u := hashed(t, 5)
	out := u.endpoints()[2]
	before := owners(u)
	out.leaveOut(r.clock(), errRefused)
	for key, e := range owners(u) {
		if (e != before[key]) != (before[key] == out) {
			t.Fatal("not just the keys of the one that is left out have moved")
		}
	}
	out.comeBack()
	if !slices.Equal(owners(u), before) {
		t.Error("keys have not come back")
	}
}

// Replicas send a key to the same endpoint, and an attempt after a failed one goes to
// the same one as well.
func TestReplicasAgreeOnKeys(t *testing.T) {
	_, a := hashed(t, 7, 1, 2, 3)
	_, b := hashed(t, 7, 1, 2, 3)
	for key := range uint64(2000) {
		first := Choice{Key: key, Keyed: true}
		second := first
		x, y := a.Pick(&first), b.Pick(&second)
		first.Tried, second.Tried = []*Endpoint{x}, []*Endpoint{y}
		if x.addr != y.addr || a.Pick(&first).addr != b.Pick(&second).addr {
			t.Fatal("replicas do not agree")
		}
	}
}

func TestKeyWithoutARing(t *testing.T) {
	_, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, 2)
	if got := shares(u, 100, func(c *Choice) { c.Key, c.Keyed = 1, true }); got[0] != 0.5 {
		t.Errorf("shares %v", got)
	}
	_, u = hashed(t, 2)
	if got := shares(u, 100, func(*Choice) {}); got[0] != 0.5 {
		t.Errorf("shares %v without a key", got)
	}
}

func TestRingIsBounded(t *testing.T) {
	heavy := make([]uint16, 100)
	for i := range heavy {
		heavy[i] = math.MaxUint16
	}
	heavy[0] = 1
	for _, c := range []struct {
		n       int
		weights []uint16
		most    int
	}{
		{100, nil, 16000}, {1638, nil, mostPoints}, {1639, nil, mostPoints}, {5000, nil, mostPoints + 5000},
		{100, heavy, mostPoints + 100}, {300000, nil, 2 * 300000},
	} {
		_, u := hashed(t, 0)
		list := make([]*Endpoint, c.n)
		for i, m := range many(c.n, c.weights...) {
			list[i] = &Endpoint{upstream: u, addr: m.Addr}
			list[i].weight.Store(weightOf(m))
		}
		s := newSet(list, u.balance())
		has := make([]bool, c.n)
		for _, point := range s.ring {
			has[uint32(point)] = true
		}
		if len(s.ring) > c.most || slices.Contains(has, false) || !slices.IsSorted(s.ring) {
			t.Errorf("%d points for %d endpoints", len(s.ring), c.n)
		}
	}
}

// An endpoint's part of all keys is the length of its arcs. With 160 points each they
// differ by 8 % in the usual case.
func TestKeysAreSpread(t *testing.T) {
	for _, c := range []struct {
		n    int
		most float64 // the greatest part beside the mean
	}{{3, 1.2}, {50, 1.3}, {409, 1.35}, {1638, 1.4}, {5000, 1.8}} {
		_, u := hashed(t, c.n)
		s := newSet(u.endpoints(), u.balance())
		parts := make([]float64, c.n)
		before := s.ring[len(s.ring)-1]
		for _, point := range s.ring {
			parts[uint32(point)] += float64(uint32(point>>32) - uint32(before>>32)) // around the ring
			before = point
		}
		if greatest := slices.Max(parts) / (1 << 32) * float64(c.n); greatest > c.most {
			t.Errorf("of %d endpoints one has %.2f times the mean of keys", c.n, greatest)
		} else {
			t.Logf("%d: %.2f", c.n, greatest)
		}
	}
}

// No endpoint gets more than its part of the load by however much its keys are asked
// for.
func TestHashLoadIsBounded(t *testing.T) {
	const percent = 125
	r, u := balanced(t, model.Balance{HashBy: "$uri", HashLoad: percent}, 10)
	owner := u.Pick(&Choice{Key: 1, Keyed: true})
	if owner != u.Pick(&Choice{Key: 1, Keyed: true}) {
		t.Fatal("a key moves without load")
	}
	list := u.endpoints()
	for i := range 1000 {
		u.Enter()
		e := u.Pick(&Choice{Key: 1, Keyed: true})
		if i == 0 && e != owner {
			t.Error("the first one is not at the owner")
		}
		e.Begin()
		if most := math.Ceil(percent / 100.0 * float64(i+1) / float64(len(list))); e.busyness() > most {
			t.Fatalf("%v of %d exchanges, at most %v may be", e.busyness(), i+1, most)
		}
	}
	if owner.busyness() != 125 {
		t.Errorf("the owner has %v of 1000", owner.busyness())
	}
	// When those that can be used all have more than that, the least loaded is used.
	for _, e := range list {
		if e != list[0] && e != list[1] {
			e.leaveOut(r.clock(), errRefused)
		}
	}
	for range 500 {
		u.Enter()
		u.Pick(&Choice{Key: 1, Keyed: true}).Begin()
	}
	if a, b := list[0].busyness(), list[1].busyness(); math.Abs(a-b) > 1 {
		t.Errorf("%v and %v exchanges", a, b)
	}
}

func TestHashLoadFollowsWeights(t *testing.T) {
	_, u := balanced(t, model.Balance{HashBy: "$uri", HashLoad: 110}, 4, 1, 2, 3, 4)
	for range 1000 {
		u.Enter()
		u.Pick(&Choice{Key: 1, Keyed: true}).Begin()
	}
	for i, e := range u.endpoints() {
		if most := math.Ceil(110 * float64(i+1)); e.busyness() > most {
			t.Errorf("%v exchanges at weight %d, at most %v", e.busyness(), i+1, most)
		}
	}
}

// A new endpoint gets its keys one after the other, each once.
func TestSlowStartOfKeys(t *testing.T) {
	r, u := balanced(t, model.Balance{HashBy: "$uri", SlowStart: time.Minute}, 4)
	before := owners(u)
	r.SetEndpoints(model.Endpoints{shop: many(5)})
	fresh := u.endpoints()[4]
	moved := make([]bool, someKeys)
	last := 0
	for _, part := range []float64{0.1, 0.4, 0.7, 1} {
		fresh.begun.Store(int64(fresh.now()) - int64(part*float64(time.Minute)))
		count := 0
		for key, e := range owners(u) {
			switch {
			case e == fresh:
				moved[key] = true
				count++
			case moved[key]:
				t.Fatalf("at %v: a key went back", part)
			case e != before[key]:
				t.Fatalf("at %v: a key moved among the old ones", part)
			}
		}
		if count <= last {
			t.Errorf("at %v: %d keys after %d", part, count, last)
		}
		if part == 0.1 && count > someKeys/20 {
			t.Errorf("%d of %d keys at the beginning", count, someKeys)
		}
		last = count
	}
	if last < someKeys/8 {
		t.Errorf("%d of %d keys in the end", last, someKeys)
	}
}
