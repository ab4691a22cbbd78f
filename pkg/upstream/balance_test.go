package upstream

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// balanced returns an upstream with n endpoints that is balanced like this.
func balanced(t testing.TB, b model.Balance, n int, weights ...uint16) (*Registry, *Upstream) {
	t.Helper()
	policy := model.DefaultPolicy()
	policy.Balance = b
	r := NewRegistry(Config{Logger: slog.New(slog.DiscardHandler), Dial: newNetwork(t).dial})
	r.SetEndpoints(model.Endpoints{shop: many(n, weights...)})
	t.Cleanup(r.close)
	return r, r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
}

// many is n endpoints. The weights are for the first ones.
func many(n int, weights ...uint16) []model.Endpoint {
	list := make([]model.Endpoint, n)
	for i := range list {
		list[i].Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 80)
		if i < len(weights) {
			list[i].Weight = weights[i]
		}
	}
	return list
}

// ways are all ways to choose by, each with the choice that a request makes.
var ways = []struct {
	name    string
	balance model.Balance
	choose  func(c *Choice)
}{
	{"round_robin", model.Balance{Algorithm: model.RoundRobin}, func(*Choice) {}},
	{"least_request", model.Balance{Algorithm: model.LeastRequest}, func(*Choice) {}},
	{"ewma", model.Balance{Algorithm: model.EWMA}, func(*Choice) {}},
	{"random", model.Balance{Algorithm: model.Random}, func(*Choice) {}},
	{"hash", model.Balance{HashBy: "$request_uri"}, anyKey},
	{"bounded hash", model.Balance{HashBy: "$request_uri", HashLoad: 150}, anyKey},
	{"balanced sticky", model.Balance{Sticky: model.Sticky{Cookie: "route"}}, anyKey},
}

func anyKey(c *Choice) { c.Key, c.Keyed = rand.Uint64(), true }

// shares picks n times and returns which part of that each endpoint got.
func shares(u *Upstream, n int, choose func(*Choice)) []float64 {
	count := make(map[*Endpoint]int)
	for range n {
		c := new(Choice)
		choose(c)
		count[u.Pick(c)]++
	}
	list := make([]float64, u.Len())
	for i, e := range u.endpoints() {
		list[i] = float64(count[e]) / float64(n)
	}
	return list
}

// near tells whether shares are as wanted, give or take a part of each.
func near(got, want []float64, part float64) bool {
	for i := range want {
		if math.Abs(got[i]-want[i]) > part*want[i] {
			return false
		}
	}
	return true
}

// Where nothing speaks for one endpoint or another, each gets what its weight says.
// The bounds are at least six times the standard deviation.
func TestSharesFollowWeights(t *testing.T) {
	for _, weights := range [][]uint16{{0, 0, 0, 0}, {7, 7, 7, 7}, {1, 2, 3, 4}, {50, 0, 100, 25}} {
		total, want := 0.0, []float64{}
		for _, w := range weights {
			total += float64(max(1, w))
		}
		for _, w := range weights {
			want = append(want, float64(max(1, w))/total)
		}
		for _, way := range ways {
			t.Run(fmt.Sprint(way.name, weights), func(t *testing.T) {
				_, u := balanced(t, way.balance, 4, weights...)
				part := 0.15
				if u.set.Load().ring != nil {
					part = 0.4 // the shares of the ring itself are no more even
				}
				if weights[1] == 0 && weights[0] == 50 {
					part = 0.6 // of a share of 1/176
				}
				if got := shares(u, 40000, way.choose); !near(got, want, part) {
					t.Errorf("shares %.3f, want %.3f", got, want)
				}
			})
		}
	}
}

