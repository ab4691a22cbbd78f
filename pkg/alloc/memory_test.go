package alloc

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
)

// difference is what mode m counted since before.
func difference(m Mode, before [Modes]Stats) Stats {
	now, then := ReadStats()[m], before[m]
	return Stats{
		Exchanges: now.Exchanges - then.Exchanges, Misses: now.Misses - then.Misses,
		Overflows:  now.Overflows - then.Overflows,
		BytesInUse: now.BytesInUse - then.BytesInUse, Chunks: now.Chunks - then.Chunks,
	}
}

// The slab of an exchange holds a request of 8 KiB, a response of 4 KiB and 12 KiB
// for what lies between, in one piece of memory.
func TestSlabHoldsAnExchange(t *testing.T) {
	for _, m := range []Mode{Arena, GreenTea} {
		x := TakeMemory(m)
		before := ReadStats()
		in, out, work := x.In.Alloc(8192), x.Out.Alloc(4096), x.Work.Alloc(8192)
		x.Work.Alloc(4096)
		slab := x.rec.bytes
		if &in[0] != &slab[0] || &out[0] != &slab[8192] || &work[0] != &slab[12288] {
			t.Errorf("%v: the buffers are not parts of one slab", m)
		}
		x.Work.EndExchange()
		if d := difference(m, before); d.Exchanges != 1 || d.Misses != 0 || d.Overflows != 0 {
			t.Errorf("%v: counted %+v", m, d)
		}
		x.Release()
	}
}

// A hit is an exchange for which nothing had to be taken beside its slab.
func TestHitsAreCountedHonestly(t *testing.T) {
	for _, m := range []Mode{Arena, GreenTea} {
		for _, c := range []struct {
			name           string
			use            func(x *Memory)
			misses, beside uint64
		}{
			{"nothing", func(*Memory) {}, 0, 0},
			{"a large request", func(x *Memory) { x.In.Alloc(9000) }, 1, 1},
			{"a request that grew", func(x *Memory) { x.In.Grow(x.In.Alloc(4096), 16<<10) }, 1, 1},
			{"a large response", func(x *Memory) { x.Out.Alloc(5000) }, 1, 1},
			{"a large body", func(x *Memory) { x.Work.Alloc(64 << 10) }, 1, 1},
			{"two of them", func(x *Memory) { x.Work.Alloc(60 << 10); x.Out.Alloc(60 << 10) }, 1, 2},
		} {
			x := TakeMemory(m)
			before := ReadStats()
			c.use(x)
			x.Work.EndExchange()
			if d := difference(m, before); d.Exchanges != 1 || d.Misses != c.misses || d.Overflows != c.beside {
				t.Errorf("%v: %s: counted %+v", m, c.name, d)
			}
			x.Release()
		}
	}
}

// What overflowed for nobody's exchange is no miss of the next user's.
func TestMissesAreNotInherited(t *testing.T) {
	x := TakeMemory(Arena)
	x.In.Alloc(20 << 10)
	x.Work.Release() // no exchange came of it
	x.Release()
	y := TakeMemory(Arena)
	before := ReadStats()
	y.Work.EndExchange()
	y.Release()
	if d := difference(Arena, before); d.Misses != 0 {
		t.Errorf("counted %+v", d)
	}
}

// Large bodies are garbage in standard mode only.
func TestLargeBuffersAreKeptForTheNext(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop what they hold")
	}
	for _, m := range []Mode{Arena, GreenTea} {
		for _, size := range []int{70 << 10, 256 << 10, 1 << 20} {
			n := testing.AllocsPerRun(200, func() {
				r := Take(m)
				r.Grow(r.Alloc(size), size+1)
				r.Release()
			})
			if size < 1<<20 && n != 0 {
				t.Errorf("%v: %v allocations for %d bytes", m, n, size)
			}
		}
	}
}

// One exchange after the other on a connection: a miss is not carried over.
func TestHitAfterMiss(t *testing.T) {
	x := TakeMemory(GreenTea)
	defer x.Release()
	before := ReadStats()
	x.Work.Alloc(20 << 10)
	x.Work.EndExchange()
	x.Work.Alloc(1 << 10)
	x.Work.EndExchange()
	if d := difference(GreenTea, before); d.Exchanges != 2 || d.Misses != 1 {
		t.Errorf("counted %+v", d)
	}
}

