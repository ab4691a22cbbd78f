package translate

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// takeCanaries takes the canaries out of a list of Ingresses: they have no routes of
// their own.
func takeCanaries(ingresses []*ingress) (rest, canaries []*ingress) {
	rest = ingresses[:0]
	for _, in := range ingresses {
		if in.isCanary {
			canaries = append(canaries, in)
		} else {
			rest = append(rest, in)
		}
	}
	return rest, canaries
}

// canaries is the adding of canaries to the routes of their primaries.
type canaries struct {
	*build
	// primaries are the Ingresses that are no canaries.
	primaries map[model.ObjectRef]*ingress
	// routes are those of each Service port in the profile of ingress-nginx.
	routes map[model.UpstreamKey][]*model.Route
}

// addCanaries gives routes their canaries, the oldest first: a route has one (IN:
// controller.go, mergeAlternativeBackends). A canary that cannot be added costs its
// primary nothing.
func (b *build) addCanaries(list, others []*ingress) {
	if len(list) == 0 {
		return
	}
	c := canaries{b, make(map[model.ObjectRef]*ingress, len(others)), make(map[model.UpstreamKey][]*model.Route)}
	for _, in := range others {
		c.primaries[in.ref] = in
	}
	for _, h := range b.hosts {
		for i := range h.routes {
			c.index(&h.routes[i])
		}
		if h.fallback != nil {
			c.index(h.fallback)
		}
	}
	for _, in := range list {
		c.add(in)
	}
}

func (c *canaries) index(r *model.Route) {
	if r.Options.Profile == model.ProfileNginx && !r.Upstream.IsZero() {
		c.routes[r.Upstream.Base()] = append(c.routes[r.Upstream.Base()], r)
	}
}

// add adds a canary to the routes of its hosts and paths.
func (c *canaries) add(in *ingress) {
	if in.denied != "" {
		c.tell(in, model.ReasonCanary, "the canary gets no requests: %s", in.denied)
		return
	}
	if in.canary.Weight > in.canary.Total {
		c.tell(in, model.ReasonInvalidValue, "canary-weight %d is more than canary-weight-total %d: it has no effect", in.canary.Weight, in.canary.Total)
		in.canary.Weight = 0
	}
	in.canary.Tidy()
	backend := in.Spec.DefaultBackend
	if backend != nil && len(in.Spec.Rules) == 0 {
		var r *model.Route
		if h := c.hosts[""]; h != nil {
			r = h.fallback
		}
		c.addTo(in, r, "the default backend of *", backend)
	}
	for i := range in.said.rules {
		rule, said := &in.Spec.Rules[i], &in.said.rules[i]
		if said.err != nil {
			c.tell(in, model.ReasonInvalidHost, "host %q: %v", model.Excerpt(rule.Host), said.err)
			continue
		}
		h := c.hosts[said.host]
		if h == nil {
			h = &host{name: said.host}
		}
		if backend != nil {
			c.addTo(in, h.fallback, "the default backend of "+h.label(), backend)
		}
		if rule.HTTP == nil {
			continue
		}
		for k := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[k]
			r := c.routeOf(h, path, &said.paths[k])
			if err := said.paths[k].err; r == nil && err != nil {
				c.tell(in, model.ReasonInvalidPath, "%s, path %q: %v", h.label(), model.Excerpt(path.Path), err)
				continue
			}
			c.addTo(in, r, h.label()+model.Excerpt(path.Path), &path.Backend)
		}
	}
}

// routeOf finds the route of a host that a path of a canary is about: that of the same
// path and type, nil for none. Whether it is a pattern is up to the primary.
func (c *canaries) routeOf(h *host, path *networkingv1.HTTPIngressPath, said *saidPath) *model.Route {
	if said.err == nil {
		if r := h.find(said.routeKey); r != nil {
			return r
		}
	}
	text, kind := writtenPath(path)
	w := c.written[h.name]
	if w == nil || !w.patterns { // patterns are those of use-regex
		if !isSpecific(path) {
			return nil
		}
		return h.find(routeKey{text, model.Pattern})
	}
	if !slices.Contains(w.types[text], kind) {
		return nil
	}
	if kind == networkingv1.PathTypePrefix && slices.Contains(w.types[text], networkingv1.PathTypeExact) { // see addPattern
		if r := h.find(routeKey{text + "/", model.Pattern}); r != nil {
			return r
		}
	}
	return h.find(routeKey{text, model.Pattern})
}