func TestSmoothOrder(t *testing.T) {
	longest := func(order []int32, position int32) int {
		most, row := 0, 0
		for _, p := range append(slices.Clone(order), order...) {
			if row++; p != position {
				row = 0
			}
			most = max(most, row)
		}
		return most
	}
	order := smoothOrder([]int32{5, 1, 1})
	if len(order) != 7 || longest(order, 0) > 3 {
		t.Errorf("turns %v", order)
	}
	if order := smoothOrder([]int32{300, 100}); len(order) != 4 || longest(order, 0) != 3 {
		t.Errorf("turns %v", order)
	}
	weights := make([]int32, 100)
	for i := range weights {
		weights[i] = 1 + int32(i)%10
	}
	order = smoothOrder(weights)
	last := map[int32]int{}
	count := make([]int32, len(weights))
	for at, p := range append(slices.Clone(order), order...) {
		if before, ok := last[p]; ok && float64(at-before) > 2.5*float64(len(order))/float64(weights[p]) {
			t.Fatalf("%d turns without one of weight %d in %d", at-before, weights[p], len(order))
		}
		last[p] = at
		if at < len(order) {
			count[p]++
		}
	}
	if !slices.Equal(count, weights) {
		t.Errorf("turns %v for weights %v", count, weights)
	}
	for _, weights := range [][]int32{{1, math.MaxUint16}, {math.MaxUint16, math.MaxUint16 - 1, 3}} {
		order := smoothOrder(weights)
		if len(order) > mostTurns+len(weights) || !slices.Contains(order, 0) || !slices.Contains(order, 1) {
			t.Errorf("%d turns for weights %v", len(order), weights)
		}
	}
	huge := make([]int32, 20000)
	for i := range huge {
		huge[i] = int32(rand.IntN(math.MaxUint16)) + 1
	}
	if n := len(smoothOrder(huge)); n > 2*len(huge) {
		t.Errorf("%d turns for %d endpoints", n, len(huge))
	}
}

// The turns of an endpoint that is left out are everybody's, not its neighbour's.
func TestLeftOutEndpointLosesItsTurns(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, 4)
	u.endpoints()[1].leaveOut(r.clock(), errRefused)
	if got := shares(u, 3000, func(*Choice) {}); !near(got, []float64{1. / 3, 0, 1. / 3, 1. / 3}, 0.01) {
		t.Errorf("shares %.3f", got)
	}
}

// When all are left out, all are used, in every way to choose; a key stays where it is.
func TestAllLeftOutShareTheLoad(t *testing.T) {
	for _, n := range []int{2, 4, 8, 9, 20} {
		for _, way := range ways {
			t.Run(fmt.Sprint(way.name, n), func(t *testing.T) {
				r, u := balanced(t, way.balance, n)
				before := u.Pick(&Choice{Key: 7, Keyed: true})
				for _, e := range u.endpoints() {
					e.leaveOut(r.clock(), errRefused)
				}
				for i, share := range shares(u, 200*n, way.choose) {
					if share < 0.25/float64(n) {
						t.Errorf("endpoint %d has a share of %.4f", i, share)
					}
				}
				if after := u.Pick(&Choice{Key: 7, Keyed: true}); u.set.Load().ring != nil && after != before {
					t.Error("a key moved")
				}
			})
		}
	}
}

// Whatever the way to choose: another endpoint for each attempt while there is one,
// those that are left out last of all.
func TestTriedAndLeftOutEndpointsAreAvoided(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			r, u := balanced(t, way.balance, 12)
			list := u.endpoints()
			for _, e := range list[:9] {
				e.leaveOut(r.clock(), errRefused)
			}
			for range 200 {
				c := new(Choice)
				way.choose(c)
				for try := range 12 {
					e := u.Pick(c)
					if slices.Contains(c.Tried, e) {
						t.Fatalf("attempt %d is with one that was tried", try+1)
					}
					if out := slices.Contains(list[:9], e); out != (try >= 3) {
						t.Fatalf("attempt %d is with one that is left out: %v", try+1, out)
					}
					c.Tried = append(c.Tried, e)
				}
				if e := u.Pick(c); e == nil || e == c.Tried[11] {
					t.Fatal("with the last one again")
				}
			}
		})
	}
}

