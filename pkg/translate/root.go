package translate

import (
	"cmp"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// addRoots gives hosts what serves their unmatched paths: the Service of
// --default-backend-service, without which they answer 404. In the profile of
// ingress-nginx the oldest Ingress of a host has that route too, with its annotations,
// so that its redirects and its access lists hold there (IN: controller.go,
// createServers).
func (b *build) addRoots(ingresses []*ingress) {
	target, ok := b.defaultBackend()
	seen := make(map[string]bool)
	for _, in := range ingresses {
		for name := range in.hosts() {
			h := b.hosts[name]
			if name == "" || h == nil || seen[name] {
				continue
			}
			seen[name] = true
			if in.nginx() && h.fallback == nil && h.find(routeKey{"/", model.Prefix}) == nil && h.find(routeKey{"/", model.Pattern}) == nil {
				h.fallback = b.rootOf(in, h, target, ok)
			}
		}
	}
	if !ok {
		return
	}
	options, policy := b.base.Final()
	policy.ClusterIP = policy.ClusterIP && target.clusterIP
	denied := b.denied
	if denied == "" && b.base.BasicAuth {
		denied = "auth-type needs an auth-secret, which a default backend cannot have"
		b.problem(b.ref("Service", target.key.Namespace, target.key.Service), model.ReasonDenied, "%s: its paths answer 503", denied)
	}
	fallback := &model.Route{Upstream: b.use(target, policy), Options: options, Denied: denied}
	// Hosts that nobody has are not under the global authentication, and whether they are
	// logged is said apart (IN: controller.go, createServers).
	if h := b.host(""); h.fallback == nil {
		open := *b.base
		open.NoGlobalAuth = true
		nobodys := *fallback
		nobodys.Options, _ = open.Final()
		nobodys.Options.NoAccessLog = nobodys.Options.NoAccessLog || !b.listener().Log.DefaultBackend
		h.fallback = &nobodys
	}
	for _, h := range b.hosts {
		if h.fallback == nil {
			h.fallback = fallback
		}
	}
	b.addErrorBackends(target, policy)
}

// rootOf makes the route for the unmatched paths of a host of an Ingress.
func (b *build) rootOf(in *ingress, h *host, to target, ok bool) *model.Route {
	route := b.route(in, routeKey{}, "/", to)
	route.Branches = route.Branches.Branches().ForErrors(in.options.Filters).Set() // there is nothing to stand in for
	route.Denied = cmp.Or(route.Denied, b.deniedOn(h, in.ref))
	if !ok {
		route.Answer = 404
	}
	return &route
}

// defaultBackend returns the target of --default-backend-service, if there is one.
func (b *build) defaultBackend() (to target, ok bool) {
	name := b.settings.DefaultBackendService
	if name.Name == "" {
		return target{}, false
	}
	ref := b.ref("Service", name.Namespace, name.Name)
	service := b.services[name]
	if service == nil {
		b.problem(ref, model.ReasonServiceNotFound, "the default backend's Service does not exist")
		return target{}, false
	}
	// Which port is not said: it is the first one (IN: controller.go,
	// getDefaultUpstream).
	to, err := b.resolveFirstPort(service)
	if err != nil {
		b.problem(ref, err.reason, "default backend: %s", err.message)
		return target{}, false
	}
	return to, true
}

// addAppRoots has the app-root of an Ingress hold on its hosts, also where another
// Ingress of the namespace, or none, serves "/". The oldest one decides.
func (b *build) addAppRoots(ingresses []*ingress) {
	for _, in := range ingresses {
		path := in.options.Filters.Filters().AppRoot.Path
		if path == "" {
			continue
		}
		for name := range in.hosts() {
			if h := b.hosts[name]; h != nil {
				b.addAppRoot(in, h, path)
			}
		}
	}
}

func (b *build) addAppRoot(in *ingress, h *host, path string) {
	root := h.find(routeKey{"/", model.Exact})
	if root == nil {
		root = h.rootPattern()
	}
	if root == nil {
		root = h.find(routeKey{"/", model.Prefix})
	}
	if root == nil && h.fallback != nil {
		own := *h.fallback // which other hosts may share
		h.fallback, root = &own, &own
	}
	if root == nil {
		route := b.route(in, routeKey{"/", model.Exact}, "/", target{})
		route.Answer, route.Denied = 404, cmp.Or(route.Denied, b.deniedOn(h, in.ref))
		h.add(route)
		return
	}
	filters := root.Options.Filters.Filters()
	switch ns := root.Ingress.Namespace; {
	case sameObject(root.Ingress, in.ref), filters.AppRoot.Path == path:
	case ns != "" && ns != in.Namespace && root.Answer == 0:
		b.tell(in, model.ReasonNoEffect, "app-root has no effect on %s, whose / is served by %v", h.label(), nameOf(root.Ingress))
	case filters.AppRoot.Path != "":
		b.tell(in, model.ReasonPathConflict, "%s already has another app-root", h.label())
	default:
		filters.AppRoot.Path = path
		root.Options.Filters = filters.Set()
	}
}
