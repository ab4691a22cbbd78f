package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/bench/report"
)

// table is what each proxy needed in one scenario.
func (o *outcome) table() *report.Table {
	s := o.scenario()
	if s.Idle {
		return o.idleTable()
	}
	t := &report.Table{Head: []string{"proxy", "requests/s", "CPU µs", "user µs", "system µs"}}
	if s.perMiB() {
		t.Head = append(t.Head, "CPU µs/MiB")
	}
	t.Head = append(t.Head, "p50", "p99", "p99.9", "RSS MB", "allocs/request", "upstream conns/request", "its core", "other core")
	for _, name := range o.present() {
		rounds := o.Series[name]
		number := func(f func(*figures) float64, decimals int) string {
			if name == direct {
				return report.None
			}
			return report.Number(rounds.median(f), decimals)
		}
		latency := func(f func(*figures) float64) string {
			d := time.Duration(rounds.median(f)) * time.Microsecond
			return d.String()
		}
		percent := func(f func(*figures) float64) string { return fmt.Sprintf("%.0f %%", 100*rounds.median(f)) }
		row := []string{name, report.Number(rounds.median(rateOf), 0), number(cpuOf, 2), number(userOf, 2), number(systemOf, 2)}
		if s.perMiB() {
			row = append(row, number(mibOf, 0))
		}
		row = append(row, latency(p50Of), latency(p99Of), latency(p999Of))
		if name == direct {
			row = append(row, report.None, report.None, report.None, report.None, percent(otherOf))
		} else {
			allocs := report.None
			if n := rounds.median(allocsOf); n >= 0 {
				allocs = report.Number(n, 3)
			}
			row = append(row, report.Megabytes(rounds.median(rssOf)), allocs, report.Number(rounds.median(upstreamOf), 5), percent(coreOf), percent(otherOf))
		}
		t.Add(row...)
	}
	return t
}

// idleTable is what idle connections take.
func (o *outcome) idleTable() *report.Table {
	n := o.scenario().Connections
	t := &report.Table{Head: []string{"proxy", "RSS before, MB", "with them, MB", "added, MB [least, most]", "bytes per connection"}}
	for _, name := range o.present() {
		rounds := o.Series[name]
		added := rounds.spread(addedOf)
		t.Add(name, report.Megabytes(rounds.median(beforeOf)), report.Megabytes(rounds.median(rssOf)),
			fmt.Sprintf("%s [%s, %s]", report.Megabytes(added.Median), report.Megabytes(added.Least), report.Megabytes(added.Most)),
			report.Number(added.Median/float64(n), 0))
	}
	return t
}

// measure is a figure that proxies are compared by. Less of it is better, or more.
type measure struct {
	name string
	of   func(*figures) float64
	more bool
}

// measures are those that count in a scenario.
func (s *scenario) measures() []measure {
	if s.Idle {
		return []measure{{"RSS added", addedOf, false}, {"RSS in all", rssOf, false}}
	}
	list := []measure{{"CPU/request", cpuOf, false}, {"user CPU/request", userOf, false}}
	if s.perMiB() {
		list[0] = measure{"CPU/MiB", mibOf, false}
	}
	if !s.Half {
		list = append(list, measure{"requests/s", rateOf, true})
	}
	return append(list, measure{"p99", p99Of, false}, measure{"p99.9", p999Of, false}, measure{"RSS", rssOf, false})
}

// ratiosTable is each of ours in proportion to each peer, and the modes to the first.
func (o *outcome) ratiosTable() *report.Table {
	s := o.scenario()
	t := &report.Table{Head: []string{"ratio"}}
	for _, m := range s.measures() {
		t.Head = append(t.Head, m.name)
	}
	for _, p := range o.pairs() {
		row := []string{p[0] + " ÷ " + p[1]}
		for _, m := range s.measures() {
			ratio, _ := o.ratio(p[0], p[1], m.of)
			row = append(row, ratio.String())
		}
		t.Add(row...)
	}
	return t
}