func TestFullEndpointsAreAvoided(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			r, u := balanced(t, way.balance, 3)
			policy := model.DefaultPolicy()
			policy.Balance, policy.Pool.MaxConnections = way.balance, 1
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
			list := u.endpoints()
			held := get(t, list[0])
			list[1].leaveOut(r.clock(), errRefused)
			for range 100 {
				c := new(Choice)
				if way.choose(c); u.Pick(c) != list[2] {
					t.Fatal("not the only one that is well and has room")
				}
			}
			other := get(t, list[2])
			for range 100 {
				c := new(Choice)
				if way.choose(c); u.Pick(c) == list[1] {
					t.Fatal("one that is left out, when others have a queue")
				}
			}
			list[0].Put(held)
			list[2].Put(other)
		})
	}
}

func TestLeastRequestPrefersTheIdle(t *testing.T) {
	_, u := balanced(t, model.Balance{Algorithm: model.LeastRequest}, 2)
	busy, idle := u.endpoints()[0], u.endpoints()[1]
	busy.Begin()
	for range 1000 {
		if u.Pick(&Choice{}) != idle {
			t.Fatal("the busy one")
		}
	}
	busy.End(Succeeded, time.Millisecond)
	if got := shares(u, 10000, func(*Choice) {}); !near(got, []float64{0.5, 0.5}, 0.1) {
		t.Errorf("shares %.3f when both are idle", got)
	}

	// As many as the weight says are the same load.
	_, u = balanced(t, model.Balance{Algorithm: model.LeastRequest}, 3, 1, 2, 7)
	for range 1000 {
		u.Pick(&Choice{}).Begin()
	}
	for i, want := range []float64{100, 200, 700} {
		if got := u.endpoints()[i].busyness(); math.Abs(got-want) > 0.15*want {
			t.Errorf("%v attempts at endpoint %d, want about %v", got, i, want)
		}
	}
}

// answered sends requests of which each endpoint answers after its time, and returns the
// shares.
func answered(r *Registry, u *Upstream, n int, answer func(i int) (Outcome, time.Duration)) []float64 {
	list := u.endpoints()
	count := make([]float64, len(list))
	for range n {
		e := u.Pick(&Choice{})
		i := slices.Index(list, e)
		count[i] += 1 / float64(n)
		e.Begin()
		e.End(answer(i))
		r.pass(time.Millisecond)
	}
	return count
}

func TestEWMAPrefersTheFast(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.EWMA}, 2)
	times := []time.Duration{5 * time.Millisecond, 50 * time.Millisecond}
	answer := func(i int) (Outcome, time.Duration) { return Succeeded, times[i] }
	if got := answered(r, u, 2000, answer); got[0] < 0.95 {
		t.Errorf("shares %.3f", got)
	}
	if got := r.Stats()[0].Endpoints[0].Latency; got < 4*time.Millisecond || got > 6*time.Millisecond {
		t.Errorf("a mean of %v", got)
	}
	// The fast one gets slow, which shows at once.
	times[0] = time.Second
	u.endpoints()[0].Begin()
	u.endpoints()[0].End(answer(0))
	if got := answered(r, u, 100, answer); got[1] < 0.95 {
		t.Errorf("shares %.3f after the fast one has become slow", got)
	}
	// It gets fast again: sooner or later somebody has to find out.
	times[0] = 5 * time.Millisecond
	r.pass(5 * time.Minute)
	if got := answered(r, u, 2000, answer); got[0] < 0.9 {
		t.Errorf("shares %.3f after the slow one has become fast", got)
	}
	// One with many requests has a queue.
	for range 40 {
		u.endpoints()[0].Begin()
	}
	if got := shares(u, 100, func(*Choice) {}); got[1] < 0.95 {
		t.Errorf("shares %.3f while the fast one is busy", got)
	}
}

// An endpoint that fails fast is not a fast one.
func TestEWMADoesNotPreferFailures(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.EWMA}, 2)
	answer := func(i int) (Outcome, time.Duration) {
		if i == 0 {
			return Failed, 0
		}
		return Succeeded, 20 * time.Millisecond
	}
	if got := answered(r, u, 2000, answer); got[0] > 0.05 {
		t.Errorf("shares %.3f", got)
	}
}