func TestBytesInUse(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		before := ReadStats()
		x := TakeMemory(m)
		x.Work.Alloc(60 << 10)
		want := int64(64 << 10)
		if m != Standard {
			want += slabSize
		}
		if d := difference(m, before); d.BytesInUse != want {
			t.Errorf("%d bytes in use, want %d", d.BytesInUse, want)
		}
		x.Release()
		if d := difference(m, before); d.BytesInUse != 0 {
			t.Errorf("%d bytes in use after the release", d.BytesInUse)
		}
	})
}

// What a burst of exchanges needed goes back, but for the reserve.
func TestTrimGivesABurstBack(t *testing.T) {
	for _, m := range []Mode{Arena, GreenTea} {
		burst := make([]*Memory, 1000) // 24 MB of slabs
		for i := range burst {
			burst[i] = TakeMemory(m)
			if m == Arena && i < 100 {
				burst[i].Work.Alloc(60 << 10) // and 6 MB of chunks
			}
		}
		for _, x := range burst {
			x.Release()
		}
		if !debugging && ReadStats()[m].BytesKept < 8<<20 {
			t.Errorf("%v: %d bytes kept right after the burst", m, ReadStats()[m].BytesKept)
		}
		for range 3 {
			trim()
		}
		if kept := ReadStats()[m].BytesKept; kept > 2*reserve { // free ones, and spare ones
			t.Errorf("%v: %d bytes kept after the burst", m, kept)
		}
		x := TakeMemory(m) // and one whose slab was taken gets another
		x.Work.Alloc(8 << 10)
		x.Release()
	}
}

// What Trim takes, the heap gets back, although the Memory stays in its pool.
func TestTrimFreesTheHeap(t *testing.T) {
	if debugging {
		t.Skip("nothing is kept")
	}
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	const n = 2000
	before := inUse()
	burst := make([]*Memory, n)
	for i := range burst {
		burst[i] = TakeMemory(GreenTea)
	}
	for _, x := range burst {
		x.Release()
	}
	for range 3 {
		trim()
	}
	if more := int64(inUse()) - int64(before); more > n*slabSize/2 {
		t.Errorf("the heap has %d bytes more than before the burst", more)
	}
	runtime.KeepAlive(burst)
}

// One large exchange does not keep its memory for ever: what is larger than any chunk
// goes at once, and a chunk after a second or two when there are many.
func TestLargeBuffersAreNotKept(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		before := ReadStats()[m].BytesKept
		r := Take(m)
		for range 10 {
			r.Alloc(8 << 20)
		}
		r.Release()
		if kept := ReadStats()[m].BytesKept - before; kept > slabSize {
			t.Errorf("%d bytes kept right after it", kept)
		}
		r = Take(m)
		for range 20 {
			r.Alloc(1 << 20)
		}
		r.Release()
		for range 3 {
			trim()
		}
		if kept := ReadStats()[m].BytesKept; kept > 2*reserve {
			t.Errorf("%d bytes kept in the end", kept)
		}
	})
}

// Memory that is used again and again is not taken away.
func TestTrimLeavesWhatIsInUse(t *testing.T) {
	x := TakeMemory(Arena)
	defer x.Release()
	b := x.Work.Alloc(100)
	b[99] = 1
	for range 5 {
		trim()
	}
	if b[99] != 1 || x.rec.bytes == nil {
		t.Error("a slab was taken from its user")
	}
}

// In greentea mode what was held for long is kept apart from what is in rapid use.
func TestGenerations(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop what they hold")
	}
	for range 20 { // a goroutine that changes its processor does not find what it has left
		if shortComesFirst() {
			return
		}
	}
	t.Error("the slab of a long exchange is used before that of a short one")
}

func shortComesFirst() bool {
	runtime.GC()
	runtime.GC() // the pools are empty
	long, short := TakeMemory(GreenTea), TakeMemory(GreenTea)
	trim()
	trim()
	again := TakeMemory(GreenTea)
	short.Release() // it was held for long, too
	again.Release()
	long.Release()
	next := TakeMemory(GreenTea)
	defer next.Release()
	return next == again
}

