package main

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/bench/report"
)

func percent(share float64) string { return fmt.Sprintf("%.3f %%", 100*share) }

// core is the part of its core that a server used.
func core(s series) string {
	return fmt.Sprintf("%.0f %%", 100*s.median(func(f *figures) float64 { return f.CPU / f.Time }))
}

// present are the servers of an outcome, in order.
func (o *outcome) present() []string {
	var there []string
	for _, name := range names {
		if len(o.Series[name]) > 0 {
			there = append(there, name)
		}
	}
	return there
}

func (o *outcome) ratioText(ours, theirs string, f func(*figures) float64) string {
	if s, ok := o.ratio(ours, theirs, f); ok && ours != theirs {
		return s.String()
	}
	return report.None
}

// table is what each server needed.
func (o *outcome) table() *report.Table {
	t := &report.Table{Head: []string{
		"server", "CPU µs", "of it user", "time/op µs", "core", "CPU ÷ net/http", "CPU ÷ fasthttp",
		"B/op", "allocs/op", "GC", "RSS MB", "p50 µs", "p99 µs", "p99.9 µs",
	}}
	for _, name := range o.present() {
		s := o.Series[name]
		t.Add(name, report.Number(s.median(cpuOf), 2), report.Number(s.median(userOf), 2), report.Number(s.median(timeOf), 2), core(s),
			o.ratioText(name, netHTTP, cpuOf), o.ratioText(name, fastHTTP, cpuOf),
			report.Number(s.median(bytesOf), 1), report.Number(s.median(allocsOf), 2), percent(s.gcShare()), report.Megabytes(s.median(rssOf)),
			report.Number(s.median(p50Of), 0), report.Number(s.median(p99Of), 0), report.Number(s.median(p999Of), 0))
	}
	return t
}

// byPeers is the CPU of each mode in proportion to that of each peer.
func (r *results) byPeers() *report.Table {
	t := &report.Table{Head: []string{"case"}}
	for _, peer := range []string{netHTTP, fastHTTP} {
		for _, mode := range modes {
			t.Head = append(t.Head, mode+" ÷ "+peer)
		}
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		row := []string{o.Name}
		for _, peer := range []string{netHTTP, fastHTTP} {
			for _, mode := range modes {
				row = append(row, o.ratioText(mode, peer, cpuOf))
			}
		}
		t.Add(row...)
	}
	return t
}

// pairs are the modes that are compared with one another.
var pairs = [][2]string{{arena, standard}, {greentea, standard}, {greentea, arena}}

// byModes is the CPU of the modes in proportion to one another.
func (r *results) byModes() *report.Table {
	t := &report.Table{Head: []string{"case"}}
	for _, p := range pairs {
		t.Head = append(t.Head, p[0]+" ÷ "+p[1])
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		row := []string{o.Name}
		for _, p := range pairs {
			row = append(row, o.ratioText(p[0], p[1], cpuOf))
		}
		t.Add(row...)
	}
	return t
}

// slabTable is the part of exchanges that fitted into their slabs.
func (r *results) slabTable() *report.Table {
	t := &report.Table{Head: []string{"case", arena, greentea}}
	for i := range r.Outcomes {
		row := []string{r.Outcomes[i].Name}
		for _, mode := range t.Head[1:] {
			cell := report.None
			if ratio, ok := r.Outcomes[i].Series[mode].hits(); ok {
				cell = fmt.Sprintf("%.2f %%", 100*ratio)
			}
			row = append(row, cell)
		}
		t.Add(row...)
	}
	return t
}

func (o *outcome) sustainedTable() *report.Table {
	t := &report.Table{Head: []string{"server", "GC share of CPU", "in one round, least to most", "cycles", "B/op", "CPU µs"}}
	for _, name := range o.present() {
		s := o.Series[name]
		share := s.spread(func(f *figures) float64 { return f.GC / max(f.Busy, 1e-9) })
		t.Add(name, percent(s.gcShare()), percent(share.Least)+" to "+percent(share.Most), report.Number(s.sum(cyclesOf), 0),
			report.Number(s.median(bytesOf), 1), report.Number(s.median(cpuOf), 2))
	}
	return t
}

