package main

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/bench/report"
)

// What the page says in words follows from the figures here. Two servers differ in
// a case when one needed less in every round, and by a hundredth at the median;
// otherwise, and when there were few rounds, they do not differ beyond the noise.

// enoughRounds is how many rounds allow to say that two servers differ.
const enoughRounds = 3

// tooFew stands for conclusions that few rounds do not allow.
func (r *results) tooFew() []string {
	if r.Machine.Rounds >= enoughRounds {
		return nil
	}
	return []string{fmt.Sprintf("So few rounds (%d) allow no conclusion: it takes %d.", r.Machine.Rounds, enoughRounds)}
}

func (r *results) verdict(s load.Spread) load.Verdict {
	if r.Machine.Rounds < enoughRounds {
		return load.Alike
	}
	return s.Verdict()
}

// difference is verdict for a spread of differences, in bytes: they count from a
// megabyte on.
func (r *results) difference(s load.Spread) load.Verdict {
	switch {
	case r.Machine.Rounds < enoughRounds:
	case s.Most < 0 && s.Median <= -1e6:
		return load.Less
	case s.Least > 0 && s.Median >= 1e6:
		return load.More
	}
	return load.Alike
}

// measure is a figure of which less is better.
type measure struct {
	name string
	of   func(*figures) float64
}

var (
	cpuMeasure = measure{"CPU per request", cpuOf}
	p99Measure = measure{"p99", p99Of}
	rssMeasure = measure{"RSS under load", rssOf}
)

// contest is how one server did beside another in all cases.
type contest struct {
	less, more []string // cases, with the ratio
	alike      int
}

func (c *contest) total() int { return len(c.less) + len(c.more) + c.alike }

func (r *results) contest(ours, theirs string, m measure) (c contest) {
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		s, ok := o.ratio(ours, theirs, m.of)
		if !ok {
			continue
		}
		text := fmt.Sprintf("%s (%s)", o.Name, s)
		switch r.verdict(s) {
		case load.Less:
			c.less = append(c.less, text)
		case load.More:
			c.more = append(c.more, text)
		default:
			c.alike++
		}
	}
	return c
}

// sentence says how ours did beside theirs, or is empty when they did not meet.
func (c *contest) sentence(ours, theirs string, m measure) string {
	if c.total() == 0 {
		return ""
	}
	if c.alike == c.total() {
		return fmt.Sprintf("%s: %s and %s do not differ beyond the noise in any case.", m.name, ours, theirs)
	}
	var parts []string
	if len(c.less) > 0 {
		parts = append(parts, "less in "+report.And(c.less))
	}
	if len(c.more) > 0 {
		parts = append(parts, "more in "+report.And(c.more))
	}
	text := fmt.Sprintf("%s: %s has %s than %s", m.name, ours, strings.Join(parts, "; "), theirs)
	switch {
	case c.alike == 1:
		text += "; in the other case they do not differ beyond the noise"
	case c.alike > 1:
		text += fmt.Sprintf("; in the other %d cases they do not differ beyond the noise", c.alike)
	}
	return text + "."
}

// verdictWord says what a spread of ratios allows to say of ours.
func verdictWord(v load.Verdict) string {
	switch v {
	case load.Less:
		return "less"
	case load.More:
		return "more"
	}
	return "no different beyond the noise"
}

// differences are the sentences about the modes beside one another.
func (r *results) differences() (lines []string) {
	if few := r.tooFew(); few != nil {
		return few
	}
	add := func(line string) {
		if line != "" {
			lines = append(lines, line)
		}
	}
	for _, m := range []measure{cpuMeasure, p99Measure} {
		for _, p := range pairs {
			c := r.contest(p[0], p[1], m)
			add(c.sentence(p[0], p[1], m))
		}
	}
	if r.Cycles != nil {
		for _, p := range pairs {
			if s, ok := r.Cycles.ratio(p[0], p[1], p99Of); ok {
				add(fmt.Sprintf("p99 during collections: %s beside %s is %s (%s).", p[0], p[1], verdictWord(r.verdict(s)), s))
			}
		}
	}
	for _, p := range pairs {
		if s, ok := r.keptBy(p[0], p[1]); ok {
			add(fmt.Sprintf("Memory kept after a burst: %s %s (%s MB [%s, %s]).",
				p[0], keptWord(r.difference(s), p[1]), report.Megabytes(s.Median), report.Megabytes(s.Least), report.Megabytes(s.Most)))
		}
	}
	return lines
}

