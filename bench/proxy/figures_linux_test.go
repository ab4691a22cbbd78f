package main

import (
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// round is a result with this many requests in a second that cost so many
// microseconds each.
func round(requests, micros int) result {
	return result{
		Result: load.Result{
			Requests: requests,
			Elapsed:  time.Second,
			CPU: load.CPUTime{
				User:   time.Duration(requests*micros/4) * time.Microsecond,
				System: time.Duration(requests*micros*3/4) * time.Microsecond,
			},
			P50: time.Millisecond, P99: 2 * time.Millisecond, P999: 3 * time.Millisecond,
		},
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
