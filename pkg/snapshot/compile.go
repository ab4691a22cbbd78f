package snapshot

import (
	"fmt"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/route"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Compile makes a snapshot of a configuration. prev is the snapshot in use, or
// nil: unchanged hosts and certificates are taken over from it, so it must have
// been compiled with the same registry and metrics, which must still have all
// that it wants. The result is the same as without prev.
//
// Compile accepts what translate.Build makes. It fails when the configuration
// contradicts itself: a route to an upstream that is not listed, a name or path
// that occurs twice, a key pair that does not parse, an allocation mode that
// there is not. Then nothing has changed, and prev can go on serving.
func Compile(config *model.Config, prev *Snapshot, reg *upstream.Registry, m *metrics.Metrics) (*Snapshot, error) {
	s := &Snapshot{Config: config, Generation: 1, Compiled: time.Now()}
	var known *certs.Set
	if prev != nil {
		s.Generation = prev.Generation + 1
		known = prev.Certificates
	}
	var err error
	if s.ConnectionMode, err = alloc.ParseMode(string(config.Listener.AllocationMode)); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	if s.Certificates, err = compileCertificates(config, known); err != nil {
		return nil, err
	}
	if err := checkUpstreams(config); err != nil {
		return nil, err
	}
	fresh, err := s.compileHosts(prev)
	if err != nil {
		return nil, err
	}
	// Nothing fails from here on: only now the registry is touched.
	s.connect(fresh, reg, m)
	return s, nil
}

func compileCertificates(config *model.Config, known *certs.Set) (*certs.Set, error) {
	sources := make([]certs.Source, len(config.Certificates))
	for i, c := range config.Certificates {
		sources[i] = certs.Source{Name: c.Name, Cert: c.Cert, Key: c.Key}
	}
	bindings := make([]certs.Binding, 0, len(config.Hosts)+len(config.TLSNames))
	for i := range config.Hosts {
		if h := &config.Hosts[i]; h.Name != "" { // the catch-all is no server name
			bindings = append(bindings, certs.Binding{ServerName: h.Name, Certificate: h.Certificate})
		}
	}
	for _, n := range config.TLSNames {
		bindings = append(bindings, certs.Binding{ServerName: n.Name, Certificate: n.Certificate})
	}
	return certs.New(sources, bindings, config.DefaultCertificate, known)
}

// checkUpstreams makes sure that findUpstream finds each upstream.
func checkUpstreams(config *model.Config) error {
	for i := 1; i < len(config.Upstreams); i++ {
		a, b := config.Upstreams[i-1].Key, config.Upstreams[i].Key
		if a.Compare(b) >= 0 {
			return fmt.Errorf("upstream %s is not before upstream %s", a, b)
		}
	}
	return nil
}

// unconnected is a new route that lacks what outlives snapshots.
type unconnected struct {
	*Route
	model *model.Route
	host  string
}

// compileHosts fills s.hosts and s.table. It returns the routes that were not
// taken over from prev.
func (s *Snapshot) compileHosts(prev *Snapshot) ([]unconnected, error) {
	var fresh []unconnected
	s.hosts = make([]host, len(s.Config.Hosts))
	named := make([]route.Host[*Route], len(s.Config.Hosts))
	next := 0 // position in prev.Config.Hosts, which is sorted as s.Config.Hosts is
	for i := range s.Config.Hosts {
		h := &s.Config.Hosts[i]
		old, ok := prev.host(h, &next)
		if !ok {
			var err error
			if old, fresh, err = compileHost(s.Config, h, fresh); err != nil {
				return nil, fmt.Errorf("host %q: %w", h.Name, err)
			}
		}
		s.hosts[i] = old
		named[i] = route.Host[*Route]{Name: h.Name, Paths: old.paths}
	}
	var err error
	s.table, err = route.New(named)
	return fresh, err
}

// host returns what s, which may be nil, made of a host with the same routes.
// It looks from position next on.
func (s *Snapshot) host(h *model.Host, next *int) (host, bool) {
	if s == nil {
		return host{}, false
	}
	all := s.Config.Hosts
	for *next < len(all) && all[*next].Name < h.Name {
		*next++
	}
	if *next < len(all) && all[*next].Name == h.Name && sameRoutes(&all[*next], h) {
		return s.hosts[*next], true
	}
	return host{}, false
}

// sameRoutes tells whether two hosts of one name route alike. Certificates do
// not matter here.
func sameRoutes(a, b *model.Host) bool {
	if (a.Fallback == nil) != (b.Fallback == nil) {
		return false
	}
	if a.Fallback != nil && !sameRoute(*a.Fallback, *b.Fallback) {
		return false
	}
	return slices.EqualFunc(a.Routes, b.Routes, sameRoute)
}

// sameRoute tells whether two routes are compiled to the same. What chose the
// allocation mode does not matter: only Explain tells it, from the model.
func sameRoute(a, b model.Route) bool {
	a.Options.AllocationModeFrom = b.Options.AllocationModeFrom
	return a == b
}

// compileHost compiles one host and appends its routes to fresh.
func compileHost(config *model.Config, h *model.Host, fresh []unconnected) (host, []unconnected, error) {
	var compiled host
	rules := make([]route.Rule[*Route], 0, len(h.Routes)+1)
	add := func(match route.Match, r *model.Route) error {
		made, err := compileRoute(config, r)
		if err != nil {
			return fmt.Errorf("path %q: %w", r.Path, err)
		}
		compiled.routes = append(compiled.routes, made)
		rules = append(rules, route.Rule[*Route]{Match: match, Path: r.Path, Value: made})
		fresh = append(fresh, unconnected{made, r, h.Name})
		return nil
	}
	for i := range h.Routes {
		match := route.Prefix
		if h.Routes[i].Match == model.Exact {
			match = route.Exact
		}
		if err := add(match, &h.Routes[i]); err != nil {
			return host{}, nil, err
		}
	}
	if h.Fallback != nil {
		if err := add(route.Fallback, h.Fallback); err != nil {
			return host{}, nil, err
		}
	}
	var err error
	compiled.paths, err = route.NewPaths(rules)
	return compiled, fresh, err
}

// compileRoute makes a route without what connect adds.
func compileRoute(config *model.Config, r *model.Route) (*Route, error) {
	mode, err := alloc.ParseMode(string(r.Options.AllocationMode))
	if err != nil {
		return nil, err
	}
	if _, ok := findUpstream(config, r.Upstream); !ok && !r.Upstream.IsZero() {
		return nil, fmt.Errorf("there is no upstream %s", r.Upstream)
	}
	made := &Route{
		Denied:         r.Denied != "",
		Mode:           mode,
		ConnectTimeout: r.Options.ConnectTimeout,
		SendTimeout:    r.Options.SendTimeout,
		ReadTimeout:    r.Options.ReadTimeout,
		MaxBody:        r.Options.MaxBodyBytes,
		Namespace:      r.Ingress.Namespace,
		Ingress:        r.Ingress.Name,
		Service:        r.Upstream.Service,
		Port:           r.Upstream.Port,
		Path:           r.Path,
		UpstreamName:   r.Upstream.Name(),
	}
	if made.Path == "" {
		made.Path = "/"
	}
	return made, nil
}

// connect gives the registry the settings of all upstreams, and new routes their
// upstreams and metric handles.
func (s *Snapshot) connect(fresh []unconnected, reg *upstream.Registry, m *metrics.Metrics) {
	upstreams := make([]*upstream.Upstream, len(s.Config.Upstreams))
	for i := range s.Config.Upstreams {
		upstreams[i] = reg.Upstream(upstream.Spec{Upstream: s.Config.Upstreams[i]})
	}
	for _, r := range fresh {
		if i, ok := findUpstream(s.Config, r.model.Upstream); ok && !r.Denied {
			r.Upstream = upstreams[i]
		}
		r.Metrics = m.Route(metrics.RouteLabels{
			Namespace: r.Namespace,
			Ingress:   r.Ingress,
			Service:   r.Service,
			Path:      r.Path,
			Host:      hostLabel(r.host),
		})
	}
}

// hostLabel is a host as metrics show it: "_" for the catch-all, as
// ingress-nginx names that server.
func hostLabel(name string) string {
	if name == "" {
		return "_"
	}
	return name
}
