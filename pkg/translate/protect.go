package translate

import (
	"cmp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// denyAround fails closed for a path of an Ingress whose paths are denied, where
// the path is not known to cover what it was written for: one that cannot be
// matched, and one of type ImplementationSpecific that is a regular expression
// to ingress-nginx. Without this the requests meant for it would reach a shorter
// path of the host, of an Ingress that denies nothing.
func (b *build) denyAround(in *ingress, h *host, path *networkingv1.HTTPIngressPath, said *saidPath) {
	expression := strings.ContainsAny(path.Path, expressionBytes)
	mayMatch := path.PathType != nil && *path.PathType == networkingv1.PathTypeImplementationSpecific
	if in.denied == "" || said.err == nil && !(expression && mayMatch) {
		return
	}
	key := routeKey{literalPrefix(path.Path), model.Prefix}
	switch older := h.find(key); {
	case older == nil:
		h.add(b.route(in, key, target{}))
		b.tell(in, model.ReasonDenied, "%s, path %q is not matched as written: all below %s answers 503",
			h.label(), model.Excerpt(path.Path), model.Excerpt(key.path))
	case !sameObject(older.Ingress, in.ref):
		b.tell(in, model.ReasonPathConflict, "%s%s is already served by %v",
			h.label(), model.Excerpt(key.path), nameOf(older.Ingress))
	}
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
