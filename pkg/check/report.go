package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/manifests"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snippet"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// Level is what a Problem costs, from nothing to the most.
type Level int

// The levels.
const (
	// Note costs nothing: ingress-nginx does the same, or nothing needs it.
	Note Level = iota
	// Changes is something written that has no effect, or another one.
	Changes
	// Refused is a path that is not served, or answers 503.
	Refused
	// Unreadable is a document that cannot be read, whatever it holds.
	Unreadable
)

var levels = []string{"note", "changes", "refused", "unreadable"}

func (l Level) String() string { return levels[l] }

// MarshalText gives the name of l.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// levelOf says what a Problem costs.
func levelOf(p model.Problem) Level {
	switch p.Reason {
	case model.ReasonParse:
		return Unreadable
	case model.ReasonDenied, model.ReasonInvalidPath, model.ReasonInvalidHost, model.ReasonServiceNotFound,
		model.ReasonPortNotFound, model.ReasonUnsupportedBackend, model.ReasonNoBackend, model.ReasonExternalNameRefused:
		return Refused
	case model.ReasonNoEffect, model.ReasonLiteralPath, model.ReasonCertificateExpired, manifests.ReasonNoObject:
		return Note
	case model.ReasonUnknownAnnotation: // ingress-nginx does not know it either, unless it is one of ours
		if !strings.HasPrefix(p.Message, annotation.Prefix+"/") {
			return Note
		}
	}
	return Changes
}

// Options are how objects are looked at.
type Options struct {
	// ClassGiven tells that somebody chose the class of the settings.
	ClassGiven bool
	// Complete tells that the objects are all that there are, as in a cluster:
	// what is missing is a mistake.
	Complete bool
	// Unread tells that not all Secrets and ConfigMaps could be read: of those
	// that are missing nobody knows.
	Unread bool
}

// Report is what becomes of Ingresses.
type Report struct {
	Totals    Totals    `json:"totals"`
	Ingresses []Ingress `json:"ingresses"`
	// Streams are the ports of TCP and UDP services, and where they go.
	Streams []string `json:"streams,omitempty"`
	// Others are the Problems of objects that are no Ingresses.
	Others []Finding `json:"others"`
	Notes  []string  `json:"notes"`

	// Config, Endpoints and Problems are what Build made.
	Config    *model.Config   `json:"-"`
	Endpoints model.Endpoints `json:"-"`
	Problems  []model.Problem `json:"-"`
}

// Totals count Ingresses.
type Totals struct {
	Ingresses int `json:"ingresses"`
	Works     int `json:"works"`
	Changes   int `json:"changes"`
	Refused   int `json:"refused"`
	// NotLookedAt are of other classes.
	NotLookedAt int `json:"notLookedAt"`
}

