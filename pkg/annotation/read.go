package annotation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// mostProblems bounds what one object's annotations can put into the list of
// Problems: their number is up to the object's author.
const mostProblems = 32

// Reader reads the annotations of Ingresses and IngressClasses, and the
// controller's ConfigMap.
type Reader struct {
	nginxPrefix string
	checks      *Checks
}

// NewReader returns a Reader that also reads ingress-nginx's annotations below
// nginxPrefix, which is DefaultNginxPrefix when empty. checks may be nil.
func NewReader(nginxPrefix string, checks *Checks) Reader {
	if nginxPrefix == "" {
		nginxPrefix = DefaultNginxPrefix
	}
	return Reader{strings.TrimSuffix(nginxPrefix, "/"), checks}
}

// Result is what the annotations of one object came to, besides Values.
type Result struct {
	// Set holds the scopes of the settings that the object sets.
	Set Scope
	// Denied is why the object's routes answer 503: an annotation that
	// protects them cannot be honoured. Empty when none is.
	Denied string
	// HostsDenied is why the routes that other Ingresses of the namespace have
	// for the object's hosts answer 503 too. Empty when they do not.
	HostsDenied string
	// Diverted tells that the object's routes must not be served at all: they may
	// be meant for a share of another Ingress's traffic.
	Diverted bool
	// Problems are in the order of the annotations' names, with those of
	// several together last.
	Problems []model.Problem
}

// Ingress sets in v what the annotations of an Ingress set. Settings of
// listeners are Problems.
func (r Reader) Ingress(object model.ObjectRef, annotations map[string]string, v *Values) Result {
	return r.read(object, annotations, Path|Upstream|Host|Canary, v)
}

// Class sets in v what the annotations of an IngressClass set.
func (r Reader) Class(object model.ObjectRef, annotations map[string]string, v *Values) Result {
	return r.read(object, annotations, Path|Upstream|Listener, v)
}

// reading is one object under way.
type reading struct {
	object  model.ObjectRef
	noun    string // what a setting of the object is called, with a space
	allowed Scope
	values  *Values
	checks  *Checks
	result  Result
}

