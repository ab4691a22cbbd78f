package translate

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// patternHosts finds the hosts whose paths are all patterns, as in ingress-nginx: those of
// which one path has use-regex, or a rewrite-target other than itself (IN:
// controller/template/template.go, enforceRegexModifier). Among these paths is the "/" that
// ingress-nginx adds to a host without one, with the annotations of the oldest Ingress
// there (IN: controller.go, createServers).
func (b *build) patternHosts(ingresses []*ingress) {
	if !slices.ContainsFunc(ingresses, func(in *ingress) bool { return in.flips() }) {
		return
	}
	b.written = make(map[string]*writtenPaths)
	for _, in := range ingresses {
		for i := range in.Spec.Rules {
			if rule := &in.said.rules[i]; rule.err == nil {
				b.addWritten(in, rule.host, in.Spec.Rules[i].HTTP)
			}
		}
	}
	for _, w := range b.written {
		w.patterns = w.patterns || !w.root && w.oldest.flipsAt("/")
	}
}

// writtenPaths are the paths of a host as they are written, those in the profile
// ingress-nginx.
type writtenPaths struct {
	// patterns tells that all of them are patterns.
	patterns bool
	// root tells that there is a path "/".
	root   bool
	oldest *ingress
	// types has the types of each path. The first Ingress that has a path of a type keeps
	// it.
	types map[string][]networkingv1.PathType
}

func (b *build) addWritten(in *ingress, host string, http *networkingv1.HTTPIngressRuleValue) {
	if !in.nginx() {
		return
	}
	w := b.written[host]
	if w == nil {
		w = &writtenPaths{oldest: in, types: make(map[string][]networkingv1.PathType)}
		b.written[host] = w
	}
	if http == nil {
		return
	}
	for i := range http.Paths {
		path, kind := writtenPath(&http.Paths[i])
		if slices.Contains(w.types[path], kind) {
			continue
		}
		w.types[path] = append(w.types[path], kind)
		w.root = w.root || path == "/"
		w.patterns = w.patterns || in.flipsAt(path)
	}
}

// writtenPath is a path and its type as ingress-nginx takes them: no path is "/", and a
// type that is not Exact is Prefix (IN: internal/k8s/main.go, SetDefaultNGINXPathType).
func writtenPath(p *networkingv1.HTTPIngressPath) (string, networkingv1.PathType) {
	kind := networkingv1.PathTypePrefix
	if p.PathType != nil && *p.PathType == networkingv1.PathTypeExact {
		kind = networkingv1.PathTypeExact
	}
	return cmp.Or(p.Path, "/"), kind
}

// flips tells whether the Ingress may make all paths of its hosts patterns.
func (in *ingress) flips() bool {
	return in.nginx() && (in.useRegex || in.rewriteTarget != "")
}

// flipsAt tells whether one of its paths does.
func (in *ingress) flipsAt(path string) bool {
	return in.flips() && (in.useRegex || in.rewriteTarget != path)
}

// hasPatterns tells whether use-regex of the Ingress has an effect.
func (in *ingress) hasPatterns() bool {
	if in.nginx() {
		return true
	}
	for i := range in.Spec.Rules {
		http := in.Spec.Rules[i].HTTP
		if http != nil && slices.ContainsFunc(http.Paths, func(p networkingv1.HTTPIngressPath) bool { return isSpecific(&p) }) {
			return true
		}
	}
	return false
}

func isSpecific(p *networkingv1.HTTPIngressPath) bool {
	return p.PathType != nil && *p.PathType == networkingv1.PathTypeImplementationSpecific
}

// isPattern tells whether a path of an Ingress is a pattern.
func (b *build) isPattern(in *ingress, h *host, path *networkingv1.HTTPIngressPath) bool {
	if in.nginx() {
		return b.hasPatterns(h.name)
	}
	return in.useRegex && isSpecific(path)
}

// hasPatterns tells whether the paths of a host are patterns, as ingress-nginx has them.
func (b *build) hasPatterns(host string) bool {
	w := b.written[host]
	return w != nil && w.patterns
}

// compareRoutes orders routes by path, exact first, and then patterns as they are tried.
func (h *host) compareRoutes(r, s model.Route) int {
	switch {
	case r.Match == model.Pattern && s.Match == model.Pattern:
		return comparePatterns(h.writtenOf(r.Path), h.writtenOf(s.Path))
	case r.Match == model.Pattern:
		return 1
	case s.Match == model.Pattern:
		return -1
	}
	return cmp.Or(cmp.Compare(r.Path, s.Path), cmp.Compare(s.Match, r.Match))
}

