package limit

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"
)

var client = netip.MustParseAddr("192.0.2.1")

// ask asks once and gives the place back.
func ask(t *Table, r *Rates, client netip.Addr, now time.Time) Verdict {
	ticket, v := t.Ask(r, client, now)
	ticket.Release()
	return v
}

// passed counts the requests that pass, of so many at one time.
func passed(t *Table, r *Rates, client netip.Addr, now time.Time, n int) (passed int) {
	for range n {
		if ask(t, r, client, now) == Passes {
			passed++
		}
	}
	return passed
}

func TestBursts(t *testing.T) {
	start := time.Now()
	for _, c := range []struct {
		name                        string
		perSecond, perMinute, burst int
		after                       []time.Duration
		want                        []int // of 1000 requests at each time
	}{
		// nginx lets burst requests pass besides the first one.
		{"a rate with its burst", 10, 0, 5, []time.Duration{0, 0, time.Second, 1100 * time.Millisecond, time.Hour}, []int{51, 0, 10, 1, 51}},
		{"without a burst", 10, 0, 0, []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}, []int{1, 0, 1}},
		{"per minute", 0, 6, 2, []time.Duration{0, 9 * time.Second, 10 * time.Second, time.Minute}, []int{13, 0, 1, 5}},
		{"both", 10, 12, 1, []time.Duration{0, 0, 5 * time.Second}, []int{11, 0, 3}},
		{"more than nanoseconds can tell", math.MaxInt32, 0, 1, []time.Duration{0}, []int{1000}},
		{"a burst for years", 0, 1, math.MaxInt, []time.Duration{0}, []int{1000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := newTable(4)
			rates := table.Rates("default/shop", c.perSecond, c.perMinute, 0, c.burst)
			for i, after := range c.after {
				if got := passed(table, rates, client, start.Add(after), 1000); got != c.want[i] {
					t.Errorf("after %v: %d passed, want %d", after, got, c.want[i])
				}
			}
		})
	}
}

// A client that asks at random times gets as much as the rate allows, within a
// percent, and one that asks for less is never refused.
func TestRates(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, asked := range []float64{5, 9, 20, 100} { // per second
		table := New()
		rates := table.Rates("default/shop", 10, 0, 0, 5)
		start := time.Now()
		const seconds = 2000
		passed := 0
		for at := 0.0; at < seconds; at += random.ExpFloat64() / asked {
			if ask(table, rates, client, start.Add(time.Duration(at*1e9))) == Passes {
				passed++
			}
		}
		want := min(asked, 10) * seconds
		if math.Abs(float64(passed)-want) > want/20 {
			t.Errorf("asked %v times a second: %d passed, want about %v", asked, passed, want)
		}
		if passed > 10*seconds+51 {
			t.Errorf("asked %v times a second: %d passed, which is beyond the rate", asked, passed)
		}
	}
}

// A time that lies before one that was seen gives nothing away.
func TestTimeGoesBack(t *testing.T) {
	table := New()
	rates := table.Rates("default/shop", 10, 0, 0, 0)
	now := time.Now()
	if ask(table, rates, client, now) != Passes {
		t.Error("the first request was refused")
	}
	for i := range 10 {
		if ask(table, rates, client, now.Add(-time.Duration(i)*time.Second)) == Passes {
			t.Errorf("a request of %ds ago passed", i)
		}
	}
}

func TestPairsDoNotShare(t *testing.T) {
	table, now := New(), time.Now()
	shop, other := table.Rates("default/shop", 1, 0, 0, 0), table.Rates("default/other", 1, 0, 0, 0)
	if passed(table, shop, client, now, 5) != 1 || passed(table, other, client, now, 5) != 1 {
		t.Error("two Ingresses share a limit")
	}
	if passed(table, shop, netip.MustParseAddr("192.0.2.2"), now, 5) != 1 {
		t.Error("two clients share a limit")
	}
	if passed(table, shop, netip.MustParseAddr("::ffff:192.0.2.1"), now, 5) != 0 {
		t.Error("the same client under its IPv6 address has a limit of its own")
	}
	if passed(table, table.Rates("default/shop", 1, 0, 0, 0), client, now, 5) != 0 {
		t.Error("new rates of a subject forget what it owes")
	}
}

