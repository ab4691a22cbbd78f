package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/bench/report"
)

// round is what a proxy needed that answered so many requests in a second, each for
// so many microseconds of CPU.
func round(rate, micros float64) figures {
	return figures{
		Rate: rate, User: micros / 4, System: micros * 3 / 4, MiB: micros,
		P50: 1000, P99: 2000, P999: 3000, RSS: 5e6, Before: 1e6, Allocs: -1,
	}
}

// example is a run in which Shockwave needs half of what all others do, on a machine
// that was twice as slow in the second round.
func example() *results {
	r := &results{Machine: machine{Machine: report.Machine{CPU: "a processor", Go: "go1.26", Rounds: 3, Window: "1s", Took: "1m"}, Peers: []string{"nginx 1"}, Hosts: 10}}
	for i := range scenarios {
		s := &scenarios[i]
		o := outcome{Name: s.Name, Series: map[string]series{}}
		for _, name := range names {
			if !s.takesPart(name) {
				continue
			}
			cost := 40.0
			if strings.HasPrefix(name, shockwave) {
				cost = 20
			}
			o.Series[name] = series{round(1e6/cost, cost), round(5e5/cost, 2*cost), round(1e6/cost, cost)}
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

func TestRatiosAreOfOneRound(t *testing.T) {
	o := example().find(capacity)
	for _, f := range []func(*figures) float64{cpuOf, userOf, systemOf, mibOf} {
		if s, ok := o.ratio(shockwave, nginx, f); !ok || s.Least != .5 || s.Median != .5 || s.Most != .5 {
			t.Errorf("half of the cost in each round is %v, %t", s, ok)
		}
	}
	if s, _ := o.ratio(shockwave, nginx, rateOf); s.Median != 2 {
		t.Errorf("twice the throughput is %v", s)
	}
	if _, ok := o.ratio(shockwave, direct, cpuOf); ok {
		t.Error("a ratio to what was not loaded")
	}
	if got := o.slowest(); got != 25000 {
		t.Errorf("the slowest makes %v requests per second", got)
	}
}

// What a proxy adds is what there is beyond the backend alone.
func TestAddedLatency(t *testing.T) {
	o := outcome{Name: half, Series: map[string]series{
		shockwave: {{P99: 300}}, haproxy: {{P99: 500}}, direct: {{P99: 100}},
	}}
	if s, ok := o.added(shockwave, haproxy, p99Of); !ok || s.Median != .5 {
		t.Errorf("200 beside 400 is %v, %t", s, ok)
	}
}

func TestMergeReplacesACase(t *testing.T) {
	r := example()
	later := &results{Outcomes: []outcome{{Name: get1M, Series: map[string]series{shockwave: {round(1, 1)}}}}}
	n := len(r.Outcomes)
	r.merge(later)
	if len(r.Outcomes) != n || len(r.find(get1M).Series) != 1 || len(r.Anew) != 1 {
		t.Errorf("%d cases, %d proxies, anew %v", len(r.Outcomes), len(r.find(get1M).Series), r.Anew)
	}
}

func TestPageWantsAll(t *testing.T) {
	page, err := example().page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| CPU per request, small GET, saturation | nginx | ≤ 0.85 | ≤ 0.70 | 0.50 [0.50, 0.50] | met | met |", "# Performance"} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q in\n%s", want, page)
		}
	}
	if strings.Contains(page, "<no value>") || strings.Contains(page, "NaN") || strings.Contains(page, "%!") {
		t.Errorf("something is missing in\n%s", page)
	}
	for _, spoil := range []func(*results){
		func(r *results) { r.Outcomes = nil },
		func(r *results) { delete(r.Outcomes[3].Series, fastHTTP) },
		func(r *results) { delete(r.find(capacity).Series, arena) },
	} {
		r := example()
		spoil(r)
		if _, err := r.page(); err == nil {
			t.Error("a page was made without all figures")
		}
	}
}

// TestPageIsOfItsFigures renders the page that is published from the figures that
// were saved with it.
func TestPageIsOfItsFigures(t *testing.T) {
	r := new(results)
	err := report.Read("results.json", r)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("nothing was published yet")
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.page()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("it is another one: run go run ./bench/proxy -from bench/proxy/results.json -page docs/performance.md")
	}
}
