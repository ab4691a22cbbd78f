package alloc

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
)

// everyMode runs a test in each mode.
func everyMode(t *testing.T, test func(t *testing.T, m Mode)) {
	for m := range Mode(Modes) {
		t.Run(m.String(), func(t *testing.T) { test(t, m) })
	}
}

func TestClassHoldsSize(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 1024, 1025, 4096, 65535, 65536} {
		c := classOf(n)
		if size := 1 << (c + minShift); size < n || (c > 0 && size/2 >= n) {
			t.Errorf("classOf(%d) = %d, of %d bytes", n, c, size)
		}
	}
	if c := classOf(65537); c != -1 {
		t.Errorf("classOf(65537) = %d, want -1", c)
	}
}

func TestChunkClassHoldsSize(t *testing.T) {
	for n, want := range map[int]int{
		0: 0, 1: 0, 16 << 10: 0, 16<<10 + 1: 1, 64 << 10: 1, 64<<10 + 1: 2, 256 << 10: 2, 256<<10 + 1: 3, 1 << 20: 3, 1<<20 + 1: -1,
	} {
		if got := chunkClass(n); got != want {
			t.Errorf("chunkClass(%d) = %d, want %d", n, got, want)
		}
	}
}

// Buffers of one region, and of the three of a Memory, never overlap, whatever is
// taken, grown and freed in which order.
func TestBuffersAreDistinct(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		random := rand.New(rand.NewPCG(1, 2))
		x := TakeMemory(m)
		defer x.Release()
		regions := []*Region{&x.In, &x.Out, &x.Work, x.Work.Side()}
		type owned struct {
			in   *Region
			buf  []byte
			mark byte
		}
		var bufs []owned
		fill := func(o *owned) {
			for i := range o.buf {
				o.buf[i] = o.mark
			}
		}
		check := func() {
			for _, o := range bufs {
				if bytes.Count(o.buf, []byte{o.mark}) != len(o.buf) {
					t.Fatalf("a buffer of %d bytes was overwritten", len(o.buf))
				}
			}
		}
		for step := range 2000 {
			switch i := random.IntN(10); {
			case i < 4 || len(bufs) == 0:
				in := regions[random.IntN(4)]
				o := owned{in, in.Alloc(random.IntN(1 << random.IntN(22))), byte(step)}
				fill(&o)
				bufs = append(bufs, o)
			case i < 8:
				o := &bufs[random.IntN(len(bufs))]
				before := len(o.buf)
				o.buf = o.in.Grow(o.buf, before+random.IntN(4096))
				if len(o.buf) != before {
					t.Fatalf("Grow changed the length from %d to %d", before, len(o.buf))
				}
				o.buf = o.buf[:cap(o.buf)]
				fill(o)
			case i < 9:
				j := random.IntN(len(bufs))
				bufs[j].in.Free(bufs[j].buf)
				bufs[j] = bufs[len(bufs)-1]
				bufs = bufs[:len(bufs)-1]
			default:
				in := regions[random.IntN(3)]
				in.Release()
				kept := bufs[:0]
				for _, o := range bufs {
					if o.in != in && (in != &x.Work || o.in != in.Side()) {
						kept = append(kept, o)
					}
				}
				bufs = kept
			}
			if step%50 == 0 {
				check()
			}
		}
		check()
	})
}

func TestGrowKeepsContents(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		r := Take(m)
		defer r.Release()
		b := append(r.Alloc(512)[:0], "hello"...)
		for _, n := range []int{100, 513, 4096, 100_000, 300_000, 2 << 20} {
			if b = r.Grow(b, n); string(b) != "hello" || cap(b) < n {
				t.Fatalf("Grow(%d) gave %q with capacity %d", n, b, cap(b))
			}
		}
	})
}

// A buffer that is mapped by itself goes by itself, and takes no other with it.
func TestFreeOfALargeBuffer(t *testing.T) {
	everyMode(t, func(t *testing.T, m Mode) {
		for _, grow := range []bool{false, true} {
			x := TakeMemory(m)
			before := x.Work.Alloc(100)
			large := x.Work.Alloc(1<<20 + 1)
			after := x.Work.Alloc(100)
			if grow {
				large = x.Work.Grow(large[:10], 3<<20)
				large[0] = 1
			} else {
				x.Work.Free(large)
			}
			before[0], after[0] = 1, 1
			x.Work.EndExchange()
			x.Work.Alloc(100)[0] = 1
			x.Release()
		}
	})
}

// The newest buffer of a slab grows where it stands.
func TestGrowInPlace(t *testing.T) {
	for _, m := range []Mode{Arena, GreenTea} {
		r := Take(m)
		r.Alloc(100)
		b := r.Alloc(1000)
		if g := r.Grow(b, 5000); &g[0] != &b[0] {
			t.Errorf("%v: the newest buffer was moved", m)
		}
		r.Release()
	}
}

// What is freed of the standard pools is not held any more.
func TestFreeForgetsOnlyThatBuffer(t *testing.T) {
	r := Take(Standard)
	defer r.Release()
	var bufs [12][]byte
	for i := range bufs {
		bufs[i] = r.Alloc(600)
	}
	r.Free(bufs[3])
	r.Free(bufs[11])
	r.Free(bufs[0][1:])         // not from its first byte
	r.Free(make([]byte, 600))   // not ours
	r.Free(nil)                 // nothing
	if r.count != len(bufs)-2 { // 3 and 11 only
		t.Fatalf("region holds %d buffers, want %d", r.count, len(bufs)-2)
	}
}

func TestSwitch(t *testing.T) {
	everyMode(t, func(t *testing.T, from Mode) {
		everyMode(t, func(t *testing.T, to Mode) {
			x := TakeMemory(from)
			defer x.Release()
			x.Work.Alloc(9000)
			r := x.Work.Switch(to)
			if r.Mode() != to || (r == &x.Work) != (from == to) {
				t.Errorf("Switch gave a region of mode %v", r.Mode())
			}
			if x.Work.count != 0 {
				t.Error("the region that was left holds buffers")
			}
			r.Alloc(9000)
			lone := r.Switch(from).Switch(to)
			lone.Alloc(9000)
			lone.Release()
		})
	})
}

func TestRegionDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("pools drop what they hold")
	}
	everyMode(t, func(t *testing.T, m Mode) {
		n := testing.AllocsPerRun(1000, func() {
			x := TakeMemory(m)
			x.In.Alloc(4096)
			b := x.Work.Alloc(512)
			b = x.Work.Grow(b, 4096)
			x.Work.Alloc(16 << 10) // beside the slab
			x.Work.Free(b)
			x.Out.Alloc(4096)
			x.Work.EndExchange()
			x.Release()
			r := Take(m)
			r.Alloc(64 << 10)
			r.Release()
		})
		if n != 0 {
			t.Fatalf("%v allocations, want 0", n)
		}
	})
}
