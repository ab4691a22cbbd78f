package translate

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// readDefaultBackend looks up the Service of the annotation default-backend. Which port
// is meant is not said: it is the first one (IN: controller.go, getBackendServers).
func (b *build) readDefaultBackend(in *ingress, values *annotation.Values) {
	if values.DefaultBackend == "" {
		return
	}
	name := types.NamespacedName{Namespace: in.Namespace, Name: values.DefaultBackend}
	service := b.services[name]
	if service == nil {
		b.tell(in, model.ReasonServiceNotFound, "default-backend: Service %s does not exist: it has no effect", model.Excerpt(name.String()))
		return
	}
	target, err := b.resolveFirstPort(service)
	if err != nil {
		b.tell(in, err.reason, "default-backend: %s: it has no effect", err.message)
		return
	}
	in.defaultBackend = target
}

// errorPolicy is how the endpoints of a backend for errors are used: as the class says,
// but for what a Service of another kind would not understand (IN: nginx.tmpl,
// CUSTOM_ERRORS).
func errorPolicy(p model.Policy) model.Policy {
	usual := model.DefaultPolicy()
	p.Transport, p.Balance.Sticky, p.ClusterIP = usual.Transport, model.Sticky{}, false
	if p.Balance.HashBy == "" {
		p.Balance.HashLoad = 0
	}
	return p
}

// addErrorBackends gives the routes whose errors are replaced the backend that does so,
// where their Ingress names none: the default backend of all.
func (b *build) addErrorBackends(fallback target, policy model.Policy) {
	add := func(r *model.Route) {
		branches, filters := r.Branches.Branches(), r.Options.Filters.Filters()
		switch {
		case filters.Errors.Codes == "" || !branches.Errors.IsZero():
		case r.Upstream.Base() == fallback.key: // its errors are its pages
			filters.Errors = model.Errors{}
			r.Options.Filters = filters.Set()
		default:
			branches.Errors = b.use(fallback, errorPolicy(policy))
			r.Branches = branches.Set()
		}
	}
	for _, h := range b.hosts {
		for i := range h.routes {
			add(&h.routes[i])
		}
		if h.fallback != nil {
			add(h.fallback)
		}
	}
}
