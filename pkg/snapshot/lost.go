package snapshot

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/route"
)

// How many of those that lost an explanation lists.
const (
	mostLostRoutes = 20
	mostLostHosts  = 10
)

// LostRoute is a route that does not serve a request, with why.
type LostRoute struct {
	Route *model.Route
	Why   string
}

// LostHost is a host that does not serve a request, with why. Name is that of the
// model.
type LostHost struct {
	Name, Why string
}

// nearness orders those that lost: the smaller, the nearer.
type nearness struct{ class, distance int }

// stranger is the class of those that have nothing to do with a request.
const stranger = 3

func (n nearness) compare(o nearness) int {
	return cmp.Or(cmp.Compare(n.class, o.class), cmp.Compare(n.distance, o.distance))
}

// ranked is one of those that lost.
type ranked[T any] struct {
	value T
	near  nearness
}

// nearest returns the values of the nearest, at most most, and how many are left
// out.
func nearest[T any](list []ranked[T], most int) (values []T, more int) {
	slices.SortStableFunc(list, func(a, b ranked[T]) int { return a.near.compare(b.near) })
	if more = max(0, len(list)-most); more > 0 {
		list = list[:most]
	}
	for _, r := range list {
		values = append(values, r.value)
	}
	return values, more
}

// explainRoutes tells why a path is served by winner, a route of h or nil, and
// not by the others.
func (e *Explanation) explainRoutes(h *model.Host, winner *model.Route, path []byte) {
	if winner != nil {
		e.Route = winner
		switch {
		case winner.Path == "":
			e.RouteWhy = "it is the default backend, and no path of the host covers the request's"
		case winner.Match == model.Exact:
			e.RouteWhy = "the path is the same"
		case winner.Match == model.Pattern:
			e.RouteWhy = "it is the first pattern that matches the path: longer ones are tried first, and upper and lower case do not matter"
		default:
			e.RouteWhy = "it is the longest prefix that covers the path"
		}
	}
	var lost []ranked[LostRoute]
	add := func(r *model.Route) {
		if r != nil && r != winner {
			why, near := whyLost(r, winner, path)
			lost = append(lost, ranked[LostRoute]{LostRoute{r, why}, near})
		}
	}
	for i := range h.Routes {
		add(&h.Routes[i])
	}
	add(h.Fallback)
	e.OtherRoutes, e.MoreRoutes = nearest(lost, mostLostRoutes)
}

// whyLost tells why a route does not serve a path that winner, which may be nil,
// does. Those that would serve it without winner are nearest, the longest first;
// of the others those that have most in common with it.
func whyLost(r, winner *model.Route, path []byte) (string, nearness) {
	asked := string(path)
	switch {
	case r.Path == "":
		return "a default backend serves only what no path covers", nearness{class: 1}
	case winner != nil && matches(r, path):
		return whyBeaten(r, winner), nearness{0, -len(r.Path)}
	case r.Match == model.Pattern:
		return "pattern does not match the path", nearness{2, -common(asked, r.Path)}
	}
	why := "exact path differs"
	switch {
	case r.Match == model.Prefix && strings.HasPrefix(asked, r.Path):
		why = "prefix " + model.Excerpt(r.Path) + " covers whole path elements only"
	case r.Match == model.Prefix && strings.HasPrefix(strings.ToLower(asked), strings.ToLower(r.Path)),
		r.Match == model.Exact && strings.EqualFold(asked, r.Path):
		why = "upper and lower case differ"
	case r.Match == model.Prefix:
		why = "prefix " + model.Excerpt(r.Path) + " does not cover it"
	case strings.TrimSuffix(asked, "/") == strings.TrimSuffix(r.Path, "/"):
		why = "exact path differs by the slash at its end"
	}
	return why, nearness{2, -common(asked, r.Path)}
}

// whyBeaten tells why a route does not serve a path that it covers, as winner does.
func whyBeaten(r, winner *model.Route) string {
	switch {
	case winner.Match == model.Exact && r.Match == model.Pattern:
		return "an exact path beats a pattern"
	case winner.Match == model.Exact:
		return "an exact path beats a prefix"
	case r.Match == model.Pattern && winner.Match == model.Pattern:
		return "pattern comes later than " + model.Excerpt(winner.Path)
	case r.Match == model.Pattern:
		return "pattern begins with less than the prefix " + model.Excerpt(winner.Path)
	case winner.Match == model.Pattern:
		return "prefix is no longer than what the pattern " + model.Excerpt(winner.Path) + " begins with"
	}
	return "shorter prefix than " + model.Excerpt(winner.Path)
}

