package translate

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

var (
	errHostAddress  = errors.New("want a name, not an IP address")
	errHostWildcard = errors.New("want * only as the whole first label, as in *.example.com")
	errHostLength   = errors.New("want 253 bytes at most")
	errHostLabel    = errors.New("want labels of letters, digits and hyphens between dots, 63 bytes each")
)

// normalHost checks the host of a rule or tls block and returns it in lower
// case. The form is that of the Ingress specification: a DNS name without port
// (RFC 1123), or one after "*." . Empty stands for all hosts.
func normalHost(host string) (string, error) {
	name := strings.ToLower(host)
	if name == "" {
		return "", nil
	}
	if len(name) > 253 {
		return "", errHostLength
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "", errHostAddress
	}
	rest := strings.TrimPrefix(name, "*.")
	if strings.Contains(rest, "*") {
		return "", errHostWildcard
	}
	for label := range strings.SplitSeq(rest, ".") {
		if !isLabel(label) {
			return "", errHostLabel
		}
	}
	return name, nil
}

// isLabel tells whether s, in lower case, is one label of a host name.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// wildcardOf returns the wildcard that covers a name: its first label replaced
// by "*". It is "" for a wildcard and for a name of one label.
func wildcardOf(name string) string {
	first, rest, ok := strings.Cut(name, ".")
	if !ok || first == "*" {
		return ""
	}
	return "*." + rest
}

// host is one host of the model in the making.
type host struct {
	name   string
	routes []model.Route
	// index finds routes. It is nil as long as there are few.
	index    map[routeKey]int
	fallback *model.Route
	// secured tells that an Ingress with a tls block has the host.
	secured bool
	// aliases are other names of the host, which aliasedBy gave it.
	aliases   []string
	aliasedBy *ingress
	// target is the host that this one is redirected to, nil for most.
	target *host
	// written has how patterns were written, where that differs from their path.
	written map[string]string

	// What follows is set by addHostSettings, where an Ingress has such settings.

	tls model.HostTLS
	// through is where TLS connections are passed through to.
	through model.UpstreamKey
	// oldest is the oldest Ingress that has the host. authBy, ciphersBy and
	// passedBy are those that decided.
	oldest, authBy, ciphersBy, passedBy *ingress
	// denials are why the routes of some Ingresses answer 503 here.
	denials map[model.ObjectRef]string
}

// fewRoutes is how many routes are found by looking at each. Most hosts have no
// more, and are spared a map.
const fewRoutes = 8

// find returns the route with this key, nil for none.
func (h *host) find(key routeKey) *model.Route {
	if h.index != nil {
		if at, ok := h.index[key]; ok {
			return &h.routes[at]
		}
		return nil
	}
	for i := range h.routes {
		if r := &h.routes[i]; r.Match == key.match && r.Path == key.path {
			return r
		}
	}
	return nil
}

// add adds a route, whose key no other has.
func (h *host) add(route model.Route) {
	h.routes = append(h.routes, route)
	switch {
	case h.index != nil:
		h.index[routeKey{route.Path, route.Match}] = len(h.routes) - 1
	case len(h.routes) > fewRoutes:
		h.index = make(map[routeKey]int)
		for i := range h.routes {
			h.index[routeKey{h.routes[i].Path, h.routes[i].Match}] = i
		}
	}
}

// routeKey tells the routes of a host apart.
type routeKey struct {
	path  string
	match model.PathMatch
}

// host returns the host called name, which it adds when there is none.
func (b *build) host(name string) *host {
	h := b.hosts[name]
	if h == nil {
		h = &host{name: name}
		b.hosts[name] = h
	}
	return h
}

// label is how messages show the host.
func (h *host) label() string {
	if h.name == "" {
		return "*"
	}
	return h.name
}
