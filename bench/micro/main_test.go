package main

import (
	"strings"
	"testing"
)

func TestReportComparesRoundByRound(t *testing.T) {
	results := make(map[string]map[string][]*benchmark)
	for _, round := range []string{
		"BenchmarkHead/shockwave-2  100  10 ns/op  0 B/op  0 allocs/op\nBenchmarkHead/net/http-2  100  40 ns/op  64 B/op  2 allocs/op\n",
		"BenchmarkHead/shockwave-2  100  20 ns/op  0 B/op  0 allocs/op\nBenchmarkHead/net/http-2  100  40 ns/op  64 B/op  2 allocs/op\n",
		"BenchmarkHead/shockwave-2  100  10 ns/op  0 B/op  0 allocs/op\nBenchmarkHead/net/http-2  100  30 ns/op  64 B/op  2 allocs/op\nPASS\n",
	} {
		if err := collect(results, []byte(round)); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	if err := report(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"net/http   40     64    2          3.00 [2.00, 4.00]", "shockwave  10     0     0          1.00 [1.00, 1.00]"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

func TestReportWantsOursInEachBenchmark(t *testing.T) {
	results := make(map[string]map[string][]*benchmark)
	if err := collect(results, []byte("BenchmarkHead/fasthttp-2  100  10 ns/op\n")); err != nil {
		t.Fatal(err)
	}
	if report(new(strings.Builder), results) == nil {
		t.Error("there is nothing to compare with, and no error")
	}
}
