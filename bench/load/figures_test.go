package load

import (
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h Histogram
	if got := h.Quantile(.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
	for i := 1; i <= 1000; i++ {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{.5, 500 * time.Microsecond}, {.99, 990 * time.Microsecond}, {1, time.Millisecond}} {
		got := h.Quantile(c.q)
		if d := (got - c.want).Abs(); d > c.want/fine {
			t.Errorf("quantile %v is %s, want %s", c.q, got, c.want)
		}
	}
}

// TestBuckets checks that each duration lies in its bucket, at the ends of all
// of them.
func TestBuckets(t *testing.T) {
	for b := range len(Histogram{}.counts) - fine {
		at := floor(b)
		if at < 0 {
			break // beyond what a duration can be
		}
		if got := bucket(at); got != b {
			t.Fatalf("%d ns are in bucket %d, want %d", at, got, b)
		}
		if b > 0 && bucket(at-1) != b-1 {
			t.Fatalf("%d ns are in bucket %d, want %d", at-1, bucket(at-1), b-1)
		}
	}
	if bucket(-1) != 0 {
		t.Error("a negative duration is not in the first bucket")
	}
}

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{4, 1, 2}, Spread{2, 1, 4}},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4}},
	} {
		if got := SpreadOf(c.values); got != c.want {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

func TestRatiosAreOfOneRound(t *testing.T) {
	// The machine was twice as slow in the second round, for both alike.
	got := Ratios([]float64{20, 40, 20, 0}, []float64{40, 80, 40, 0})
	if want := (Spread{.5, .5, 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		s    Spread
		want Verdict
	}{
		{Spread{.9, .8, .99}, Less},
		{Spread{.9, .8, 1}, Alike},
		{Spread{1.1, .9, 1.2}, Alike},
		{Spread{.995, .99, .999}, Alike},
		{Spread{1.005, 1.001, 1.01}, Alike},
		{Spread{1, 1, 1.2}, Alike},
		{Spread{1.1, 1.01, 1.2}, More},
	} {
		if got := c.s.Verdict(); got != c.want {
			t.Errorf("%v: got %d, want %d", c.s, got, c.want)
		}
	}
}