// Memory that nobody released is not given to others: somebody may still see it.
func TestLostMemoryIsNotUsedAgain(t *testing.T) {
	if debugging {
		t.Skip("a leak is an error there")
	}
	x := TakeMemory(Arena)
	b := x.Work.Alloc(100)
	copy(b, "still here")
	x = nil //nolint:wastedassign // so that it is collected
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
		for range 50 {
			y := TakeMemory(Arena)
			clear(y.Work.Alloc(12 << 10))
			y.Release()
		}
	}
	if string(b[:10]) != "still here" {
		t.Errorf("it holds %q", b[:10])
	}
}

func TestAbandonedMemoryStays(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		before := ReadStats()
		x := TakeMemory(m)
		b, large := x.Work.Alloc(100), x.Work.Alloc(2<<20)
		copy(b, "still here")
		copy(large, "still here")
		x.Abandon()
		for range 20 {
			y := TakeMemory(m)
			clear(y.Work.Alloc(12 << 10))
			clear(y.Work.Alloc(2 << 20))
			y.Release()
		}
		if string(b[:10]) != "still here" || string(large[:10]) != "still here" {
			t.Errorf("it holds %q and %q", b[:10], large[:10])
		}
		if d := difference(m, before); d.BytesInUse != 0 {
			t.Errorf("%d bytes are said to be in use", d.BytesInUse)
		}
	})
}

// The quarantine of abandoned memory is bounded.
func TestQuarantineIsBounded(t *testing.T) {
	for range 20 {
		x := TakeMemory(Arena)
		x.Work.Alloc(8 << 20)
		x.Abandon()
	}
	registry.Lock()
	if n := bytesOf(registry.quarantine[Arena]); n > maxQuarantineBytes {
		t.Errorf("%d bytes", n)
	}
	registry.Unlock()
	for range maxQuarantine + 50 {
		x := TakeMemory(Arena)
		x.Work.Alloc(10)
		x.Abandon()
	}
	registry.Lock()
	defer registry.Unlock()
	if n := len(registry.quarantine[Arena]); n > maxQuarantine {
		t.Errorf("%d pieces", n)
	}
}

// Records end with their owners, and what they counted stays.
func TestRecordsAreCollected(t *testing.T) {
	const n = 2000
	before := ReadStats()
	all := make([]*Memory, n)
	for i := range all {
		all[i] = TakeMemory(GreenTea)
		all[i].Work.EndExchange()
	}
	for _, x := range all {
		x.Release()
	}
	clear(all)
	deadline := time.Now().Add(10 * time.Second)
	for {
		runtime.GC()
		registry.Lock()
		left := len(registry.list[GreenTea])
		registry.Unlock()
		if left < n/2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records are left", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if d := difference(GreenTea, before); d.Exchanges != n {
		t.Errorf("%d exchanges counted, want %d", d.Exchanges, n)
	}
}

// Many goroutines, with Trim and readers of statistics beside them: each finds in
// its buffers what it wrote.
func TestConcurrentUse(t *testing.T) {
	before := ReadStats()
	const workers, rounds = 8, 500
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				trim()
				ReadStats()
				runtime.Gosched()
			}
		}
	})
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := range rounds {
				x := TakeMemory(Mode((w + i) % Modes))
				sizes := []int{100, 3000, 9000, 70 << 10}
				b := x.Work.Alloc(sizes[i%len(sizes)])
				for j := range b {
					b[j] = byte(w)
				}
				runtime.Gosched()
				for j := range b {
					if b[j] != byte(w) {
						t.Errorf("another goroutine wrote to the buffer of %d", w)
						return
					}
				}
				x.Work.EndExchange()
				x.Release()
			}
		})
	}
	work.Wait()
	close(stop)
	wg.Wait()
	total := uint64(0)
	for m := range Mode(Modes) {
		d := difference(m, before)
		total += d.Exchanges
		if d.BytesInUse != 0 {
			t.Errorf("%v: %d bytes in use in the end", m, d.BytesInUse)
		}
	}
	if total != workers*rounds {
		t.Errorf("%d exchanges counted, want %d", total, workers*rounds)
	}
}