func (o *outcome) cyclesTable() *report.Table {
	t := &report.Table{Head: []string{"server", "cycles", "GC share of CPU", "p50 µs", "p99 µs", "p99.9 µs", "p99 ÷ net/http", "p99 ÷ fasthttp"}}
	for _, name := range o.present() {
		s := o.Series[name]
		t.Add(name, report.Number(s.sum(cyclesOf), 0), percent(s.gcShare()),
			report.Number(s.median(p50Of), 0), report.Number(s.median(p99Of), 0), report.Number(s.median(p999Of), 0),
			o.ratioText(name, netHTTP, p99Of), o.ratioText(name, fastHTTP, p99Of))
	}
	return t
}

// kept is what a burst has added to a process's memory at the end of the rest.
func kept(m *memory) float64 { return m.After - m.Before }

func spreadOfMemory(rounds []memory, f func(*memory) float64) load.Spread {
	values := make([]float64, len(rounds))
	for i := range rounds {
		values[i] = f(&rounds[i])
	}
	return load.SpreadOf(values)
}

// keptBy is how much more a burst leaves with one server than with another, round
// by round.
func (r *results) keptBy(ours, theirs string) (load.Spread, bool) {
	a, b := r.Burst[ours], r.Burst[theirs]
	if len(a) == 0 || len(a) != len(b) {
		return load.Spread{}, false
	}
	values := make([]float64, len(a))
	for i := range a {
		values[i] = kept(&a[i]) - kept(&b[i])
	}
	return load.SpreadOf(values), true
}

func (r *results) burstTable() *report.Table {
	t := &report.Table{Head: []string{
		"server", "RSS before", "at the peak", "after " + r.BurstRest, "kept [least, most]", "heap before", "at the peak", "after " + r.BurstRest,
	}}
	for _, name := range names {
		rounds := r.Burst[name]
		if len(rounds) == 0 {
			continue
		}
		mb := func(f func(*memory) float64) string { return report.Megabytes(spreadOfMemory(rounds, f).Median) }
		k := spreadOfMemory(rounds, kept)
		t.Add(name,
			mb(func(m *memory) float64 { return m.Before }), mb(func(m *memory) float64 { return m.Peak }), mb(func(m *memory) float64 { return m.After }),
			fmt.Sprintf("%s [%s, %s]", report.Megabytes(k.Median), report.Megabytes(k.Least), report.Megabytes(k.Most)),
			mb(func(m *memory) float64 { return m.Heap }), mb(func(m *memory) float64 { return m.HeapTop }), mb(func(m *memory) float64 { return m.HeapEnd }))
	}
	return t
}

// text is what is printed.
func (r *results) text() (string, error) {
	var b strings.Builder
	part := func(title string, t *report.Table) {
		if len(t.Rows) > 0 {
			fmt.Fprintf(&b, "\n%s\n\n%s", title, t.Text())
		}
	}
	m := &r.Machine
	fmt.Fprintf(&b, "%s, %d processors, %s, %s; %d rounds of %s; took %s\n", m.CPU, m.Cores, m.System, m.Go, m.Rounds, m.Window, m.Took)
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		part(fmt.Sprintf("%s: %s (latency at %.0f requests per second)", o.Name, o.Text, o.Rate), o.table())
	}
	part("CPU per request in proportion to peers: median [least, most]", r.byPeers())
	part("CPU per request in proportion to another mode: median [least, most]", r.byModes())
	part("Exchanges served wholly from their slab", r.slabTable())
	if r.Sustained != nil {
		part("The collector under sustained load: "+r.Sustained.Text, r.Sustained.sustainedTable())
	}
	if r.Cycles != nil {
		part(fmt.Sprintf("During collections: %s at %.0f requests per second", r.Cycles.Text, r.Cycles.Rate), r.Cycles.cyclesTable())
	}
	if r.Burst != nil {
		part("Memory around a burst, MB", r.burstTable())
	}
	part("Claims", r.claimsTable())
	part("Goals", r.goalsTable())
	for _, lines := range [][]string{r.advice(), r.differences(), r.losses()} {
		b.WriteString("\n- " + strings.Join(lines, "\n- ") + "\n")
	}
	return b.String(), nil
}