// matches tells whether a path would be served by r, were it the only one. It
// asks a table of that one route.
func matches(r *model.Route, path []byte) bool {
	paths, err := route.NewPaths([]route.Rule[struct{}]{{Match: matchOf(r), Path: r.Path}})
	if err != nil {
		return false // Compile has refused it
	}
	_, _, ok, _ := paths.Find(path, new(route.Scratch))
	return ok
}

// common is the length of the longest common prefix.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// explainHosts tells why a name is served by the host at a position of config, or
// by none for -1, and not by the others.
func (e *Explanation) explainHosts(config *model.Config, name []byte, at int) {
	asked := string(name)
	if at >= 0 {
		e.Served = hostMatch(asked, &config.Hosts[at])
	}
	var lost []ranked[LostHost]
	strangers := 0
	for i := range config.Hosts {
		if i == at {
			continue
		}
		other := config.Hosts[i].Name
		why, near := whyHostLost(other, asked, name)
		if near.class == stranger && at >= 0 {
			strangers++ // of interest only to whom no host serves
			continue
		}
		lost = append(lost, ranked[LostHost]{LostHost{other, why}, near})
	}
	e.OtherHosts, e.MoreHosts = nearest(lost, mostLostHosts)
	e.MoreHosts += strangers
}

func hostMatch(asked string, h *model.Host) *HostMatch {
	name := h.Name
	for _, a := range h.Aliases {
		if a.Name == asked || !covers(name, []byte(asked)) && covers(a.Name, []byte(asked)) {
			return &HostMatch{name, "alias", "the host has the alias " + a.Name}
		}
	}
	switch {
	case name == "":
		return &HostMatch{name, "catch-all", "no host is called " + quoted(asked) + ", and no wildcard covers it"}
	case strings.HasPrefix(name, "*"):
		return &HostMatch{name, "wildcard", "no host is called " + quoted(asked) + ", and a wildcard covers exactly one more label"}
	}
	return &HostMatch{name, "exact", "it is the host that was asked for"}
}

// noHost says why no host serves the request.
func (e *Explanation) noHost() string {
	return "no host is called " + quoted(e.Host) + ", no wildcard covers it, and there is no catch-all"
}

func quoted(name string) string {
	if name == "" {
		return `""`
	}
	return model.Excerpt(name)
}

// whyHostLost tells why a host does not serve a name. Those that would serve it
// without the one that does are nearest, then those that one could take for it.
func whyHostLost(host, asked string, name []byte) (string, nearness) {
	suffix, wildcard := strings.CutPrefix(host, "*")
	switch {
	case host == "":
		return "the catch-all is only for hosts that no other one covers, whatever their paths", nearness{class: 1}
	case wildcard && covers(host, name):
		return "a host beats a wildcard", nearness{class: 0}
	case wildcard && strings.HasSuffix(asked, suffix):
		return "a wildcard covers exactly one more label", nearness{class: 2}
	case wildcard && "."+asked == suffix:
		return "a wildcard covers exactly one more label, and not the name without it", nearness{class: 2}
	case !wildcard && strings.HasSuffix(asked, "."+host):
		return "a host does not cover the names below it", nearness{class: 2}
	}
	return "another name", nearness{stranger, -commonLabels(asked, host)}
}

// covers tells whether a host would serve a name, were it the only one.
func covers(host string, name []byte) bool {
	table, err := route.New([]route.Host[struct{}]{{Name: host, Paths: new(route.Paths[struct{}])}})
	return err == nil && table.Host(name) != nil
}

// commonLabels is how many labels two names have in common, from the end.
func commonLabels(a, b string) int {
	n := 0
	for a != "" && b != "" {
		i, j := strings.LastIndexByte(a, '.'), strings.LastIndexByte(b, '.')
		if a[i+1:] != b[j+1:] {
			break
		}
		n++
		a, b = a[:max(i, 0)], b[:max(j, 0)]
	}
	return n
}