// addTo adds a canary to a route, nil for none, that people know as what.
func (c *canaries) addTo(in *ingress, r *model.Route, what string, backend *networkingv1.IngressBackend) {
	target, err := c.lookUp(in.Namespace, backend)
	switch {
	case r == nil:
		c.tell(in, model.ReasonCanary, "no Ingress has %s with this pathType: the canary gets no requests there", what)
		return
	case r.Ingress.Namespace != in.Namespace:
		// The one that has the host could not keep others from taking what it gets.
		c.tell(in, model.ReasonCanary, "%s belongs to %v: a canary of another namespace gets no requests", what, nameOf(r.Ingress))
		return
	case err != nil:
		c.tell(in, err.reason, "%s: the canary gets no requests", err.message)
		return
	case target.key == r.Upstream.Base():
		c.tell(in, model.ReasonCanary, "%s already leads to %v: a canary needs a Service of its own", what, target.key)
		return
	case r.Upstream.IsZero():
		c.tell(in, model.ReasonCanary, "%s leads to no Service: there are no requests to share", what)
		return
	}
	primary := c.primaries[r.Ingress]
	if primary == nil || !c.check(in, primary) {
		return
	}
	canary := model.Canary{Ingress: in.Namespace + "/" + in.Name, CanaryRules: in.canary}
	if older := r.Branches.Branches().Canary; older != (model.Canary{}) {
		if older.Ingress != canary.Ingress {
			c.tell(in, model.ReasonPathConflict, "%s already has the canary %s", what, older.Ingress)
		} else if older.Upstream.Base() != target.key {
			c.tell(in, model.ReasonPathConflict, "%s has the canary %v of this Ingress already", what, older.Upstream)
		}
		return
	}
	c.set(r, canary, in, target)
	if r.Options.Profile != model.ProfileNginx {
		return
	}
	// U10: there an upstream is shared by all that lead to the same Service port, and
	// has its canary wherever it is used (IN: controller.go, createUpstreams).
	for _, other := range c.routes[r.Upstream.Base()] {
		if other.Branches.Branches().Canary == (model.Canary{}) {
			c.set(other, canary, in, target)
		}
	}
}

// set gives a route a canary that leads to target, with the settings of the route's own
// Ingress: another one of the same Service may keep its clients by another cookie.
func (c *canaries) set(r *model.Route, canary model.Canary, in *ingress, t target) {
	primary := c.primaries[r.Ingress]
	if primary == nil {
		return
	}
	canary.Upstream = c.use(t, canaryPolicy(in, primary, t))
	branches := r.Branches.Branches()
	branches.Canary = canary
	r.Branches = branches.Set()
}

// check tells of the settings of a canary that have no effect. It returns false for
// one that asks for a protection which it would not get.
func (c *canaries) check(in, primary *ingress) bool {
	ignored, protects := namesOf(c.reader.Unused(in.Annotations, primary.Annotations))
	if protects != "" {
		c.tell(in, model.ReasonDenied, "%s has no effect on a canary and %v has another one: the canary gets no requests", protects, nameOf(primary.ref))
		return false
	}
	if ignored != "" {
		c.tell(in, model.ReasonNoEffect, "no effect on a canary, those of %v count: %s", nameOf(primary.ref), ignored)
	}
	return true
}

// namesOf lists annotations, and those of them that protect.
func namesOf(unused []annotation.Unused) (all, protecting string) {
	var names, protects []string
	for _, u := range unused {
		names = append(names, u.Name)
		if u.Protects {
			protects = append(protects, u.Name)
		}
	}
	return strings.Join(names, ", "), strings.Join(protects, ", ")
}

// canaryPolicy is how the endpoints of a canary are used: as those of its primary, but
// for what the canary says of them itself. Clients are kept by the primary's cookie.
func canaryPolicy(in, primary *ingress, t target) model.Policy {
	policy, own, usual := primary.policy, in.policy, in.class.policy
	if own.Pool != usual.Pool {
		policy.Pool = own.Pool
	}
	if own.Transport != usual.Transport {
		policy.Transport = own.Transport
	}
	if own.Health != usual.Health {
		policy.Health = own.Health
	}
	sticky := policy.Balance.Sticky
	own.Balance.Sticky, usual.Balance.Sticky = model.Sticky{}, model.Sticky{}
	if own.Balance != usual.Balance {
		policy.Balance = own.Balance
	}
	policy.Balance.Sticky = sticky
	if in.canary.Legacy {
		policy.Balance.Sticky = model.Sticky{}
	}
	policy.ClusterIP = (policy.ClusterIP || own.ClusterIP) && t.clusterIP
	return policy
}

// tellCanaryTLS tells of the tls blocks of canaries, which have no effect: where the
// host has one of another Ingress, as it has to, that is as it should be.
func (b *build) tellCanaryTLS(list []*ingress) {
	for _, in := range list {
		for _, hosts := range in.said.tls {
			for _, name := range hosts {
				if _, ok := b.claims[name]; !ok && name != "" {
					b.tell(in, model.ReasonNoEffect, "tls of a canary has no effect: %s has no certificate", name)
				}
			}
		}
	}
}
