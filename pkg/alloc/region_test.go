package alloc

import (
	"bytes"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
)

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

func TestAllocGivesDistinctBuffers(t *testing.T) {
	r := Take(Standard)
	defer r.Release()
	var bufs [20][]byte
	for i := range bufs {
		bufs[i] = r.Alloc(700 * (i + 1))
		for j := range bufs[i] {
			bufs[i][j] = byte(i)
		}
	}
	for i, b := range bufs {
		if len(b) != 700*(i+1) || bytes.Count(b, []byte{byte(i)}) != len(b) {
			t.Fatalf("buffer %d was overwritten", i)
		}
	}
}

func TestGrowKeepsContents(t *testing.T) {
	r := Take(Standard)
	defer r.Release()
	b := append(r.Alloc(512)[:0], "hello"...)
	for _, n := range []int{100, 513, 4096, 100_000} {
		if b = r.Grow(b, n); string(b) != "hello" || cap(b) < n {
			t.Fatalf("Grow(%d) gave %q with capacity %d", n, b, cap(b))
		}
	}
	if r.count != 1 {
		t.Fatalf("region holds %d buffers after growing one", r.count)
	}
}

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

func TestRegionDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	n := testing.AllocsPerRun(1000, func() {
		r := Take(Standard)
		b := r.Alloc(512)
		b = r.Grow(b, 4096)
		r.Alloc(16 << 10)
		r.Free(b)
		r.Release()
	})
	if n != 0 {
		t.Fatalf("%v allocations per region, want 0", n)
	}
}