func keptWord(v load.Verdict, other string) string {
	switch v {
	case load.Less:
		return "keeps less than " + other
	case load.More:
		return "keeps more than " + other
	}
	return "and " + other + " do not differ beyond the noise"
}

// gcTarget is the part of the CPU that the collector may take under sustained
// load.
const gcTarget = .001

// advice says for which mode the figures speak.
func (r *results) advice() (lines []string) {
	if few := r.tooFew(); few != nil {
		return few
	}
	for _, mode := range modes[1:] {
		c := r.contest(mode, standard, cpuMeasure)
		var good, bad []string
		note := func(v load.Verdict, less, more string) {
			switch v {
			case load.Less:
				good = append(good, less)
			case load.More:
				bad = append(bad, more)
			}
		}
		if n := len(c.less); n > 0 {
			good = append(good, fmt.Sprintf("less CPU per request in %d of %d cases", n, c.total()))
		}
		if n := len(c.more); n > 0 {
			bad = append(bad, fmt.Sprintf("more CPU per request in %d of %d cases", n, c.total()))
		}
		if r.Cycles != nil {
			if s, ok := r.Cycles.ratio(mode, standard, p99Of); ok {
				note(r.verdict(s), "a lower p99 during collections", "a higher p99 during collections")
			}
		}
		if s, ok := r.keptBy(mode, standard); ok {
			note(r.difference(s), "less memory kept after a burst", "more memory kept after a burst")
		}
		if c.total() == 0 && len(good)+len(bad) == 0 {
			continue // it was not run
		}
		switch {
		case len(good) == 0 && len(bad) == 0:
			lines = append(lines, fmt.Sprintf("**%s**: nothing in these figures sets it apart from standard.", mode))
		case len(good) == 0:
			lines = append(lines, fmt.Sprintf("**%s**: these figures give no reason to prefer it to standard; it has %s.", mode, report.And(bad)))
		case len(bad) == 0:
			lines = append(lines, fmt.Sprintf("**%s** where one of these counts: %s. Nothing that was measured speaks against it.", mode, report.And(good)))
		default:
			lines = append(lines, fmt.Sprintf("**%s** where one of these counts: %s. It costs: %s.", mode, report.And(good), report.And(bad)))
		}
	}
	if len(lines) > 0 {
		lines = append([]string{"**standard** where nothing else is asked for: it is the default."}, lines...)
	}
	if line := r.collector(); line != "" {
		lines = append(lines, line)
	}
	return lines
}

// collector says which modes keep the collector below the target.
func (r *results) collector() string {
	if r.Sustained == nil {
		return ""
	}
	var below, above []string
	for _, mode := range modes {
		s := r.Sustained.Series[mode]
		if len(s) == 0 {
			continue
		}
		text := fmt.Sprintf("%s (%s)", mode, percent(s.gcShare()))
		if s.gcShare() < gcTarget {
			below = append(below, text)
		} else {
			above = append(above, text)
		}
	}
	limit := percent(gcTarget)
	switch {
	case len(above) == 0 && len(below) == 0:
		return ""
	case len(above) == 0:
		return fmt.Sprintf("The collector is no reason to choose: under sustained load it took less than %s of the CPU in every mode, %s.", limit, report.And(below))
	case len(below) == 0:
		return fmt.Sprintf("No mode keeps the collector below %s of the CPU under sustained load: %s.", limit, report.And(above))
	}
	return fmt.Sprintf("Under sustained load the collector took less than %s of the CPU with %s, and more with %s.", limit, report.And(below), report.And(above))
}

// losses says where each mode needs more than a peer.
func (r *results) losses() (lines []string) {
	if few := r.tooFew(); few != nil {
		return few
	}
	for _, mode := range modes {
		var parts []string
		met := false
		for _, m := range []measure{cpuMeasure, p99Measure, rssMeasure} {
			for _, other := range []string{netHTTP, fastHTTP} {
				c := r.contest(mode, other, m)
				met = met || c.total() > 0
				if len(c.more) > 0 {
					parts = append(parts, fmt.Sprintf("%s, beside %s, in %s", m.name, other, report.And(c.more)))
				}
			}
		}
		switch {
		case !met:
		case len(parts) == 0:
			lines = append(lines, fmt.Sprintf("**%s** needs more than net/http or fasthttp nowhere.", mode))
		default:
			lines = append(lines, fmt.Sprintf("**%s** needs more: %s.", mode, strings.Join(parts, "; ")))
		}
	}
	return lines
}

