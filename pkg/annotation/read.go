package annotation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// mostProblems bounds what one object's annotations can put into the list of
// Problems: their number is up to the object's author.
const mostProblems = 32

// Reader reads the annotations of Ingresses and IngressClasses.
type Reader struct{ nginxPrefix string }

// NewReader returns a Reader that also reads ingress-nginx's annotations below
// nginxPrefix, which is DefaultNginxPrefix when empty.
func NewReader(nginxPrefix string) Reader {
	if nginxPrefix == "" {
		nginxPrefix = DefaultNginxPrefix
	}
	return Reader{strings.TrimSuffix(nginxPrefix, "/")}
}

// Result is what the annotations of one object came to, besides Values.
type Result struct {
	// Set holds the scopes of the settings that the object sets.
	Set Scope
	// Denied is why the object's routes answer 503: an annotation that
	// protects them is not supported. Empty when none is.
	Denied string
	// HostsDenied is why the routes that other Ingresses of the namespace have
	// for the object's hosts answer 503 too. Empty when they do not.
	HostsDenied string
	// Diverted tells that the object's routes must not be served at all: they
	// are meant for a share of another Ingress's traffic.
	Diverted bool
	// Problems are in the order of the annotations' names.
	Problems []model.Problem
}

// Ingress sets in v what the annotations of an Ingress set. Settings of
// listeners are Problems.
func (r Reader) Ingress(object model.ObjectRef, annotations map[string]string, v *Values) Result {
	return r.read(object, annotations, Path|Upstream, v)
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
	result  Result
}

// read takes ingress-nginx's annotations first, so that ours win.
func (r Reader) read(object model.ObjectRef, annotations map[string]string, allowed Scope, v *Values) Result {
	inherited := named(annotations, r.nginxPrefix)
	own := named(annotations, Prefix)
	if r.nginxPrefix == Prefix {
		inherited = nil
	}
	if len(inherited) == 0 && len(own) == 0 {
		return Result{}
	}
	in := reading{object: object, noun: "annotation ", allowed: allowed, values: v}
	for _, name := range slices.Sorted(maps.Keys(inherited)) {
		if _, hidden := own[name]; !hidden || byName[name] != nil {
			in.one(r.nginxPrefix, name, inherited[name], nginx)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		in.one(Prefix, name, own[name], ours)
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
	case setting != nil:
		in.problem(model.ReasonUnknownAnnotation,
			"%s is not an annotation of ingress-nginx: it is read as %s/%s", full, Prefix, name)
	case ancestor != nil:
		in.unsupported(ancestor, full, value)
	default:
		in.unknown(prefix, name, d)
	}
}

func (in *reading) set(setting *Annotation, full, value string, d dialect) {
	if setting.Scope&in.allowed == 0 {
		in.problem(model.ReasonUnsupportedAnnotation,
			"%s governs listeners: it has an effect on the IngressClass only", full)
		return
	}
	from := Source{What: in.noun + full, Object: in.object}
	if err := setting.apply(in.values, value, d, from); err != nil {
		in.problem(model.ReasonInvalidValue, "%s: %s: %v", full, quote(value), err)
		return
	}
	in.result.Set |= setting.Scope
}

func (in *reading) unsupported(a *nginxAnnotation, full, value string) {
	if a.idle != nil && a.idle(value) {
		return
	}
	switch a.effect {
	case protects, protectsHost:
		if a.effect == protectsHost && in.result.HostsDenied == "" {
			in.result.HostsDenied = full + " is not supported"
		}
		if in.result.Denied == "" {
			in.result.Denied = full + " is not supported"
		}
		in.problem(model.ReasonDenied,
			"%s is not supported and protects the paths of this object: they answer 503", full)
	case diverts:
		in.result.Diverted = true
		in.problem(model.ReasonUnsupportedAnnotation,
			"%s is not supported: the paths of this object are not served", full)
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