// read takes ingress-nginx's annotations first, so that ours win. One that
// protects is not read where ours stands, whose mistake must not leave the weaker
// of two protections in force.
func (r Reader) read(object model.ObjectRef, annotations map[string]string, allowed Scope, v *Values) Result {
	inherited := named(annotations, r.nginxPrefix)
	own := named(annotations, Prefix)
	if r.nginxPrefix == Prefix {
		inherited = nil
	}
	if len(inherited) == 0 && len(own) == 0 {
		return Result{}
	}
	before := *v
	in := reading{object: object, noun: "annotation ", allowed: allowed, values: v, checks: r.checks}
	for _, name := range slices.Sorted(maps.Keys(inherited)) {
		_, hidden := own[name]
		if newer, older := hiddenBy(inherited, name); older {
			in.older(r.nginxPrefix+"/"+name, newer)
			continue
		}
		if setting := byName[name]; !hidden || setting != nil && setting.effect == plain {
			in.one(r.nginxPrefix, name, inherited[name], nginx)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if newer, older := hiddenBy(own, name); older {
			in.older(Prefix+"/"+name, newer)
			continue
		}
		in.one(Prefix, name, own[name], ours)
	}
	if allowed&Host != 0 {
		in.tellIdle(&before)
	}
	return in.result
}

// named returns the annotations below prefix, without it.
func named(annotations map[string]string, prefix string) map[string]string {
	var found map[string]string
	for key, value := range annotations {
		if p, name, ok := strings.Cut(key, "/"); ok && p == prefix {
			if found == nil {
				found = make(map[string]string)
			}
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

// one reads one annotation.
func (in *reading) one(prefix, name, value string, d dialect) {
	setting, ancestor := byName[name], nginxByName[name]
	full := prefix + "/" + name
	switch {
	case setting != nil && (ancestor != nil || d == ours):
		in.set(setting, full, value, d)
	case setting != nil && setting.Scope != Global:
		in.problem(model.ReasonUnknownAnnotation,
			"%s is not an annotation of ingress-nginx: it is read as %s/%s", full, Prefix, name)
	case ancestor != nil:
		in.unsupported(ancestor, full, value)
	default:
		in.unknown(prefix, name, d)
	}
}

func (in *reading) set(setting *Annotation, full, value string, d dialect) {
	at := place{d, Source{What: in.noun + full, Object: in.object}, in.checks}
	if !setting.governs(in.allowed) {
		in.misplaced(setting, full, value, at)
		return
	}
	err := setting.apply(in.values, value, at)
	some := partial{}
	switch {
	case err == nil, errors.As(err, &some):
		in.result.Set |= setting.Scope
		if err != nil {
			in.problem(model.ReasonInvalidValue, "%s: %s: %v", full, quote(value), err)
		}
	case setting.effect == diverts && in.allowed&Stream == 0:
		in.result.Diverted = true
		in.problem(model.ReasonInvalidValue, "%s: %s: %v: the paths of this object are not served", full, quote(value), err)
	case setting.FailsClosed():
		why := full + ": " + quote(value) + ": " + err.Error()
		in.deny(setting.effect, why)
		in.problem(model.ReasonDenied, "%s: %s", why, in.closed())
	default:
		in.problem(model.ReasonInvalidValue, "%s: %s: %v", full, quote(value), err)
	}
}

// older is for an older name that stands beside the newer one.
func (in *reading) older(full, newer string) {
	in.problem(model.ReasonNoEffect, "%s: no effect beside %s, the newer name", full, newer)
}

// misplaced is for a setting that has no effect on an object of this kind.
func (in *reading) misplaced(setting *Annotation, full, value string, at place) {
	where := "governs hosts: it has an effect on an Ingress only"
	switch {
	case setting.above:
		where = "is for those who run the controller: it has an effect on the IngressClass and in the ConfigMap only"
	case setting.onIngress:
		where = "names another object: it has an effect on an Ingress only"
	case setting.Scope&Canary != 0:
		where = "is for canaries: it has an effect on an Ingress only"
	case setting.Scope&Listener != 0:
		where = "governs listeners: it has an effect on the IngressClass only"
	case setting.Scope&Stream != 0:
		where = "governs TCP and UDP services: it has an effect in the controller's ConfigMap only"
	case setting.Scope&Global != 0:
		where = "has an effect in the controller's ConfigMap only"
	}
	if !setting.FailsClosed() {
		in.problem(model.ReasonUnsupportedAnnotation, "%s %s", full, where)
		return
	}
	scratch := *in.values
	if err := setting.apply(&scratch, value, at); err != nil || scratch != *in.values {
		in.deny(setting.effect, full+" "+where)
		in.problem(model.ReasonDenied, "%s %s: %s", full, where, in.closed())
	}
}

// closed says what is denied.
func (in *reading) closed() string {
	if in.allowed&Stream != 0 {
		return "all paths answer 503"
	}
	return "the paths of this object answer 503"
}

// deny fails closed.
func (in *reading) deny(e effect, why string) {
	if e == protectsHost && in.result.HostsDenied == "" {
		in.result.HostsDenied = why
	}
	if in.result.Denied == "" {
		in.result.Denied = why
	}
}

func (in *reading) unsupported(a *nginxAnnotation, full, value string) {
	if a.idle != nil && a.idle(value) {
		return
	}
	switch a.effect {
	case protects, protectsHost:
		in.deny(a.effect, full+" is not supported")
		in.problem(model.ReasonDenied,
			"%s is not supported and protects the paths of this object: they answer 503", full)
	default:
		in.problem(model.ReasonUnsupportedAnnotation, "%s is not supported and has no effect", full)
	}
}

func (in *reading) unknown(prefix, name string, d dialect) {
	if len(in.result.Problems) >= mostProblems {
		in.problem(model.ReasonUnknownAnnotation, "") // only counted: spare the search
		return
	}
	owner, candidates := "Shockwave", ownNames
	if d == nginx {
		owner, candidates = "ingress-nginx", nginxNames
	}
	hint := removed[name]
	if hint == "" {
		if near := suggest(name, candidates); near != "" {
			hint = "did you mean " + near + "?"
		}
	}
	if hint != "" {
		hint = ": " + hint
	}
	in.problem(model.ReasonUnknownAnnotation, "%s is not an annotation of %s%s",
		model.Excerpt(prefix+"/"+name), owner, hint)
}

// problem records a Problem, and the last one that fits says that there are
// more.
func (in *reading) problem(reason, format string, args ...any) {
	var message string
	switch n := len(in.result.Problems); {
	case n > mostProblems:
		return
	case n == mostProblems:
		message = "there are more Problems in these annotations"
	default:
		message = fmt.Sprintf(format, args...)
	}
	in.result.Problems = append(in.result.Problems,
		model.Problem{Object: in.object, Reason: reason, Message: message})
}

// ownNames are the names that a misspelling under our prefix may mean, and
// nginxNames those under ingress-nginx's.
var (
	ownNames = func() []string {
		var names []string
		for _, a := range Table {
			names = append(names, a.Name)
		}
		return append(names, nginxNames...)
	}()
	nginxNames = func() []string {
		var names []string
		for _, a := range nginxTable {
			names = append(names, a.name)
		}
		return names
	}()
)
