package main

import (
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/bench/report"
)

// The servers that are compared, in the order of a round.
const (
	standard = "standard"
	arena    = "arena"
	greentea = "greentea"
	netHTTP  = "net/http"
	fastHTTP = "fasthttp"
)

var (
	modes = []string{standard, arena, greentea}
	names = []string{standard, arena, greentea, netHTTP, fastHTTP}
)

// figures are what one server needed in one round. Times per request are in
// microseconds.
type figures struct {
	CPU  float64 `json:"cpu"`  // of the process's user and system time
	User float64 `json:"user"` // the user's part
	Time float64 `json:"time"` // 1/throughput of the closed loop

	Bytes  float64 `json:"bytes"`  // allocated on the Go heap, per request
	Allocs float64 `json:"allocs"` // per request

	GC     float64 `json:"gc"`     // seconds of CPU that the collector took
	Busy   float64 `json:"busy"`   // seconds of CPU that the process took
	Cycles float64 `json:"cycles"` // of the collector

	RSS float64 `json:"rss"` // bytes, at the end of the closed loop

	P50  float64 `json:"p50"` // of the open loop
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`

	// Exchanges that ended, and those of them that did not fit into their slab.
	Exchanges float64 `json:"exchanges"`
	Misses    float64 `json:"misses"`
}

// series is the figures of one server, one for each round.
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

func cpuOf(f *figures) float64    { return f.CPU }
func userOf(f *figures) float64   { return f.User }
func timeOf(f *figures) float64   { return f.Time }
func bytesOf(f *figures) float64  { return f.Bytes }
func allocsOf(f *figures) float64 { return f.Allocs }
func rssOf(f *figures) float64    { return f.RSS }
func p50Of(f *figures) float64    { return f.P50 }
func p99Of(f *figures) float64    { return f.P99 }
func p999Of(f *figures) float64   { return f.P999 }
func cyclesOf(f *figures) float64 { return f.Cycles }
func gcOf(f *figures) float64     { return f.GC }
func busyOf(f *figures) float64   { return f.Busy }

func (s series) sum(f func(*figures) float64) (sum float64) {
	for _, v := range s.of(f) {
		sum += v
	}
	return sum
}

// gcShare is the collector's part of the CPU time over all rounds, from 0 to 1.
func (s series) gcShare() float64 {
	busy := s.sum(busyOf)
	if busy == 0 {
		return 0
	}
	return s.sum(gcOf) / busy
}

// hits is the part of exchanges that were served wholly from their slab. ok is
// false for a server that has none.
func (s series) hits() (ratio float64, ok bool) {
	exchanges := s.sum(func(f *figures) float64 { return f.Exchanges })
	if exchanges == 0 {
		return 0, false
	}
	return 1 - s.sum(func(f *figures) float64 { return f.Misses })/exchanges, true
}

// outcome is what came of one scenario: the series of each server.
type outcome struct {
	Name   string            `json:"name"`
	Text   string            `json:"text"`
	Rate   float64           `json:"rate"` // of the open loop, requests per second
	Series map[string]series `json:"series"`
}

// ratio is the spread of a figure of ours by theirs, round by round. ok is false
// when one of them was not run.
func (o *outcome) ratio(ours, theirs string, f func(*figures) float64) (s load.Spread, ok bool) {
	a, b := o.Series[ours], o.Series[theirs]
	if len(a) == 0 || len(a) != len(b) {
		return s, false
	}
	return load.Ratios(a.of(f), b.of(f)), true
}

// memory is what a process held around a burst, in bytes.
type memory struct {
	Before  float64 `json:"before"` // resident
	Peak    float64 `json:"peak"`
	After   float64 `json:"after"`
	Heap    float64 `json:"heap"` // of it in use by the Go heap, before
	HeapTop float64 `json:"heap_top"`
	HeapEnd float64 `json:"heap_end"`
}

// machine is where and how a run was made.
type machine struct {
	report.Machine
	Chunks string `json:"chunks"` // where arena mode has its memory from
}

// results are a whole run.
type results struct {
	Machine   machine             `json:"machine"`
	Outcomes  []outcome           `json:"outcomes"`
	Sustained *outcome            `json:"sustained,omitempty"`
	Cycles    *outcome            `json:"cycles,omitempty"`
	Burst     map[string][]memory `json:"burst,omitempty"`
	BurstRest string              `json:"burst_rest,omitempty"` // the time to After
	// Anew are cases that were measured after the others.
	Anew []anew `json:"anew,omitempty"`
}

// anew is a case that was measured after the others, in a run of its own.
type anew struct {
	Case string    `json:"case"`
	Date time.Time `json:"date"`
}

// merge replaces cases of r with those of a later run on the same machine.
func (r *results) merge(later *results) {
	for _, o := range later.Outcomes {
		if old := r.find(o.Name); old != nil {
			*old = o
			r.Anew = append(r.Anew, anew{o.Name, later.Machine.Date})
		}
	}
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

// save writes r as JSON.
func (r *results) save(path string) error { return report.Save(path, r) }

func readResults(path string) (*results, error) {
	r := new(results)
	return r, report.Read(path, r)
}