// An endpoint that does not answer gets no better by that.
func TestEWMADoesNotPreferTheSilent(t *testing.T) {
	for _, known := range []bool{false, true} {
		r, u := balanced(t, model.Balance{Algorithm: model.EWMA}, 2)
		silent, other := u.endpoints()[0], u.endpoints()[1]
		other.Begin()
		other.End(Succeeded, 20*time.Millisecond)
		if known {
			silent.Begin()
			silent.End(Succeeded, 20*time.Millisecond)
		}
		silent.Begin()
		for range 100 {
			r.pass(10 * time.Second)
			e := u.Pick(&Choice{})
			if e == silent {
				t.Fatalf("the silent one, which was known: %v", known)
			}
			e.Begin()
			e.End(Succeeded, 10*time.Millisecond)
		}
	}
}

func TestEWMACountsTheNewAsTheOthers(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.EWMA}, 2)
	for i, e := range u.endpoints() {
		e.Begin()
		e.End(Succeeded, time.Duration(10+20*i)*time.Millisecond)
	}
	r.SetEndpoints(model.Endpoints{shop: many(3)})
	got := r.Stats()[0].Endpoints[2].Latency
	if got < 18*time.Millisecond || got > 22*time.Millisecond {
		t.Errorf("it begins with %v beside 10ms and 30ms", got)
	}
	// Without anything known of others, nothing is known of it.
	r, _ = balanced(t, model.Balance{Algorithm: model.EWMA}, 2)
	r.SetEndpoints(model.Endpoints{shop: many(3)})
	if got := r.Stats()[0].Endpoints[2].Latency; got != 0 {
		t.Errorf("it begins with %v", got)
	}
}

// What is neither an answer nor a failure says nothing.
func TestNeutralOutcomesDoNotCount(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.EWMA}, 1)
	e := u.endpoints()[0]
	e.Begin()
	if s := r.Stats()[0].Endpoints[0]; s.Attempts != 1 {
		t.Errorf("%+v", s)
	}
	e.End(Neutral, time.Second)
	if s := r.Stats()[0].Endpoints[0]; s.Attempts != 0 || s.Latency != 0 || e.outlier.failures.Load() != 0 {
		t.Errorf("%+v", s)
	}
}

// A weight is no part of an endpoint's identity: one that changes keeps connections
// and health.
func TestChangedWeightKeepsTheEndpoint(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, 2)
	list := slices.Clone(u.endpoints())
	c := get(t, list[0])
	list[0].Put(c)
	before := u.set.Load()
	r.SetEndpoints(model.Endpoints{shop: many(2, 1, 1)}) // as before: 0 is 1
	if u.set.Load() != before {
		t.Error("compiled anew for nothing")
	}
	r.SetEndpoints(model.Endpoints{shop: many(2, 3)})
	if !slices.Equal(u.endpoints(), list) || get(t, list[0]) != c {
		t.Error("another endpoint, or without its connections")
	}
	list[0].Put(c)
	if got := shares(u, 400, func(*Choice) {}); !near(got, []float64{0.75, 0.25}, 0.01) {
		t.Errorf("shares %.3f", got)
	}
	if s := r.Stats()[0].Endpoints; s[0].Weight != 3 || s[1].Weight != 1 {
		t.Errorf("%+v", s)
	}
}

// Settings of balancing count from the next choice on.
func TestChangedBalance(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, 2)
	u.endpoints()[0].Begin()
	for _, b := range []model.Balance{{Algorithm: model.LeastRequest}, {HashBy: "$uri"}, {Algorithm: model.RoundRobin}} {
		policy := model.DefaultPolicy()
		policy.Balance = b
		r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
		got := shares(u, 100, func(c *Choice) { c.Key, c.Keyed = 1, true })
		slices.Sort(got)
		if one := got[1] == 1; one != (b.Algorithm != model.RoundRobin) {
			t.Errorf("shares %.3f with %+v", got, b)
		}
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	for _, way := range ways {
		for _, weights := range [][]uint16{nil, {3, 1, 2}} {
			for _, state := range []string{"well", "one left out", "all left out", "slow start"} {
				b := way.balance
				b.SlowStart = time.Minute
				r, u := balanced(t, b, 5, weights...)
				list := u.endpoints()
				switch state {
				case "one left out":
					list[0].leaveOut(r.clock(), errRefused)
				case "all left out":
					for _, e := range list {
						e.leaveOut(r.clock(), errRefused)
					}
				case "slow start":
					list[0].startSlowly()
				}
				var tried [2]*Endpoint
				key := uint64(0)
				if n := testing.AllocsPerRun(100, func() {
					key++
					c := Choice{Key: key, Keyed: true}
					u.Enter()
					tried[0] = u.Pick(&c)
					tried[0].Begin()
					c.Tried, c.Keyed = tried[:1], key%2 == 0
					tried[1] = u.Pick(&c)
					u.MayRetry()
					tried[0].End(Failed, time.Second)
					c.Sticky = list[0]
					u.Pick(&c).Begin()
					list[0].End(Succeeded, time.Millisecond)
					u.Leave()
				}); n != 0 {
					t.Errorf("%s, weights %v, %s: %v allocations", way.name, weights, state, n)
				}
			}
		}
	}
}

