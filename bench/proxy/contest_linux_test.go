package main

import (
	"strings"
	"testing"
)

// TestWhereItDoesWorse spoils one figure of a run in which Shockwave needs half of
// what the others do.
func TestWhereItDoesWorse(t *testing.T) {
	r := example()
	for i := range r.find(get1M).Series[shockwave] {
		f := &r.find(get1M).Series[shockwave][i]
		f.MiB, f.Rate = 3*f.MiB, f.Rate/4
	}
	losses := strings.Join(r.losses(), "\n")
	if want := "Beside **nginx**. get-1m: CPU/MiB 1.50 [1.50, 1.50], requests/s 0.50 [0.50, 0.50]."; !strings.Contains(losses, want) {
		t.Errorf("there is no %q in\n%s", want, losses)
	}
	gains := strings.Join(r.gains(), "\n")
	if want := "get: CPU/request 0.50 [0.50, 0.50], user CPU/request 0.50 [0.50, 0.50], requests/s 2.00 [2.00, 2.00]; get-half:"; !strings.Contains(gains, want) {
		t.Errorf("there is no %q in\n%s", want, gains)
	}
	if strings.Contains(gains, "CPU/MiB 1.50") || strings.Contains(losses, "get:") {
		t.Errorf("losses:\n%s\ngains:\n%s", losses, gains)
	}
	if got := example().losses(); len(got) != 1 || !strings.HasPrefix(got[0], "Nowhere") {
		t.Errorf("got %q", got)
	}
}

// TestFewRoundsSayNothing wants no verdict from two rounds.
func TestFewRoundsSayNothing(t *testing.T) {
	r := example()
	r.Machine.Rounds = enoughRounds - 1
	for _, lines := range [][]string{r.losses(), r.gains()} {
		if len(lines) != 1 || !strings.Contains(lines[0], "no conclusion") {
			t.Errorf("got %q", lines)
		}
	}
	if text := r.targetsTable().Text(); strings.Contains(text, " met") || !strings.Contains(text, "too few rounds") {
		t.Errorf("got\n%s", text)
	}
}

func TestTargets(t *testing.T) {
	r := example()
	for _, name := range ours {
		for i := range r.find(capacity).Series[name] {
			f := &r.find(capacity).Series[name][i]
			f.Allocs, f.Upstream = 0, .0005
		}
	}
	for i := range r.find(tlsGet).Series[arena] {
		r.find(tlsGet).Series[arena][i].Allocs = 1
	}
	for i := range r.find(idle).Series[shockwave] {
		r.find(idle).Series[shockwave][i].RSS = 21e6
	}
	text := r.targetsTable().Markdown()
	for _, want := range []string{
		"| user-space CPU per request | nginx | ≤ 0.50 | ≤ 0.30 | 0.50 [0.50, 0.50] | met | **not met** |",
		"| heap allocations per request, get, greentea | – | 0.00 | 0.00 | 0.000 | met | met |",
		"| heap allocations per request, tls-get, arena | – | – | 0.00 | 1.000 | – | **not met** |",
		"| RSS of 10,000 idle keep-alive connections | – | ≤ 40 MB | ≤ 5 MB | 20.0 MB | met | **not met** |",
		"| reuse of upstream connections, 64 connections | – | ≥ 99.9 % | ≥ 99.99 % | 99.9500 % | met | **not met** |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

// TestWhoLimits names proxies whose core had time left while the load had none.
func TestWhoLimits(t *testing.T) {
	r := example()
	if got := r.limited(); got != nil {
		t.Errorf("got %q", got)
	}
	o := r.find(tlsGet)
	for name, busy := range map[string][2]float64{shockwave: {.8, 1}, nginx: {1, 1}, haproxy: {.7, .9}} {
		for i := range o.Series[name] {
			o.Series[name][i].Core, o.Series[name][i].Other = busy[0], busy[1]
		}
	}
	got := r.limited()
	if len(got) != 1 || !strings.HasPrefix(got[0], "tls-get: the load and the backend limited shockwave;") {
		t.Errorf("got %q", got)
	}
}

// TestMergeAddsACase keeps the order of the cases.
func TestMergeAddsACase(t *testing.T) {
	r, later := example(), example()
	later.Outcomes = []outcome{*later.find(get1M)}
	r.Outcomes = append(r.Outcomes[:4:4], r.Outcomes[5:]...)
	if r.find(get1M) != nil {
		t.Fatal("it is there already")
	}
	r.merge(later)
	for i, s := range scenarios {
		if r.Outcomes[i].Name != s.Name {
			t.Errorf("case %d is %s, want %s", i, r.Outcomes[i].Name, s.Name)
		}
	}
}
