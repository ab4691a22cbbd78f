package snapshot

import (
	"fmt"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/route"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
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
//
// shared is what filters have in common; nil stands for one of its own.
func Compile(config *model.Config, prev *Snapshot, reg *upstream.Registry, m *metrics.Metrics, shared *filter.Shared) (*Snapshot, error) {
	s := &Snapshot{Config: config, Generation: 1, Compiled: time.Now(), shared: shared}
	if shared == nil {
		s.shared = new(filter.Shared)
	}
	var known *certs.Set
	if prev != nil {
		s.Generation = prev.Generation + 1
		known = prev.Certificates
	}
	var err error
	if s.ConnectionMode, err = alloc.ParseMode(string(config.Listener.AllocationMode)); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	if s.AccessLog, err = compileAccessLog(&config.Listener.Log); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	s.Forwarding = compileForwarding(&config.Listener)
	if s.Unrouted, err = filter.Compile(&filter.Settings{Filters: config.Unrouted.Filters(), Path: "/", Shared: s.shared}); err != nil {
		return nil, fmt.Errorf("answers without a route: %w", err)
	}
	if s.Certificates, err = compileCertificates(config, known); err != nil {
		return nil, err
	}
	if err := checkUpstreams(config); err != nil {
		return nil, err
	}
	if err := s.checkPassthrough(); err != nil {
		return nil, err
	}
	s.Secured = securedNames(config, prev)
	s.compileUsers(prev)
	fresh, err := s.compileHosts(prev)
	if err != nil {
		return nil, err
	}
	// Nothing fails from here on: only now the registry is touched.
	s.connect(fresh, reg, m)
	return s, nil
}

// compileCertificates makes what TLS connections need, on both sides.
func compileCertificates(config *model.Config, known *certs.Set) (*certs.Set, error) {
	c := certs.Config{
		Sources:     make([]certs.Source, len(config.Certificates)),
		Authorities: config.Authorities,
		Bindings:    make([]certs.Binding, 0, len(config.Hosts)+len(config.TLSNames)),
		Default:     config.DefaultCertificate,
		Listener:    config.Listener.TLS,
		HTTP2:       config.Listener.HTTP2,
	}
	for i, cert := range config.Certificates {
		c.Sources[i] = certs.Source{Name: cert.Name, Cert: cert.Cert, Key: cert.Key, OCSP: cert.OCSP}
	}
	for i := range config.Hosts {
		h := &config.Hosts[i]
		b := certs.Binding{ServerName: h.Name, Certificate: h.Certificate, TLS: h.TLS}
		if h.Name == "" { // the catch-all shows the default certificate
			b.Certificate = ""
		}
		c.Bindings = append(c.Bindings, b)
		for _, a := range h.Aliases {
			c.Bindings = append(c.Bindings, certs.Binding{ServerName: a.Name, Certificate: a.Certificate, TLS: h.TLS})
		}
	}
	for _, n := range config.TLSNames {
		c.Bindings = append(c.Bindings, certs.Binding{ServerName: n.Name, Certificate: n.Certificate, Unrouted: true})
	}
	for i := range config.Upstreams {
		if u := &config.Upstreams[i]; u.Transport.Protocol.Encrypted() {
			c.Upstreams = append(c.Upstreams, certs.UpstreamOf(u))
		}
	}
	return certs.New(c, known)
}

// securedNames returns the names for which https is served. Those of prev, which may be
// nil, are taken over when they are the same.
func securedNames(config *model.Config, prev *Snapshot) *filter.Names {
	names := securedOf(config)
	if prev != nil && slices.Equal(names, securedOf(prev.Config)) {
		return prev.Secured
	}
	return filter.NewNames(names)
}

func securedOf(config *model.Config) (names []string) {
	for i := range config.Hosts {
		h := &config.Hosts[i]
		if h.Secured {
			names = append(names, h.Name)
		}
		for _, a := range h.Aliases {
			if a.Secured {
				names = append(names, a.Name)
			}
		}
	}
	return names
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
	named := make([]route.Host[*Route], 0, len(s.Config.Hosts))
	changed, users := s.changedUpstreams(prev), s.changedUsers(prev)
	next := 0 // position in prev.Config.Hosts, which is sorted as s.Config.Hosts is
	for i := range s.Config.Hosts {
		h := &s.Config.Hosts[i]
		old, ok := prev.host(h, &next)
		ok = ok && !refersTo(h, changed) && sameUsers(h, users) && prev.Certificates.ClientAuth(h.Name) == s.Certificates.ClientAuth(h.Name)
		if !ok {
			var err error
			if old, fresh, err = s.compileHost(h, fresh); err != nil {
				return nil, fmt.Errorf("host %q: %w", h.Name, err)
			}
		}
		s.hosts[i] = old
		named = append(named, route.Host[*Route]{Name: h.Name, Paths: old.paths})
		for _, a := range h.Aliases {
			named = append(named, route.Host[*Route]{Name: a.Name, Paths: old.paths})
		}
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
	if *next < len(all) && all[*next].Name == h.Name && all[*next].TLS == h.TLS && sameRoutes(&all[*next], h) {
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

// changedUpstreams returns the keys of the upstreams whose transport or balance is
// not what it was in prev, which may be nil: their routes are compiled anew.
func (s *Snapshot) changedUpstreams(prev *Snapshot) map[model.UpstreamKey]bool {
	if prev == nil {
		return nil
	}
	var changed map[model.UpstreamKey]bool
	for i, old := 0, prev.Config.Upstreams; i < len(s.Config.Upstreams); i++ {
		up := &s.Config.Upstreams[i]
		for len(old) > 0 && old[0].Key.Compare(up.Key) < 0 {
			old = old[1:]
		}
		if len(old) == 0 || old[0].Key != up.Key || old[0].Transport == up.Transport && old[0].Balance == up.Balance &&
			prev.reachable(&old[0]) == s.reachable(up) {
			continue
		}
		if changed == nil {
			changed = make(map[model.UpstreamKey]bool)
		}
		changed[up.Key] = true
	}
	return changed
}

// reachable tells whether connections to the endpoints of an upstream can be made:
// not without an authority that they must be verified against.
func (s *Snapshot) reachable(u *model.Upstream) bool {
	if !u.Transport.Protocol.Encrypted() {
		return true
	}
	_, err := s.Certificates.Upstream(certs.UpstreamOf(u))
	return err == nil
}

// refersTo tells whether a route of h leads to one of these upstreams.
func refersTo(h *model.Host, keys map[model.UpstreamKey]bool) bool {
	if len(keys) == 0 {
		return false
	}
	if h.Fallback != nil && leadsTo(h.Fallback, keys) {
		return true
	}
	for i := range h.Routes {
		if leadsTo(&h.Routes[i], keys) {
			return true
		}
	}
	return false
}

// compileHost compiles one host and appends its routes to fresh.
func (s *Snapshot) compileHost(h *model.Host, fresh []unconnected) (host, []unconnected, error) {
	var compiled host
	rules := make([]route.Rule[*Route], 0, len(h.Routes)+1)
	add := func(match route.Match, r *model.Route) error {
		made, err := s.compileRoute(h, r)
		if err != nil {
			return fmt.Errorf("path %q: %w", r.Path, err)
		}
		compiled.routes = append(compiled.routes, made)
		rules = append(rules, route.Rule[*Route]{Match: match, Path: r.Path, Value: made})
		fresh = append(fresh, unconnected{made, r, h.Name})
		return nil
	}
	for i := range h.Routes {
		if err := add(matchOf(&h.Routes[i]), &h.Routes[i]); err != nil {
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

// matchOf says how the path of a route is compared.
func matchOf(r *model.Route) route.Match {
	switch r.Match {
	case model.Exact:
		return route.Exact
	case model.Pattern:
		return route.Pattern
	}
	return route.Prefix
}

// compileRoute makes a route without what connect adds.
func (s *Snapshot) compileRoute(h *model.Host, r *model.Route) (*Route, error) {
	mode, err := alloc.ParseMode(string(r.Options.AllocationMode))
	if err != nil {
		return nil, err
	}
	to, policy, err := s.target(r.Upstream)
	if err != nil {
		return nil, err
	}
	denied := r.Denied != ""
	if i, ok := findUpstream(s.Config, r.Upstream); ok && !s.reachable(&s.Config.Upstreams[i]) {
		denied = true
	}
	filters := r.Options.Filters.Filters()
	made := &Route{
		Target:         to,
		Denied:         denied,
		Guarded:        denied || filters.Protects(),
		Answer:         r.Answer,
		NoAccessLog:    r.Options.NoAccessLog,
		Mode:           mode,
		ConnectTimeout: r.Options.ConnectTimeout,
		SendTimeout:    r.Options.SendTimeout,
		ReadTimeout:    r.Options.ReadTimeout,
		RequestTimeout: r.Options.RequestTimeout,
		Retry:          r.Options.Retry,
		Buffering:      bounded(r.Options.Buffering),
		ResponseLimits: responseLimits(r.Options.Buffering.ResponseHead),
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
	if err := s.compileBranches(made, r); err != nil {
		return nil, err
	}
	made.Variables = variable.Route{
		Namespace: made.Namespace, Ingress: made.Ingress, Service: made.Service, Port: made.Port,
		Host: h.Name, Path: made.Path, Upstream: made.UpstreamName,
	}
	users, err := s.usersFor(r)
	if err != nil {
		return nil, err
	}
	made.Filters, err = filter.Compile(&filter.Settings{
		Filters: filters,
		Host:    h.Name, Path: made.Path, Pattern: r.Match == model.Pattern, Sticky: policy.Balance.Sticky,
		ClientAuth: s.Certificates.ClientAuth(h.Name), ClientTLS: h.TLS,
		ConnectTimeout: made.ConnectTimeout, ReadTimeout: made.ReadTimeout, RequestTimeout: made.RequestTimeout,
		Users: users, Ingress: r.Ingress, Shared: s.shared,
	})
	return made, err
}

func errNoUpstream(key model.UpstreamKey) error { return fmt.Errorf("there is no upstream %s", key) }

// connect gives the registry the settings of all upstreams, and new routes their
// upstreams and metric handles.
func (s *Snapshot) connect(fresh []unconnected, reg *upstream.Registry, m *metrics.Metrics) {
	upstreams := make([]*upstream.Upstream, len(s.Config.Upstreams))
	for i := range s.Config.Upstreams {
		u := &s.Config.Upstreams[i]
		spec := upstream.Spec{Upstream: *u}
		if u.Transport.Protocol.Encrypted() {
			spec.TLS, _ = s.Certificates.Upstream(certs.UpstreamOf(u)) // its routes are denied without
		}
		upstreams[i] = reg.Upstream(spec)
	}
	s.connectPassthrough(upstreams)
	for _, r := range fresh {
		r.targets(func(t *Target) {
			if i, ok := findUpstream(s.Config, t.key); ok && !r.Denied && s.reachable(&s.Config.Upstreams[i]) {
				t.Upstream = upstreams[i]
			}
		})
		labels := metrics.RouteLabels{
			Namespace: r.Namespace,
			Ingress:   r.Ingress,
			Service:   r.Service,
			Path:      r.Path,
			Host:      hostLabel(r.host),
		}
		r.Metrics = m.Route(labels)
		if r.Canary != nil {
			labels.Canary = r.Canary.Name
			r.Canary.Metrics = m.Route(labels)
		}
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
