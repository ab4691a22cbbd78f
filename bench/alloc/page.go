package main

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"text/template"
	"time"
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
	t, err := template.New("page").Funcs(template.FuncMap{
		"bullets": func(lines []string) string { return "- " + strings.Join(lines, "\n- ") },
		"gb":      func(n float64) string { return number(n/1e9, 1) },
		"date":    func(t time.Time) string { return t.Format("2 January 2006") },
		// All rounds fall on one side, either, by chance.
		"chance": func(rounds int) string { return number(math.Exp2(float64(rounds-1)), 0) },
		"kb":     func(n int) string { return number(float64(n)/1e3, 1) },
		"round":  func(v float64) string { return number(v, 0) },
	}).Parse(pageTemplate)
	if err != nil {
		return "", err
	}
	set, err := readRequests(requestsFile)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, struct {
		*results
		Requests int
		Largest  int
		Objects  int
	}{r, len(set), largest(set), liveObjects}); err != nil {
		return "", err
	}
	return b.String(), nil
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
		list = append(list, Section{o.Name, o.Text, o.table().markdown(), o.Rate})
	}
	return list
}

// ByPeers, ByModes and the others are the tables in Markdown.
func (r *results) ByPeers() string        { return r.byPeers().markdown() }
func (r *results) ByModes() string        { return r.byModes().markdown() }
func (r *results) Slabs() string          { return r.slabTable().markdown() }
func (r *results) SustainedTable() string { return r.Sustained.sustainedTable().markdown() }
func (r *results) CyclesTable() string    { return r.Cycles.cyclesTable().markdown() }
func (r *results) BurstTable() string     { return r.burstTable().markdown() }
func (r *results) Claims() string         { return r.claimsTable().markdown() }
func (r *results) Goals() string          { return r.goalsTable().markdown() }

// Differences, Advice and Losses are sentences.
func (r *results) Differences() []string { return r.differences() }
func (r *results) Advice() []string      { return r.advice() }
func (r *results) Losses() []string      { return r.losses() }