func TestConnections(t *testing.T) {
	table, now := New(), time.Now()
	rates := table.Rates("default/shop", 0, 0, 2, 5)
	a, v1 := table.Ask(rates, client, now)
	b, v2 := table.Ask(rates, client, now)
	c, v3 := table.Ask(rates, client, now)
	if v1 != Passes || v2 != Passes || v3 != TooMany {
		t.Errorf("%v %v %v, want two that pass", v1, v2, v3)
	}
	c.Release()
	b.Release()
	b.Release() // twice does no harm
	if n := passed(table, rates, client, now, 3); n != 3 {
		t.Errorf("%d of 3 pass, one after the other: a place was not given back", n)
	}
	a.Release()
	if _, v := table.Ask(rates, client, now); v != Passes {
		t.Error("refused without any in progress")
	}
}

// A refusal for its rate holds a place until the exchange has ended, as in nginx.
func TestConnectionsOfTooFast(t *testing.T) {
	table, now := New(), time.Now()
	rates := table.Rates("default/shop", 1, 0, 1, 0)
	ask(table, rates, client, now)
	held, v := table.Ask(rates, client, now)
	if v != TooFast {
		t.Fatalf("%v, want TooFast", v)
	}
	if v := ask(table, rates, client, now); v != TooMany {
		t.Errorf("%v, want TooMany", v)
	}
	held.Release()
	if v := ask(table, rates, client, now.Add(time.Second)); v != Passes {
		t.Errorf("%v, want Passes", v)
	}
}

// In a full set that which owes least is forgotten, and never what has exchanges in
// progress.
func TestFullSet(t *testing.T) {
	table, now := newTable(1), time.Now()
	strict, lax := table.Rates("default/strict", 0, 1, 0, 0), table.Rates("default/lax", 1000, 0, 0, 0)
	ask(table, strict, client, now)
	for i := range 1000 {
		ask(table, lax, address(i), now)
	}
	if v := ask(table, strict, client, now); v != TooFast {
		t.Errorf("%v: what owes most was forgotten", v)
	}
	open := table.Rates("default/open", 0, 0, 1, 0)
	var held []Ticket
	for i := range ways {
		ticket, v := table.Ask(open, address(i), now)
		if v != Passes {
			t.Errorf("entry %d: %v", i, v)
		}
		held = append(held, ticket)
	}
	if v := ask(table, lax, client, now); v != TooMany {
		t.Errorf("%v with a table that is full of exchanges in progress", v)
	}
	for i := range held {
		held[i].Release()
	}
	if v := ask(table, lax, client, now); v != Passes {
		t.Errorf("%v after they ended", v)
	}
}

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
}

// Many ask at once: no place is lost, and no more pass than may.
func TestAtOnce(t *testing.T) {
	table, now := newTable(2), time.Now()
	rates := table.Rates("default/shop", 100, 0, 8, 1)
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for g := range 8 {
		all.Go(func() {
			for i := range 2000 {
				ticket, v := table.Ask(rates, client, now)
				if v == Passes {
					mu.Lock()
					passed++
					mu.Unlock()
				}
				ask(table, table.Rates(strconv.Itoa(g), 1, 1, 1, 1), address(i), now)
				ticket.Release()
			}
		})
	}
	all.Wait()
	if passed != 101 {
		t.Errorf("%d passed, want 101", passed)
	}
	for i := range table.sets {
		for _, e := range table.sets[i].entries {
			if e.open != 0 {
				t.Errorf("%d places are lost", e.open)
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	table, now := New(), time.Now()
	rates := table.Rates("default/shop", 10, 10, 10, 5)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		i++
		ask(table, rates, client, now)
		ask(table, rates, address(i), now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAsk(b *testing.B) {
	table := New()
	rates := table.Rates("default/shop", 1000, 0, 10, 5)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		ask(table, rates, client, now)
	}
}