// Choices, outcomes and changes at the same time: for the race detector, and the
// counts must be even at the end.
func TestBalanceWhileAllChanges(t *testing.T) {
	r, u := balanced(t, model.Balance{Algorithm: model.RoundRobin}, 3)
	run(t, r)
	var users, changes sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		users.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 3000 {
				c := Choice{Key: random.Uint64(), Keyed: random.IntN(2) == 0}
				if random.IntN(3) == 0 {
					c.Sticky = u.ByToken([]byte(u.endpoints()[0].Token()))
				}
				if !u.Enter() {
					continue
				}
				for range 1 + random.IntN(2) {
					e := u.Pick(&c)
					e.Begin()
					c.Tried = append(c.Tried, e)
					e.End(Outcome(random.IntN(3)), time.Duration(random.IntN(1e6)))
					u.MayRetry()
				}
				u.Leave()
			}
		})
	}
	changes.Go(func() {
		random := rand.New(rand.NewPCG(2, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			policy := model.DefaultPolicy()
			policy.Balance = ways[random.IntN(len(ways))].balance
			policy.Balance.SlowStart = time.Duration(random.IntN(2)) * time.Second
			policy.Health.MaxFailures = random.IntN(4)
			policy.Health.MaxActive = random.IntN(2) * 3
			policy.Health.EjectionTime = time.Millisecond
			if random.IntN(2) == 0 {
				policy.Health.Check.Kind = model.CheckTCP
			}
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policy}})
			r.SetEndpoints(model.Endpoints{shop: many(1+random.IntN(20), uint16(random.IntN(5)))})
			r.Stats()
		}
	})
	users.Wait()
	close(stop)
	changes.Wait()
	s := r.Stats()[0]
	for _, e := range s.Endpoints {
		if e.Attempts != 0 {
			t.Errorf("%d attempts are left", e.Attempts)
		}
	}
	if s.Exchanges != 0 {
		t.Errorf("%d exchanges are left", s.Exchanges)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, way := range ways[:6] {
		for _, n := range []int{3, 100, 5000} {
			for _, kind := range []string{"equal", "weights"} {
				b.Run(fmt.Sprintf("%s/%d/%s", way.name, n, kind), func(b *testing.B) {
					var weights []uint16
					if kind == "weights" {
						for i := range n {
							weights = append(weights, uint16(1+i%10))
						}
					}
					_, u := balanced(b, way.balance, n, weights...)
					for i, e := range u.endpoints() {
						e.Begin()
						e.End(Succeeded, time.Duration(1+i%10)*time.Millisecond)
					}
					u.Enter()
					c := Choice{Keyed: true}
					b.ReportAllocs()
					for b.Loop() {
						c.Key++
						u.Pick(&c)
					}
				})
			}
		}
	}
}

// BenchmarkCompile is what a change of endpoints costs.
func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{3, 100, 1638, 5000} {
		for name, balance := range map[string]model.Balance{"turns": {}, "ring": {HashBy: "$uri"}} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				var weights []uint16
				if name == "turns" {
					for i := range n {
						weights = append(weights, uint16(1+i%100))
					}
				}
				_, u := balanced(b, balance, n, weights...)
				b.ReportAllocs()
				for b.Loop() {
					newSet(u.endpoints(), balance)
				}
			})
		}
	}
}