// pairs are those that are compared: one of ours and a peer, or the first of ours; and
// what can be compared to the floor.
func (o *outcome) pairs() (list [][2]string) {
	add := func(one, other string) {
		if _, ok := o.ratio(one, other, rateOf); ok && one != other {
			list = append(list, [2]string{one, other})
		}
	}
	for _, one := range ours {
		for _, other := range append([]string{shockwave}, peers...) {
			add(one, other)
		}
	}
	for _, one := range []string{shockwave, nginx, haproxy} {
		add(one, floor)
	}
	return list
}

// verdict is what ratios allow to say.
func (r *results) verdict(s load.Spread) load.Verdict {
	if r.Machine.Rounds < enoughRounds {
		return load.Alike
	}
	return s.Verdict()
}

// losses and gains say where Shockwave, as it comes, does worse and better than each
// peer: in every round, and by a hundredth at the median.
func (r *results) losses() []string { return r.contest(true) }
func (r *results) gains() []string  { return r.contest(false) }

func (r *results) contest(worse bool) (lines []string) {
	if r.Machine.Rounds < enoughRounds {
		return []string{fmt.Sprintf("So few rounds (%d) allow no conclusion: it takes %d.", r.Machine.Rounds, enoughRounds)}
	}
	for _, peer := range peers {
		var parts []string
		for i := range r.Outcomes {
			o := &r.Outcomes[i]
			s := o.scenario()
			var found []string
			for _, m := range s.measures() {
				ratio, ok := o.ratio(shockwave, peer, m.of)
				if v := r.verdict(ratio); ok && v != load.Alike && (v == load.More) == (worse != m.more) {
					found = append(found, fmt.Sprintf("%s %s", m.name, ratio))
				}
			}
			if len(found) > 0 {
				parts = append(parts, o.Name+": "+strings.Join(found, ", "))
			}
		}
		if len(parts) > 0 {
			lines = append(lines, fmt.Sprintf("Beside **%s**. %s.", peer, strings.Join(parts, "; ")))
		}
	}
	if len(lines) == 0 {
		lines = []string{"Nowhere, beyond the noise."}
	}
	return lines
}

// saturated is what a core is busy that cannot do more.
const saturated = .97

// limited names the proxies of each scenario that were not what limited them: their
// core had time left while the other had none.
func (r *results) limited() (lines []string) {
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if s := o.scenario(); s.Idle || s.Half {
			continue
		}
		idle := slices.DeleteFunc(o.present(), func(name string) bool {
			s := o.Series[name]
			return s.median(coreOf) >= saturated || s.median(otherOf) < saturated
		})
		if len(idle) > 0 {
			lines = append(lines, fmt.Sprintf("%s: the load and the backend limited %s; their requests/s and latency are not theirs, CPU is.", o.Name, report.And(idle)))
		}
	}
	return lines
}

// text is what is printed.
func (r *results) text() string {
	var b strings.Builder
	m := &r.Machine
	fmt.Fprintf(&b, "%s, %d processors, %s, %s; %s; %d rounds of %s; took %s\n",
		m.CPU, m.Cores, m.System, m.Go, strings.Join(m.Peers, ", "), m.Rounds, m.Window, m.Took)
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		fmt.Fprintf(&b, "\n%s: %s%s.\n\n%s", o.Name, o.scenario().Text, o.rateText(), o.table().Text())
		if t := o.ratiosTable(); len(t.Rows) > 0 {
			fmt.Fprintf(&b, "\nRatios, round by round: median [least, most]\n\n%s", t.Text())
		}
	}
	if t := r.targetsTable(); len(t.Rows) > 0 {
		fmt.Fprintf(&b, "\nTargets\n\n%s", t.Text())
	}
	for _, line := range r.limited() {
		b.WriteString("\n" + line + "\n")
	}
	return b.String()
}

func (o *outcome) rateText() string {
	if o.Rate == 0 {
		return ""
	}
	return fmt.Sprintf("; %.0f requests per second", o.Rate)
}
