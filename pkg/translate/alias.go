package translate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// addAliases gives hosts the other names that their Ingresses want for them. The
// oldest Ingress of a host that wants some decides, and the host of a rule goes before
// an alias (IN: controller.go, createServers).
func (b *build) addAliases(ingresses []*ingress) {
	for _, in := range ingresses {
		if in.aliases == "" {
			continue
		}
		for name := range in.hosts() {
			switch h := b.hosts[name]; {
			case h == nil, h.aliasedBy == in:
			case name == "":
				b.tell(in, model.ReasonNoEffect, "server-alias has no effect on a rule without a host")
			case h.aliasedBy != nil:
				b.tell(in, model.ReasonNoEffect, "%s already has the server-alias of %v", name, nameOf(h.aliasedBy.ref))
			default:
				h.aliasedBy = in
				b.addAliasesOf(in, h)
			}
		}
	}
}

func (b *build) addAliasesOf(in *ingress, h *host) {
	for alias := range strings.SplitSeq(in.aliases, ",") {
		switch other := b.aliases[alias]; {
		case alias == h.name:
		case b.hosts[alias] != nil:
			b.tell(in, model.ReasonNoEffect, "server-alias: %s is a host with rules of its own", alias)
		case other != nil:
			b.tell(in, model.ReasonNoEffect, "server-alias: %s is an alias of %s already", alias, other.name)
		default:
			if b.aliases == nil {
				b.aliases = make(map[string]*host)
			}
			b.aliases[alias] = h
			h.aliases = append(h.aliases, alias)
		}
	}
}

// addWWW adds the hosts that are redirected to others: www.shop.example to
// shop.example or the other way round, unless there is such a host (IN: dynamic
// configuration of redirects, utils/ingress.go, BuildRedirects).
func (b *build) addWWW(ingresses []*ingress) {
	for _, in := range ingresses {
		if !in.fromToWWW {
			continue
		}
		for name := range in.hosts() {
			if h := b.hosts[name]; h != nil {
				b.addRedirected(in, h)
			}
		}
	}
}

func (b *build) addRedirected(in *ingress, to *host) {
	from, found := strings.CutPrefix(to.name, "www.")
	if !found {
		from = "www." + to.name
	}
	taken := b.hosts[from]
	switch {
	case to.name == "", strings.HasPrefix(to.name, "*"):
		b.tell(in, model.ReasonNoEffect, "from-to-www-redirect has no effect on %s: it needs the name of a host", to.label())
		return
	case taken != nil && taken.target == to:
		return // for another Ingress of the host
	case taken != nil, b.aliases[from] != nil:
		b.tell(in, model.ReasonNoEffect, "from-to-www-redirect has no effect on %s: there is a host of that name", from)
		return
	}
	if normal, err := normalHost(from); err != nil || normal == "" {
		b.tell(in, model.ReasonNoEffect, "from-to-www-redirect has no effect on %s: %s cannot be a host", to.name, model.Excerpt(from))
		return
	}
	h := b.host(from)
	h.target = to
	redirect := model.Redirect{Host: to.name, Code: cmp.Or(in.redirectCode, 308)}
	route := b.route(in, routeKey{}, "/", target{})
	route.Answer, route.Options.Filters = redirect.Code, in.only(redirect)
	h.fallback = &route
}

// model returns a host as the model has it: routes by path, exact first, and then
// patterns. The host is not used after that, because its routes change places.
func (b *build) model(h *host) model.Host {
	slices.SortStableFunc(h.routes, h.compareRoutes)
	own := b.certificateFor(h.name, nil)
	if h.target != nil {
		own = b.certificateFor(h.name, h.target)
	}
	m := model.Host{
		Name: h.name, Certificate: own, Secured: h.secured, TLS: h.tls, Passthrough: h.through,
		Routes: h.routes, Fallback: h.fallback,
	}
	slices.Sort(h.aliases)
	for _, name := range h.aliases {
		a := model.Alias{Name: name, Certificate: b.certificateFor(name, h)}
		_, listed := b.claims[name]
		a.Secured = h.secured && a.Certificate != "" || listed
		m.Aliases = append(m.Aliases, a)
	}
	return m
}
