package translate

import (
	"cmp"
	"iter"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// denyAround fails closed for a path of an Ingress whose paths are denied or protected,
// where the path is not known to cover what it was written for: one that cannot be
// matched, and one that may be meant for a regular expression: of type
// ImplementationSpecific, or one that strict-validate-path-type is about. Without this the requests meant for it would reach a shorter
// path of the host, of an Ingress that denies nothing.
func (b *build) denyAround(in *ingress, h *host, path *networkingv1.HTTPIngressPath, said *saidPath) {
	expression := strings.ContainsAny(path.Path, expressionBytes)
	mayMatch := isSpecific(path) || said.unusual && in.strictPaths
	if !in.protects() || said.err == nil && !(expression && mayMatch) {
		return
	}
	key := routeKey{literalPrefix(path.Path), model.Prefix}
	switch older := h.find(key); {
	case older == nil:
		route := b.route(in, key, path.Path, target{})
		route.Denied = cmp.Or(route.Denied, "what is protected here is not matched as written")
		h.add(route)
		b.tell(in, model.ReasonDenied, "%s, path %q is not matched as written: all below %s answers 503",
			h.label(), model.Excerpt(path.Path), model.Excerpt(key.path))
	case !sameObject(older.Ingress, in.ref):
		b.tell(in, model.ReasonPathConflict, "%s%s is already served by %v",
			h.label(), model.Excerpt(key.path), nameOf(older.Ingress))
	}
}

// protects tells whether something keeps requests from the paths of an Ingress.
func (in *ingress) protects() bool {
	filters := in.options.Filters.Filters()
	return in.denied != "" || filters.Protects()
}

// expressionBytes are those that mean something in a regular expression, but for
// the full stop, which is common in paths.
const expressionBytes = `\^$*+?()[]{}|`

// literalPrefix returns the path, in normal form, that has below it all that a
// path in a form that cannot be matched may stand for: its leading segments up
// to the first one that is not literal. It is "/" when there are none.
func literalPrefix(path string) string {
	if at := strings.IndexAny(path, expressionBytes); at >= 0 {
		literal, rest := path[:at], path[at:]
		switch {
		case strings.HasPrefix(rest, "(/|$)"): // as in /api(/|$)(.*)
			path = literal
		case strings.HasSuffix(literal, "/") && strings.HasPrefix(rest, "?"): // as in /api/?(.*)
			path = literal
		default:
			path = literal[:strings.LastIndexByte(literal, '/')+1]
		}
	}
	prefix := ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		normal, err := normalPath("/" + segment)
		if err != nil || normal == "/" || len(prefix)+len(normal) > longestPath {
			break
		}
		prefix += normal
	}
	return cmp.Or(prefix, "/")
}

// denyHosts denies the routes of hosts that an Ingress of the same namespace
// protects as a whole. It stops at the namespace: whoever may write an Ingress
// in one could otherwise take down the hosts of all others. It also denies what
// addHostSettings found. Routes that come after it ask deniedOn.
func (b *build) denyHosts(ingresses []*ingress) {
	b.protected = protectedHosts(ingresses)
	if len(b.protected) > 0 {
		b.tellProtected(ingresses)
	}
	for _, h := range b.hosts {
		if len(b.protected) == 0 && len(h.denials) == 0 {
			continue
		}
		deny := func(r *model.Route) { r.Denied = cmp.Or(r.Denied, b.deniedOn(h, r.Ingress)) }
		for i := range h.routes {
			deny(&h.routes[i])
		}
		if h.fallback != nil {
			own := *h.fallback // which other hosts may share
			deny(&own)
			h.fallback = &own
		}
	}
}

// deniedOn is why the routes of an Ingress on a host are denied, empty if they are not.
func (b *build) deniedOn(h *host, in model.ObjectRef) string {
	return cmp.Or(b.protected[hostOf{in.Namespace, h.name}].reason, h.denials[in])
}

// tellProtected tells the authors of the other Ingresses of protected hosts.
func (b *build) tellProtected(ingresses []*ingress) {
	for _, in := range ingresses {
		for name := range in.hosts() {
			if why, ok := b.protected[hostOf{in.Namespace, name}]; ok && in.denied == "" {
				b.tell(in, model.ReasonDenied, "%v protects the host %s: %s, so the paths here answer 503",
					nameOf(why.ingress), (&host{name: name}).label(), why.reason)
			}
		}
	}
}

// hostOf is a host as one namespace has it.
type hostOf struct{ namespace, host string }

// protection is why a host is denied, and by whom.
type protection struct {
	ingress model.ObjectRef
	reason  string
}

// protectedHosts returns the hosts that Ingresses protect as a whole, by the
// oldest that does.
func protectedHosts(ingresses []*ingress) map[hostOf]protection {
	var protected map[hostOf]protection
	for _, in := range ingresses {
		if in.hostsDenied == "" {
			continue
		}
		for name := range in.hosts() {
			if protected == nil {
				protected = make(map[hostOf]protection)
			}
			at := hostOf{in.Namespace, name}
			if _, taken := protected[at]; !taken {
				protected[at] = protection{in.ref, in.hostsDenied}
			}
		}
	}
	return protected
}

// hosts are those that the Ingress has routes for, some more than once.
func (in *ingress) hosts() iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(in.Spec.Rules) == 0 {
			yield("")
			return
		}
		for i := range in.said.rules {
			if r := &in.said.rules[i]; r.err == nil && !yield(r.host) {
				return
			}
		}
	}
}
