package main

import (
	_ "embed"
	"fmt"

	"github.com/shockwave-ingress/shockwave/bench/report"
)

//go:embed page.md.tmpl
var pageTemplate string

// page is docs/allocation-modes.md.
func (r *results) page() (string, error) {
	for _, want := range []struct {
		what  string
		there bool
	}{
		{"all servers in all cases", len(r.Outcomes) > 0 && r.allServers()},
		{"the part GC", r.Sustained != nil && r.Cycles != nil},
		{"the part Burst", r.Burst != nil},
	} {
		if !want.there {
			return "", fmt.Errorf("the page needs the figures of %s: run everything", want.what)
		}
	}
	set, err := readRequests(requestsFile)
	if err != nil {
		return "", err
	}
	return report.Render(pageTemplate, struct {
		*results
		Requests int
		Largest  int
		Objects  int
	}{r, len(set), largest(set), liveObjects})
}

// allServers tells whether every scenario has every server.
func (r *results) allServers() bool {
	for i := range r.Outcomes {
		if len(r.Outcomes[i].present()) != len(names) {
			return false
		}
	}
	return true
}

// largest is the length of the largest request.
func largest(set []weighted) (most int) {
	for i := range set {
		most = max(most, len(set[i].request.Bytes))
	}
	return most
}

// What the template shows.

// Section is a case with its table.
type Section struct {
	Name, Text, Table string
	Rate              float64
}

// Sections are all cases.
func (r *results) Sections() []Section {
	var list []Section
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		list = append(list, Section{o.Name, o.Text, o.table().Markdown(), o.Rate})
	}
	return list
}

// ByPeers, ByModes and the others are the tables in Markdown.
func (r *results) ByPeers() string        { return r.byPeers().Markdown() }
func (r *results) ByModes() string        { return r.byModes().Markdown() }
func (r *results) Slabs() string          { return r.slabTable().Markdown() }
func (r *results) SustainedTable() string { return r.Sustained.sustainedTable().Markdown() }
func (r *results) CyclesTable() string    { return r.Cycles.cyclesTable().Markdown() }
func (r *results) BurstTable() string     { return r.burstTable().Markdown() }
func (r *results) Claims() string         { return r.claimsTable().Markdown() }
func (r *results) Goals() string          { return r.goalsTable().Markdown() }

// Differences, Advice and Losses are sentences.
func (r *results) Differences() []string { return r.differences() }
func (r *results) Advice() []string      { return r.advice() }
func (r *results) Losses() []string      { return r.losses() }
