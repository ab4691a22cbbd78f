package translate

import (
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// bareKey is a path without the slash that it was written with, on a host.
type bareKey struct{ host, path string }

// addSlashes has a request for /a sent to /a/ where the rules have the path with the
// slash only, as nginx does for a path that it proxies, whatever its type (nginx: the
// last paragraphs on the directive location of ngx_http_core_module). The profile of
// the specification serves a Prefix either way.
func (b *build) addSlashes(ingresses []*ingress) {
	owners := make(map[bareKey]*ingress)
	eachPath(ingresses, func(in *ingress, host string, p *saidPath) {
		if key := (bareKey{host, p.bare()}); p.slash && in.nginx() && !b.hasPatterns(host) && owners[key] == nil {
			owners[key] = in
		}
	})
	if len(owners) == 0 {
		return
	}
	eachPath(ingresses, func(_ *ingress, host string, p *saidPath) {
		if !p.slash {
			delete(owners, bareKey{host, p.path}) // it is served as it is
		}
	})
	for key, in := range owners {
		route := b.route(in, routeKey{key.path, model.Exact}, key.path, target{})
		route.Answer = in.slash.Code
		route.Options.Filters = in.only(in.slash)
		b.hosts[key.host].add(route)
	}
}

// eachPath calls f for the paths of Ingresses that can be served.
func eachPath(ingresses []*ingress, f func(in *ingress, host string, p *saidPath)) {
	for _, in := range ingresses {
		for i := range in.said.rules {
			r := &in.said.rules[i]
			if r.err != nil {
				continue
			}
			for k := range r.paths {
				if p := &r.paths[k]; p.err == nil {
					f(in, r.host, p)
				}
			}
		}
	}
}

// bare is the path without a slash at its end.
func (p *saidPath) bare() string { return strings.TrimSuffix(p.path, "/") }

// only are the filters of a route that redirects in the name of an Ingress and does
// nothing else. The redirect to https comes after it.
func (in *ingress) only(redirect model.Redirect) model.FilterSet {
	f := in.options.Filters.Filters()
	return model.Filters{Redirect: redirect, HTTPS: f.HTTPS, HSTS: f.HSTS, ResponseFields: f.ResponseFields}.Set()
}

// nginx tells whether an Ingress is served as ingress-nginx does.
func (in *ingress) nginx() bool { return in.options.Profile == model.ProfileNginx }