// Ingress is what becomes of one Ingress.
type Ingress struct {
	Ingress string `json:"ingress"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Class   string `json:"class"`
	// Verdict is "works", "changes" or "refused".
	Verdict  string    `json:"verdict"`
	Paths    []Path    `json:"paths"`
	InEffect []Given   `json:"inEffect"`
	Findings []Finding `json:"findings"`
	Snippets []Snippet `json:"snippets,omitempty"`
	// Missing are objects that the files do not have, such as "Secret shop/tls".
	Missing []string `json:"missing,omitempty"`
}

// Path is a path that is served, or answered.
type Path struct {
	Host  string `json:"host"`
	Path  string `json:"path,omitempty"`
	Match string `json:"match"`
	To    string `json:"to"`
	// CanaryOf is the Ingress whose requests it gets a share of.
	CanaryOf string `json:"canaryOf,omitempty"`
	// Denied is why it answers 503.
	Denied string `json:"denied,omitempty"`
}

// Given is an annotation in effect.
type Given struct {
	Annotation string `json:"annotation"`
	Value      string `json:"value"`
}

// Finding is a Problem and what it costs.
type Finding struct {
	Level   Level  `json:"level"`
	Object  string `json:"object,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Snippet is a directive of a snippet and what does the same.
type Snippet struct {
	Annotation string `json:"annotation"`
	Line       int    `json:"line"`
	Directive  string `json:"directive"`
	// Instead is empty where nothing does.
	Instead string `json:"instead"`
}

// Settings returns the settings that objs are looked at with. Who fetches objects
// needs them to know which.
func Settings(objs *translate.Objects, settings translate.Settings, o Options) translate.Settings {
	chosen, _, _ := choose(objs, settings, o)
	return chosen
}

// Choose returns objs with the IngressClasses that stand in for those which are missing,
// the settings that they are looked at with, and what is to be told of both.
func Choose(objs *translate.Objects, settings translate.Settings, o Options) (*translate.Objects, translate.Settings, []string) {
	settings, classes, notes := choose(objs, settings, o)
	looked := *objs
	looked.IngressClasses = append(slices.Clone(objs.IngressClasses), classes...)
	return &looked, settings, notes
}

// Objects tells what becomes of objs, which stay as they are.
func Objects(objs *translate.Objects, settings translate.Settings, o Options) *Report {
	looked, settings, notes := Choose(objs, settings, o)
	in := standIns{objs: looked}
	if !o.Complete || o.Unread {
		in = standIn(looked, settings, o)
	}
	if settings.Now.IsZero() {
		settings.Now = time.Now()
	}
	r := &Report{Notes: append([]string{}, notes...), Others: []Finding{}, Ingresses: []Ingress{}}
	r.Config, r.Problems = translate.Build(in.objs, settings)
	finder := translate.EndpointFinder{Zone: settings.EndpointZone()}
	r.Endpoints = finder.Of(in.objs, r.Config)

	b := reporting{Report: r, in: in, reader: annotation.NewReader(settings.AnnotationsPrefix, settings.Checks)}
	for i := range r.Config.Streams {
		r.Streams = append(r.Streams, r.Config.Streams[i].Name()+"  "+r.Config.Streams[i].Upstream.String())
	}
	b.read(translate.Ours(in.objs, settings), settings)
	n, other := unlooked(in.objs, settings)
	r.Totals.NotLookedAt = n
	r.Notes = append(r.Notes, other...)
	if len(objs.Ingresses) == 0 {
		r.Notes = append(r.Notes, "There is no Ingress.")
	}
	return r
}

type reporting struct {
	*Report
	in     standIns
	reader annotation.Reader
}

func (r *reporting) read(ours []*networkingv1.Ingress, settings translate.Settings) {
	findings, paths := r.sort(), r.paths()
	slices.SortStableFunc(ours, func(a, b *networkingv1.Ingress) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, ing := range ours {
		key := translate.ObjectKey{Kind: "Ingress"}
		key.Namespace, key.Name = ing.Namespace, ing.Name
		origin := r.in.objs.Origins[key]
		name := ing.Namespace + "/" + ing.Name
		one := Ingress{
			Ingress: name, File: origin.File, Line: origin.Line, Class: cmp.Or(classOf(ing), settings.IngressClass),
			Paths: paths[name], InEffect: []Given{}, Findings: findings[name], Missing: r.in.missing[ing],
		}
		ref := model.ObjectRef{Kind: "Ingress", Namespace: ing.Namespace, Name: ing.Name}
		for _, g := range r.reader.InEffect(ref, ing.Annotations) {
			one.InEffect = append(one.InEffect, Given{g.Name, strings.TrimSpace(model.Excerpt(g.Value))})
		}
		for _, g := range r.reader.Snippets(ing.Annotations) {
			one.Snippets = append(one.Snippets, advise(g)...)
		}
		delete(findings, name)
		r.judge(&one)
		r.Ingresses = append(r.Ingresses, one)
	}
	for _, name := range slices.Sorted(maps.Keys(findings)) { // of other classes: a field that does not exist, or so
		for _, f := range findings[name] {
			f.Object = "Ingress " + name
			r.Others = append(r.Others, f)
		}
	}
}

// advise tells what does the same as the directives of a snippet.
func advise(g annotation.Given) []Snippet {
	var list []Snippet
	advice, err := snippet.Advise(g.Value)
	for _, a := range advice {
		list = append(list, Snippet{g.Name, a.Line, a.Directive, a.Instead})
	}
	if err != nil {
		list = append(list, Snippet{g.Name, 1, fmt.Sprintf("the rest cannot be read: %v", err), ""})
	}
	return list
}

// judge gives an Ingress its verdict, and counts it.
func (r *reporting) judge(one *Ingress) {
	worst := Note
	for _, f := range one.Findings {
		worst = max(worst, f.Level)
	}
	for _, p := range one.Paths {
		if p.Denied != "" {
			worst = Refused
		}
	}
	if worst == Changes && len(one.Paths) == 0 {
		worst = Refused // what was found is why none of it is served
	}
	if one.Paths == nil {
		one.Paths = []Path{}
	}
	if one.Findings == nil {
		one.Findings = []Finding{}
	}
	r.Totals.Ingresses++
	switch worst {
	case Note:
		one.Verdict = "works"
		r.Totals.Works++
	case Changes:
		one.Verdict = "changes"
		r.Totals.Changes++
	default:
		one.Verdict = "refused"
		r.Totals.Refused++
	}
}

// sort returns the findings of each Ingress, and puts aside those of other objects.
func (r *reporting) sort() map[string][]Finding {
	findings := make(map[string][]Finding)
	for _, p := range r.Problems {
		f := Finding{Level: levelOf(p), Reason: p.Reason, Message: p.Message}
		if p.Object.Kind == "Ingress" {
			name := p.Object.Namespace + "/" + p.Object.Name
			findings[name] = append(findings[name], f)
			continue
		}
		f.Object, f.File, f.Line = p.Object.String(), p.Object.File, p.Object.Line
		r.Others = append(r.Others, f)
	}
	for _, list := range findings {
		slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(b.Level, a.Level) })
	}
	return findings
}

// paths returns what is served of each Ingress.
func (r *reporting) paths() map[string][]Path {
	paths := make(map[string][]Path)
	add := func(h *model.Host, route *model.Route, match string) {
		if route.Ingress.Name == "" {
			return // of the default backend
		}
		p := Path{Host: cmp.Or(h.Name, "*"), Path: route.Path, Match: match, Denied: route.Denied}
		switch key := route.Upstream.Base(); {
		case route.Answer != 0:
			p.To = fmt.Sprint(route.Answer)
		case route.Denied != "":
			p.To = "503"
		case key.IsZero():
			p.To = "-" // a filter answers, or else 503
		default:
			p.To = r.in.nameOf(key)
		}
		name := route.Ingress.Namespace + "/" + route.Ingress.Name
		paths[name] = append(paths[name], p)
		if canary := route.Branches.Branches().Canary; canary.Ingress != "" {
			p.To, p.CanaryOf = r.in.nameOf(canary.Upstream.Base()), name
			paths[canary.Ingress] = append(paths[canary.Ingress], p)
		}
	}
	for i := range r.Config.Hosts {
		h := &r.Config.Hosts[i]
		for k := range h.Routes {
			add(h, &h.Routes[k], h.Routes[k].Match.String())
		}
		if f := h.Fallback; f != nil && f.Answer == 0 {
			add(h, f, "fallback")
		}
	}
	return paths
}

// Findings are all findings.
func (r *Report) Findings() []Finding {
	var list []Finding
	for _, in := range r.Ingresses {
		list = append(list, in.Findings...)
	}
	return append(list, r.Others...)
}