// rootPattern returns the pattern that serves "/", nil for none.
func (h *host) rootPattern() *model.Route {
	var first *model.Route
	for i := range h.routes {
		r := &h.routes[i]
		if r.Match != model.Pattern || first != nil && h.compareRoutes(*first, *r) < 0 {
			continue
		}
		if p, err := pattern.Compile(r.Path); err == nil && pattern.HasPrefixFold([]byte("/"), p.Literal()) && p.Match([]byte("/")) {
			first = r
		}
	}
	return first
}

// mostPatterns bounds the size of all patterns of an Ingress together: twenty bytes make
// one that takes 150 KB, and an Ingress has room for ten thousand.
const mostPatterns = 50_000

var errPatterns = errors.New("the regular expressions of this Ingress are too large together")

// addPattern adds a path that is a pattern. One that cannot be matched fails closed: what
// it may stand for answers 503, and not for want of it what comes after. The type is not
// looked at: ingress-nginx refuses expressions of type Exact and Prefix in its webhook, and
// serves those that are there (IN: controller.go, CheckIngress).
func (b *build) addPattern(in *ingress, h *host, path *networkingv1.HTTPIngressPath, said *saidPath) {
	written, kind := writtenPath(path)
	err := said.refused()
	if in.patternSize += said.patternSize; err == nil && in.patternSize > mostPatterns {
		err = errPatterns
	}
	switch {
	case err != nil:
		b.denyPattern(in, h, written, err)
		return
	case in.nginx() && path.Backend.Service == nil && !in.protects():
		b.tell(in, model.ReasonUnsupportedBackend, "%s, path %q: the backend is not a Service: the path is not served",
			h.label(), model.Excerpt(path.Path))
		return
	}
	text := written
	// A prefix with neither use-regex nor a rewrite leaves the path itself to an exact one
	// beside it (IN: controller/location.go, updateServerLocations).
	if in.nginx() && kind == networkingv1.PathTypePrefix && !in.flipsAt(written) &&
		slices.Contains(b.written[h.name].types[written], networkingv1.PathTypeExact) && !strings.HasSuffix(written, "/") {
		text += "/"
	}
	key := routeKey{text, model.Pattern}
	switch older := h.find(key); {
	case older == nil:
		h.add(b.route(in, key, written, b.resolveAgain(in, said, &path.Backend)))
		h.wrote(text, written)
	case !sameObject(older.Ingress, in.ref):
		b.tell(in, model.ReasonPathConflict, "%s%s is already served by %v", h.label(), model.Excerpt(written), nameOf(older.Ingress))
	case b.resolve(in, &path.Backend).key != older.Upstream.Base():
		b.tell(in, model.ReasonPathConflict, "%s%s stands twice in this Ingress: the first one is served", h.label(), model.Excerpt(written))
	}
}

// denyPattern denies what a pattern may stand for that was refused. It is tried where the
// pattern would be.
func (b *build) denyPattern(in *ingress, h *host, written string, why error) {
	denial := pattern.Denial(written) + ".*"
	b.tell(in, model.ReasonDenied, "%s, path %q: %v: all that matches %s answers 503",
		h.label(), model.Excerpt(written), why, model.Excerpt(denial))
	// Another pattern may have the same text: then this one has another.
	for _, text := range []string{denial, denial + ".*"} {
		switch older := h.find(routeKey{text, model.Pattern}); {
		case older == nil:
			route := b.route(in, routeKey{text, model.Pattern}, written, target{})
			route.Denied = cmp.Or(in.denied, "path "+model.Excerpt(written)+": "+why.Error())
			h.add(route)
			h.wrote(text, written)
			return
		case older.Denied != "":
			if comparePatterns(written, h.writtenOf(text)) < 0 {
				h.wrote(text, written) // the first place is that of both
			}
			return
		}
	}
}

// wrote notes how a pattern was written, where it differs: that is what it is ordered by.
func (h *host) wrote(text, written string) {
	if text == written {
		return
	}
	if h.written == nil {
		h.written = make(map[string]string)
	}
	h.written[text] = written
}

func (h *host) writtenOf(text string) string { return cmp.Or(h.written[text], text) }

// comparePatterns orders patterns by when they are tried: the longest first, and of those
// the last by name (IN: controller.go, getBackendServers).
func comparePatterns(a, b string) int {
	return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a))
}

// refused is why the path is no pattern, nil if it is one.
func (s *saidPath) refused() error {
	if !s.compiled {
		s.compiled = true
		var p *pattern.Pattern
		if p, s.patternErr = pattern.Compile(s.written); s.patternErr == nil {
			s.patternSize = p.Size()
		}
	}
	return s.patternErr
}
