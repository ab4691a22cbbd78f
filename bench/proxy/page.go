package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/bench/report"
)

//go:embed page.md.tmpl
var pageTemplate string

// page is docs/performance.md. It follows from r alone.
func (r *results) page() (string, error) {
	for _, s := range scenarios {
		if o := r.find(s.Name); o == nil || !o.whole() {
			return "", fmt.Errorf("the page needs the figures of all proxies in the case %s", s.Name)
		}
	}
	return report.Render(pageTemplate, r)
}

// What the template shows.

// Section is a case with its tables.
type Section struct{ Name, Text, Table, Ratios string }

// Sections are all cases.
func (r *results) Sections() (list []Section) {
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		list = append(list, Section{o.Name, o.scenario().Text + o.rateText(), o.table().Markdown(), o.ratiosTable().Markdown()})
	}
	return list
}

// Targets, Losses, Gains and Limited are the first sections.
func (r *results) Targets() string   { return r.targetsTable().Markdown() }
func (r *results) Losses() []string  { return r.losses() }
func (r *results) Gains() []string   { return r.gains() }
func (r *results) Limited() []string { return r.limited() }

// Versions are the peers with their versions.
func (r *results) Versions() string { return strings.Join(r.Machine.Peers, ", ") }