// claimsTable holds what was claimed of the modes when they were planned against
// what was measured.
func (r *results) claimsTable() *report.Table {
	t := &report.Table{Head: []string{"claim", "target", "mode", "measured", "reached"}}
	for _, name := range []string{"SimpleGET", "KeepAlive"} {
		o := r.find(name)
		for _, mode := range modes {
			if o == nil {
				continue
			}
			if cpu, ok := o.ratio(netHTTP, mode, cpuOf); ok {
				t.Add("1.75 times as fast as net/http, "+name, "CPU of net/http ÷ ours ≥ 1.75", mode,
					cpu.String()+"; by time/op "+o.ratioText(netHTTP, mode, timeOf), reached(cpu.Median >= 1.75))
			}
		}
	}
	if o := r.find("KeepAlive"); o != nil {
		for _, mode := range modes {
			s := o.Series[mode]
			if len(s) == 0 {
				continue
			}
			allocs, bytes := s.median(allocsOf), s.median(bytesOf)
			t.Add("4 allocations and 44 B per request, KeepAlive", "≤ 4 and ≤ 44 B", mode,
				report.Number(allocs, 2)+" and "+report.Number(bytes, 1)+" B", reached(allocs <= 4 && bytes <= 44))
		}
	}
	if r.Sustained != nil {
		for _, mode := range modes {
			if s := r.Sustained.Series[mode]; len(s) > 0 {
				t.Add("the collector takes less than 0.1 % of the CPU, sustained load (of arena)", "< 0.1 %", mode, percent(s.gcShare()), reached(s.gcShare() < gcTarget))
			}
		}
	}
	if o := r.find("Mixed"); o != nil {
		if s := o.Series[greentea]; len(s) > 0 {
			if ratio, ok := s.hits(); ok {
				t.Add("95 % of exchanges served from their slab, Mixed", "> 95 %", greentea, fmt.Sprintf("%.2f %%", 100*ratio), reached(ratio > .95))
			}
			t.Add("little allocated beside the slab, Mixed", "≤ 100 B per request", greentea, report.Number(s.median(bytesOf), 1)+" B", reached(s.median(bytesOf) <= 100))
		}
	}
	return t
}

func reached(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

// goalsTable holds what the engine is to reach against what was measured. A ratio is
// of CPU per request; one of modes beside one another is missed when it is more
// beyond the noise.
func (r *results) goalsTable() *report.Table {
	t := &report.Table{Head: []string{"goal", "case", "mode", "measured", "reached"}}
	for _, name := range []string{"ServerAlone", "KeepAlive"} {
		o := r.find(name)
		if o == nil {
			continue
		}
		for _, mode := range modes {
			if s, ok := o.ratio(netHTTP, mode, cpuOf); ok {
				t.Add("net/http ÷ ours ≥ 2.5", name, mode, s.String(), reached(s.Median >= 2.5))
			}
			if s, ok := o.ratio(mode, fastHTTP, cpuOf); ok {
				t.Add("ours ÷ fasthttp ≤ 1", name, mode, s.String(), reached(s.Median <= 1))
			}
		}
	}
	for _, name := range []string{"KeepAlive", "JSON", "Headers20"} {
		o := r.find(name)
		if o == nil {
			continue
		}
		for _, mode := range modes {
			if s := o.Series[mode]; len(s) > 0 {
				allocs, bytes := s.median(allocsOf), s.median(bytesOf)
				// What a timer allocates once a second is none of a request's.
				t.Add("no allocation per request", name, mode, report.Number(allocs, 2)+" and "+report.Number(bytes, 1)+" B", reached(allocs < .01 && bytes < 1))
			}
		}
	}
	if r.Cycles != nil {
		for _, mode := range modes[1:] {
			if s, ok := r.Cycles.ratio(mode, standard, p999Of); ok {
				t.Add("p99.9 no worse than standard's", "collections", mode, s.String(), reached(r.verdict(s) != load.More))
			}
		}
	}
	return t
}
