package main

import (
	"fmt"

	"github.com/shockwave-ingress/shockwave/bench/report"
)

// enoughRounds is how many rounds allow to say that something is so.
const enoughRounds = 3

// bound is a target that a ratio of Shockwave's figure to a peer's must not exceed.
type bound struct {
	what, in, peer string
	of             func(*figures) float64
	beyondDirect   bool // it is about what a proxy adds to the backend alone
	first, then    float64
}

// bounds are the targets that are ratios.
var bounds = []bound{
	{"CPU per request, small GET, saturation", capacity, nginx, cpuOf, false, .85, .70},
	{"CPU per request, small GET, saturation", capacity, haproxy, cpuOf, false, .90, .70},
	{"user-space CPU per request", capacity, nginx, userOf, false, .5, .3},
	{"user-space CPU per request", capacity, haproxy, userOf, false, .5, .3},
	{"CPU per request", capacity, httputil, cpuOf, false, .27, .22},
	{"CPU per request at half load", half, nginx, cpuOf, false, .90, .80},
	{"p99 added over direct, half load", half, haproxy, p99Of, true, 1, .7},
	{"p99.9 added over direct, half load", half, haproxy, p999Of, true, 1, .7},
	{"1 MB responses, CPU per MiB", get1M, nginx, mibOf, false, .5, .45},
	{"1 MB responses, CPU per MiB", get1M, haproxy, mibOf, false, .7, .6},
	{"TLS 1.3 full handshake and one request, CPU", handshake, nginx, cpuOf, false, .8, .65},
}

// allocationFree are the cases in which a request should allocate nothing: those of
// the first target, and those of the then.
var allocationFree = map[string][2]bool{
	capacity: {true, true},
	get100K:  {false, true},
	get1M:    {false, true},
	post1K:   {false, true},
	post1M:   {false, true},
	tlsGet:   {false, true},
}

// targetsTable sets the figures against what Shockwave is to reach.
func (r *results) targetsTable() *report.Table {
	t := &report.Table{Head: []string{"what", "beside", "first target", "then", "measured", "first", "then"}}
	add := func(what, beside, first, then, measured string, metFirst, metThen string) {
		t.Add(what, beside, first, then, measured, metFirst, metThen)
	}
	for _, b := range bounds {
		o := r.find(b.in)
		if o == nil {
			continue
		}
		ratio := o.ratio
		if b.beyondDirect {
			ratio = o.added
		}
		if s, ok := ratio(shockwave, b.peer, b.of); ok {
			add(b.what, b.peer, limit(b.first), limit(b.then), s.String(), r.met(s.Median <= b.first), r.met(s.Median <= b.then))
		}
	}
	for _, sc := range scenarios {
		which, wanted := allocationFree[sc.Name]
		o := r.find(sc.Name)
		if !wanted || o == nil {
			continue
		}
		for _, name := range ours {
			s := o.Series[name]
			if len(s) == 0 {
				continue
			}
			n := s.median(allocsOf)
			first, metFirst := report.None, report.None
			if which[0] {
				first, metFirst = "0.00", r.met(n < .005)
			}
			add(fmt.Sprintf("heap allocations per request, %s, %s", sc.Name, modeOf(name)), report.None, first, "0.00", report.Number(n, 3), metFirst, r.met(n < .005))
		}
	}
	if o := r.find(idle); o != nil && len(o.Series[shockwave]) > 0 {
		mb := o.Series[shockwave].median(addedOf) / 1e6 * 10000 / float64(o.scenario().Connections)
		add("RSS of 10,000 idle keep-alive connections", report.None, "≤ 40 MB", "≤ 5 MB", report.Number(mb, 1)+" MB", r.met(mb <= 40), r.met(mb <= 5))
	}
	if o := r.find(capacity); o != nil && len(o.Series[shockwave]) > 0 {
		reuse := 100 * (1 - o.Series[shockwave].median(upstreamOf))
		add("reuse of upstream connections, 64 connections", report.None, "≥ 99.9 %", "≥ 99.99 %", fmt.Sprintf("%.4f %%", reuse), r.met(reuse >= 99.9), r.met(reuse >= 99.99))
	}
	return t
}

func limit(v float64) string { return fmt.Sprintf("≤ %.2f", v) }

// met says whether a target is met, where there were rounds enough to say so.
func (r *results) met(ok bool) string {
	switch {
	case r.Machine.Rounds < enoughRounds:
		return "too few rounds"
	case ok:
		return "met"
	}
	return "**not met**"
}

// modeOf is the allocation mode of one of ours.
func modeOf(name string) string {
	switch name {
	case arena:
		return "arena"
	case greentea:
		return "greentea"
	}
	return "standard"
}
