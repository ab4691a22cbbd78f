package main

import (
	"strings"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	if got := h.quantile(.5); got != 0 {
		t.Errorf("the median of nothing is %s", got)
	}
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for _, c := range []struct {
		q    float64
		want time.Duration
	}{{.5, 500 * time.Microsecond}, {.99, 990 * time.Microsecond}, {1, time.Millisecond}} {
		got := h.quantile(c.q)
		if d := (got - c.want).Abs(); d > c.want/fine {
			t.Errorf("quantile %v is %s, want %s", c.q, got, c.want)
		}
	}
}

// TestBuckets checks that each duration lies in its bucket, at the ends of all
// of them.
func TestBuckets(t *testing.T) {
	for b := range len(histogram{}.counts) - fine {
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

// round is a result with this many requests in a second that cost so many
// microseconds each.
func round(requests, micros int) result {
	return result{
		Requests: requests,
		Elapsed:  time.Second,
		CPU: cpuTime{
			User:   time.Duration(requests*micros/4) * time.Microsecond,
			System: time.Duration(requests*micros*3/4) * time.Microsecond,
		},
		P50: time.Millisecond, P99: 2 * time.Millisecond, P999: 3 * time.Millisecond,
		RSS:     5e6,
		Mallocs: -1,
	}
}

func TestReportComparesRoundByRound(t *testing.T) {
	// The machine was twice as slow in the second round, for both alike.
	ours := []result{round(40000, 20), round(20000, 40), round(40000, 20)}
	theirs := []result{round(20000, 40), round(10000, 80), round(20000, 40)}
	var b strings.Builder
	report(&b, []string{"shockwave", "nginx"}, [][]result{ours, theirs})
	for _, want := range []string{
		"  shockwave       40000   20.00     5.00      15.00  1ms  2ms    3ms     5.0        0.00000                -\n",
		"      nginx       20000   40.00    10.00      30.00  1ms  2ms    3ms     5.0        0.00000                -\n",
		"  nginx  0.50 [0.50, 0.50]  0.50 [0.50, 0.50]  2.00 [2.00, 2.00]  1.00 [1.00, 1.00]\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no line %q in:\n%s", want, b.String())
		}
	}
	if got := slowest([][]result{ours, theirs}); got != 20000 {
		t.Errorf("the slowest makes %v requests per second", got)
	}
}

func TestReportOfOne(t *testing.T) {
	r := round(1000, 10)
	r.Mallocs = 0.25
	var b strings.Builder
	report(&b, []string{"shockwave"}, [][]result{{r}})
	if got := b.String(); strings.Contains(got, "Ratios") || !strings.Contains(got, "0.250") {
		t.Errorf("got:\n%s", got)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1, 2}, spread{2, 1, 4}},
		{[]float64{4, 1, 2, 3}, spread{2.5, 1, 4}},
	} {
		if got := spreadOfValues(c.values); got != c.want {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}
