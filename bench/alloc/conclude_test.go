package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/report"
)

// rounds is a series whose CPU, time and p99 are these, in each round.
func rounds(values ...float64) series {
	var s series
	for _, v := range values {
		s = append(s, figures{CPU: v, User: v / 4, Time: 2 * v, P50: v, P99: 10 * v, P999: 20 * v, RSS: 1e8, Busy: 1})
	}
	return s
}

// example is a run in which arena needs less CPU than standard in one case,
// greentea is like standard, and fasthttp wins the other case.
func example() *results {
	all, _ := scenarios()
	r := &results{
		Machine:   machine{report.Machine{CPU: "a processor", Cores: 2, Memory: 8e9, System: "Linux 6", Go: "go1.26", Date: time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC), Command: "make bench-alloc", Rounds: 3, Window: "1s", Took: "1m0s"}, "mmap"},
		Burst:     map[string][]memory{},
		BurstRest: "5s",
	}
	for _, s := range all {
		o := outcome{Name: s.Name, Text: s.Text, Rate: 1000, Series: map[string]series{
			// The machine was twice as slow in the second round, for all alike.
			standard: rounds(10, 20, 10), arena: rounds(10, 20.5, 9.9), greentea: rounds(10, 19.8, 10.2),
			netHTTP: rounds(20, 40, 20), fastHTTP: rounds(11, 22, 11),
		}}
		switch s.Name {
		case "JSON":
			o.Series[arena] = rounds(9, 18, 9)
		case "POST4K":
			o.Series[fastHTTP] = rounds(8, 16, 8)
		case "Mixed":
			for i := range o.Series[greentea] {
				f := &o.Series[greentea][i]
				f.Exchanges, f.Misses, f.Bytes = 1000, 20, 12
			}
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	r.Sustained = &outcome{Name: "Sustained", Text: "the mixed set", Series: map[string]series{}}
	r.Cycles = &outcome{Name: "Sustained", Text: "the mixed set", Rate: 500, Series: map[string]series{}}
	for i, name := range names {
		r.Sustained.Series[name] = rounds(10, 20, 10)
		r.Cycles.Series[name] = rounds(10, 20, 10)
		for j := range 3 {
			r.Burst[name] = append(r.Burst[name], memory{Before: 1e8, Peak: 2e8, After: 1e8 + float64(i*10+j)*1e6, Heap: 5e7, HeapTop: 6e7, HeapEnd: 5e7})
		}
	}
	for i := range r.Sustained.Series[netHTTP] {
		r.Sustained.Series[netHTTP][i].GC = .02
	}
	r.Sustained.Series[standard][0].GC = .03 // one cycle in three rounds: 1 %
	return r
}

func TestContest(t *testing.T) {
	r := example()
	for _, c := range []struct {
		ours, theirs string
		want         string
	}{
		{arena, standard, fmt.Sprintf("CPU per request: arena has less in JSON (0.90 [0.90, 0.90]) than standard; in the other %d cases they do not differ beyond the noise.", len(r.Outcomes)-1)},
		{greentea, standard, "CPU per request: greentea and standard do not differ beyond the noise in any case."},
		{standard, "nginx", ""},
	} {
		got := r.contest(c.ours, c.theirs, cpuMeasure)
		if text := got.sentence(c.ours, c.theirs, cpuMeasure); text != c.want {
			t.Errorf("got  %s\nwant %s", text, c.want)
		}
	}
	r.Machine.Rounds = 1
	if c := r.contest(arena, standard, cpuMeasure); c.alike != c.total() {
		t.Error("one round allows a verdict")
	}
	for _, lines := range [][]string{r.advice(), r.differences(), r.losses()} {
		if len(lines) != 1 || !strings.Contains(lines[0], "no conclusion") {
			t.Errorf("from one round: %q", lines)
		}
	}
}

func TestAdvice(t *testing.T) {
	want := []string{
		"**standard** where nothing else is asked for: it is the default.",
		fmt.Sprintf("**arena** where one of these counts: less CPU per request in 1 of %d cases. It costs: more memory kept after a burst.", len(example().Outcomes)),
		"**greentea**: these figures give no reason to prefer it to standard; it has more memory kept after a burst.",
		"Under sustained load the collector took less than 0.100 % of the CPU with arena (0.000 %) and greentea (0.000 %), and more with standard (1.000 %).",
	}
	if got := example().advice(); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLosses(t *testing.T) {
	got := example().losses()
	if len(got) != 3 || !strings.HasPrefix(got[0], "**standard** needs more: CPU per request, beside fasthttp, in POST4K (1.25 [1.25, 1.25]); p99, beside fasthttp, in POST4K") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	r := example()
	for i := range r.Outcomes {
		r.Outcomes[i].Series[fastHTTP] = rounds(11, 22, 11)
	}
	if got := r.losses()[2]; got != "**greentea** needs more than net/http or fasthttp nowhere." {
		t.Errorf("got %s", got)
	}
}

func TestClaims(t *testing.T) {
	r := example()
	text := r.claimsTable().Text()
	for _, want := range []string{"2.00 [1.95, 2.02]; by time/op 2.00 [1.95, 2.02]      yes", "0.00 and 0.0 B      yes", "1.000 %   **no**", "98.00 %      yes", "12.0 B      yes"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	r.find("KeepAlive").Series[netHTTP] = rounds(15, 30, 15)
	if !strings.Contains(r.claimsTable().Text(), "1.50 [1.46, 1.52]; by time/op 1.50 [1.46, 1.52]   **no**") {
		t.Errorf("1.5 times as fast was taken for 1.75:\n%s", r.claimsTable().Text())
	}
}

func TestGoals(t *testing.T) {
	r := example()
	if text := r.goalsTable().Text(); !strings.Contains(text, "2.00 [1.95, 2.02]   **no**") {
		t.Errorf("twice as fast was taken for 2.5 times:\n%s", text)
	}
	o := r.find("ServerAlone")
	o.Series[netHTTP], o.Series[fastHTTP] = rounds(30, 60, 30), rounds(9, 18, 9)
	text := r.goalsTable().Text()
	if !strings.Contains(text, "3.00 [2.93, 3.03]      yes") {
		t.Errorf("three times as fast was not enough:\n%s", text)
	}
	if !strings.Contains(text, "1.11 [1.10, 1.14]   **no**") {
		t.Errorf("more CPU than fasthttp was not told:\n%s", text)
	}
}

func TestMergeReplacesACase(t *testing.T) {
	r, later := example(), example()
	later.Outcomes = later.Outcomes[:1]
	later.Outcomes[0].Series[standard] = rounds(1, 1, 1)
	later.Machine.Date = r.Machine.Date.Add(time.Hour)
	r.merge(later)
	name := later.Outcomes[0].Name
	if got := r.find(name).Series[standard].median(cpuOf); got != 1 {
		t.Errorf("%s has %v", name, got)
	}
	if len(r.Anew) != 1 || r.Anew[0].Case != name || !r.Anew[0].Date.Equal(later.Machine.Date) {
		t.Errorf("it says %+v", r.Anew)
	}
}

func TestGCShareIsOverAllRounds(t *testing.T) {
	s := series{{GC: 0, Busy: 1}, {GC: .3, Busy: 2}, {GC: 0, Busy: 3}}
	if got := s.gcShare(); got < .0499 || got > .0501 {
		t.Errorf("got %v, want 0.05", got)
	}
	if got := (series{{}}).gcShare(); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestPage renders the page from invented figures, and once more after they were
// saved.
func TestPage(t *testing.T) {
	r := example()
	page, err := r.page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"On 9 June 2026, with `make bench-alloc`: a processor, 2 processors, 8.0 GB of memory, Linux 6, go1.26; 3 rounds of\n1s each, 1m0s in all.",
		"| JSON | 0.50 [0.50, 0.50] | 0.45 [0.45, 0.45] | 0.50 [0.49, 0.51] |",
		"| JSON | 0.90 [0.90, 0.90] | 1.00 [0.99, 1.02] |",
		"| Mixed | – | 98.00 % |",
		"Latency at 1000 requests per second.",
		"### Pipelined16",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if strings.Contains(page, "<no value>") || strings.Contains(page, "NaN") || strings.Contains(page, "%!") {
		t.Errorf("something is missing in\n%s", page)
	}
	path := filepath.Join(t.TempDir(), "results.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	again, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, again) {
		t.Error("saved figures are others")
	}
	if _, err := r.text(); err != nil {
		t.Error(err)
	}
}

func TestPageWantsAll(t *testing.T) {
	for _, spoil := range []func(*results){
		func(r *results) { r.Outcomes = nil },
		func(r *results) { delete(r.Outcomes[3].Series, fastHTTP) },
		func(r *results) { r.Sustained = nil },
		func(r *results) { r.Burst = nil },
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
	r, err := readResults("results.json")
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
	got, err := os.ReadFile("../../docs/allocation-modes.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("it is another one: run go run ./bench/alloc -from bench/alloc/results.json -page docs/allocation-modes.md")
	}
}
