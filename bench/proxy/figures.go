package main

import (
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/bench/report"
)

// figures are what one proxy needed in one round. Times are in microseconds.
type figures struct {
	Rate   float64 `json:"rate,omitempty"` // requests per second
	User   float64 `json:"user,omitempty"` // CPU per request
	System float64 `json:"system,omitempty"`
	MiB    float64 `json:"mib,omitempty"` // CPU per MiB of bodies

	P50  float64 `json:"p50,omitempty"`
	P99  float64 `json:"p99,omitempty"`
	P999 float64 `json:"p999,omitempty"`

	// RSS is in bytes. Before is what it was without the idle connections.
	RSS    float64 `json:"rss"`
	Before float64 `json:"before,omitempty"`

	// Allocs are heap allocations per request, or negative if not known.
	Allocs float64 `json:"allocs"`
	// Upstream is the connections to the backend that were made per request.
	Upstream float64 `json:"upstream"`

	// Core and Other are the parts of the window that the core of the proxy and
	// the one of the load were busy.
	Core  float64 `json:"core,omitempty"`
	Other float64 `json:"other,omitempty"`
}

func rateOf(f *figures) float64     { return f.Rate }
func cpuOf(f *figures) float64      { return f.User + f.System }
func userOf(f *figures) float64     { return f.User }
func systemOf(f *figures) float64   { return f.System }
func mibOf(f *figures) float64      { return f.MiB }
func p50Of(f *figures) float64      { return f.P50 }
func p99Of(f *figures) float64      { return f.P99 }
func p999Of(f *figures) float64     { return f.P999 }
func rssOf(f *figures) float64      { return f.RSS }
func beforeOf(f *figures) float64   { return f.Before }
func addedOf(f *figures) float64    { return f.RSS - f.Before }
func allocsOf(f *figures) float64   { return f.Allocs }
func upstreamOf(f *figures) float64 { return f.Upstream }
func coreOf(f *figures) float64     { return f.Core }
func otherOf(f *figures) float64    { return f.Other }

// series is the figures of one proxy, one for each round.
type series []figures

// of is one figure of each round.
func (s series) of(f func(*figures) float64) []float64 {
	values := make([]float64, len(s))
	for i := range s {
		values[i] = f(&s[i])
	}
	return values
}

func (s series) spread(f func(*figures) float64) load.Spread { return load.SpreadOf(s.of(f)) }
func (s series) median(f func(*figures) float64) float64     { return s.spread(f).Median }

// outcome is what came of one scenario: the series of each proxy.
type outcome struct {
	Name string `json:"name"`
	// Rate is that of an open loop, in requests per second.
	Rate   float64           `json:"rate,omitempty"`
	Series map[string]series `json:"series"`
}

// scenario is the one that o came of.
func (o *outcome) scenario() scenario {
	s, ok := find(o.Name)
	if !ok {
		return scenario{Name: o.Name}
	}
	return s
}

// present are the proxies of an outcome, in order.
func (o *outcome) present() []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(o.Series[name]) == 0 })
}

// whole tells whether everything that can be there is.
func (o *outcome) whole() bool {
	s := o.scenario()
	return !slices.ContainsFunc(names, func(name string) bool { return s.takesPart(name) && len(o.Series[name]) == 0 })
}

// ratio is the spread of a figure of one proxy by another's, round by round. ok is
// false when one of them was not run.
func (o *outcome) ratio(one, other string, f func(*figures) float64) (s load.Spread, ok bool) {
	a, b := o.Series[one], o.Series[other]
	if len(a) == 0 || len(a) != len(b) {
		return s, false
	}
	return load.Ratios(a.of(f), b.of(f)), true
}

// added is the spread of what one proxy adds to a latency of the backend alone, by
// what another adds. What is not more than the backend's is taken for a microsecond.
func (o *outcome) added(one, other string, f func(*figures) float64) (s load.Spread, ok bool) {
	a, b, d := o.Series[one], o.Series[other], o.Series[direct]
	if len(a) == 0 || len(a) != len(b) || len(a) != len(d) {
		return s, false
	}
	beyond := func(s series) []float64 {
		values := s.of(f)
		for i := range values {
			values[i] = max(1, values[i]-f(&d[i]))
		}
		return values
	}
	return load.Ratios(beyond(a), beyond(b)), true
}

// slowest is the throughput of the slowest proxy.
func (o *outcome) slowest() float64 {
	least := 0.0
	for _, s := range o.Series {
		if rate := s.median(rateOf); least == 0 || rate < least {
			least = rate
		}
	}
	return least
}

// machine is where and how a run was made.
type machine struct {
	report.Machine
	// Peers are their names with their versions.
	Peers []string `json:"peers"`
	Hosts int      `json:"hosts"`
}

// results are a whole run.
type results struct {
	Machine  machine   `json:"machine"`
	Outcomes []outcome `json:"outcomes"`
	// Anew are cases that were measured after the others.
	Anew []anew `json:"anew,omitempty"`
}

// anew is a case that was measured after the others, in a run of its own.
type anew struct {
	Case string    `json:"case"`
	Date time.Time `json:"date"`
}

// merge puts the cases of a later run on the same machine into r, in place of those
// that it has already.
func (r *results) merge(later *results) {
	for _, o := range later.Outcomes {
		if old := r.find(o.Name); old != nil {
			*old = o
		} else {
			r.Outcomes = append(r.Outcomes, o)
		}
		r.Anew = append(slices.DeleteFunc(r.Anew, func(a anew) bool { return a.Case == o.Name }), anew{o.Name, later.Machine.Date})
	}
	place := func(o outcome) int {
		return slices.IndexFunc(scenarios, func(s scenario) bool { return s.Name == o.Name })
	}
	slices.SortStableFunc(r.Outcomes, func(a, b outcome) int { return place(a) - place(b) })
}

// find returns the outcome of a scenario, or nil.
func (r *results) find(name string) *outcome {
	for i := range r.Outcomes {
		if r.Outcomes[i].Name == name {
			return &r.Outcomes[i]
		}
	}
	return nil
}
