package translate

import "github.com/shockwave-ingress/shockwave/pkg/model"

// addPassthrough passes a host through when its oldest Ingress wants so (IN:
// controller.go, createServers).
func (b *build) addPassthrough(in *ingress, h *host) {
	switch {
	case !in.passthrough:
	case h.name == "": // whatever name clients ask for, those of others among them
		b.denyOn(in, h, "ssl-passthrough needs a host")
	case h.passedBy != nil && h.passedBy != in:
		b.tell(in, model.ReasonTLSConflict, "%v already has the TLS connections to %s passed through", nameOf(h.passedBy.ref), h.label())
	case h.oldest != in:
		b.denyOn(in, h, "%v is older and has the TLS connections to the host ended here", nameOf(h.oldest.ref))
	case h.root(in) == nil:
		b.denyOn(in, h, "ssl-passthrough needs a path / or a default backend of this Ingress")
	default:
		h.passedBy = in
	}
}

// root returns the route whose Service takes TLS connections that in has passed
// through, nil when there is none.
func (h *host) root(in *ingress) *model.Route {
	for _, match := range []model.PathMatch{model.Prefix, model.Exact, model.Pattern} {
		if r := h.find(routeKey{"/", match}); r != nil && sameObject(r.Ingress, in.ref) {
			return r
		}
	}
	if h.fallback != nil && sameObject(h.fallback.Ingress, in.ref) {
		return h.fallback
	}
	return nil
}

// passThrough sets where the TLS connections to hosts go. One whose route is denied
// is not passed through, around what denies it: its connections end here, and are
// answered 503.
func (b *build) passThrough(ingresses []*ingress) {
	for _, in := range ingresses {
		if !in.passthrough {
			continue
		}
		for name := range in.hosts() {
			h := b.hosts[name]
			if h == nil || h.passedBy != in {
				continue
			}
			if route := h.root(in); route.Denied == "" {
				h.through = route.Upstream
			}
		}
	}
}
