package snapshot

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	mathrand "math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// state is what outlives snapshots.
type state struct {
	reg *upstream.Registry
	m   *metrics.Metrics
}

func newState() state {
	return state{upstream.NewRegistry(upstream.Config{}), metrics.New(metrics.Labels{})}
}

func (s state) compile(t testing.TB, config *model.Config, prev *Snapshot) *Snapshot {
	t.Helper()
	next, err := Compile(config, prev, s.reg, s.m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func key(service string) model.UpstreamKey {
	return model.UpstreamKey{Namespace: "shop", Service: service, Port: "80"}
}

// path is a route of the Ingress shop/web to the upstream of a service.
func path(match model.PathMatch, path, service string) model.Route {
	return model.Route{
		Path:     path,
		Match:    match,
		Upstream: key(service),
		Ingress:  model.ObjectRef{Kind: "Ingress", Namespace: "shop", Name: "web"},
		Options:  model.DefaultOptions(),
	}
}

// config is a configuration with these hosts and all upstreams they name.
func config(hosts ...model.Host) *model.Config {
	c := &model.Config{Hosts: hosts, Listener: model.DefaultListener()}
	c.Upstreams = upstreamsOf(hosts)
	return c
}

func upstreamsOf(hosts []model.Host) []model.Upstream {
	seen := map[model.UpstreamKey]bool{{}: true}
	var list []model.Upstream
	add := func(r *model.Route) {
		if r != nil && !seen[r.Upstream] {
			seen[r.Upstream] = true
			list = append(list, model.Upstream{Key: r.Upstream, Policy: model.DefaultPolicy()})
		}
	}
	for i := range hosts {
		for j := range hosts[i].Routes {
			add(&hosts[i].Routes[j])
		}
		add(hosts[i].Fallback)
	}
	slices.SortFunc(list, func(a, b model.Upstream) int { return a.Key.Compare(b.Key) })
	return list
}

func certificate(t testing.TB, name string, dnsNames ...string) model.Certificate {
	t.Helper()
	pair := keypair.Like(t, x509.Certificate{
		Subject: pkix.Name{SerialNumber: "9"}, DNSNames: dnsNames, SerialNumber: big.NewInt(7),
		NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	return model.Certificate{Name: name, Cert: pair.Cert, Key: pair.Key}
}

func TestRouteHasWhatTheModelSays(t *testing.T) {
	cart := path(model.Prefix, "/cart", "cart")
	cart.Options = model.Options{
		AllocationMode: model.AllocStandard,
		ConnectTimeout: time.Second,
		SendTimeout:    2 * time.Second,
		ReadTimeout:    3 * time.Second,
		MaxBodyBytes:   4,
	}
	st := newState()
	s := st.compile(t, config(model.Host{Name: "shop.example", Routes: []model.Route{cart}}), nil)
	r := s.Route([]byte("shop.example"), []byte("/cart/1"))
	if r == nil {
		t.Fatal("no route")
	}
	want := Route{
		Target:         Target{Upstream: st.reg.Upstream(upstream.Spec{Upstream: s.Config.Upstreams[0]}), key: s.Config.Upstreams[0].Key},
		Mode:           alloc.Standard,
		ConnectTimeout: time.Second,
		SendTimeout:    2 * time.Second,
		ReadTimeout:    3 * time.Second,
		Retry:          model.Retry{},
		Buffering:      model.Buffering{},
		ResponseLimits: http11.ResponseLimits(),
		MaxBody:        4,
		Namespace:      "shop",
		Ingress:        "web",
		Service:        "cart",
		Port:           "80",
		Path:           "/cart",
		UpstreamName:   "shop-cart-80",
		Variables: variable.Route{
			Namespace: "shop", Ingress: "web", Service: "cart", Port: "80",
			Host: "shop.example", Path: "/cart", Upstream: "shop-cart-80",
		},
		Metrics: st.m.Route(metrics.RouteLabels{
			Namespace: "shop", Ingress: "web", Service: "cart", Path: "/cart", Host: "shop.example"}),
	}
	if !reflect.DeepEqual(*r, want) {
		t.Errorf("got  %+v\nwant %+v", *r, want)
	}
	if s.Generation != 1 || s.Config == nil || time.Since(s.Compiled) > time.Minute || s.ConnectionMode != alloc.Standard {
		t.Errorf("snapshot %+v", s)
	}
}

func TestRouting(t *testing.T) {
	home := path(model.Prefix, "", "home")
	hosts := []model.Host{
		{Name: "", Fallback: &home},
		{Name: "*.shop.example", Routes: []model.Route{path(model.Prefix, "/", "wild")}},
		{Name: "shop.example", Routes: []model.Route{
			path(model.Exact, "/cart", "exact"), path(model.Prefix, "/cart", "cart")}},
		{Name: "with-fallback.example", Fallback: &home, Routes: []model.Route{path(model.Prefix, "/a", "a")}},
	}
	st := newState()
	s := st.compile(t, config(hosts...), nil)
	for _, c := range []struct{ host, path, service string }{
		{"shop.example", "/cart", "exact"},
		{"shop.example", "/cart/1", "cart"},
		{"shop.example", "/carts", ""},
		{"a.shop.example", "/carts", "wild"},
		{"a.b.shop.example", "/x", "home"},
		{"with-fallback.example", "/b", "home"},
		{"with-fallback.example", "/a", "a"},
	} {
		got := ""
		if r := s.Route([]byte(c.host), []byte(c.path)); r != nil {
			got = r.Service
		}
		if got != c.service {
			t.Errorf("%s%s goes to %q, want %q", c.host, c.path, got, c.service)
		}
	}
	fallback := s.Route([]byte("other.example"), []byte("/"))
	if fallback.Path != "/" || fallback.Metrics != st.m.Route(metrics.RouteLabels{
		Namespace: "shop", Ingress: "web", Service: "home", Path: "/", Host: "_"}) {
		t.Errorf("the catch-all's fallback is counted as %+v", fallback)
	}
}

func TestRoutesWithoutService(t *testing.T) {
	missing := path(model.Prefix, "/missing", "")
	missing.Upstream = model.UpstreamKey{}
	denied := path(model.Prefix, "/denied", "cart")
	denied.Denied = "auth-url is not supported"
	s := newState().compile(t, config(model.Host{Name: "a", Routes: []model.Route{denied, missing}}), nil)

	r := s.Route([]byte("a"), []byte("/missing"))
	if r == nil || r.Upstream != nil || r.Denied || r.UpstreamName != "" || r.Metrics == nil {
		t.Errorf("missing: %+v", r)
	}
	r = s.Route([]byte("a"), []byte("/denied"))
	if r == nil || r.Upstream != nil || !r.Denied || r.UpstreamName != "shop-cart-80" {
		t.Errorf("denied: %+v", r)
	}
}

func TestCompileRefuses(t *testing.T) {
	web := model.Host{Name: "a", Routes: []model.Route{path(model.Prefix, "/", "web")}}
	for _, c := range []struct {
		change func(*model.Config)
		err    string
	}{
		{func(c *model.Config) { c.Listener.AllocationMode = "lava" },
			`listener: "lava" is no allocation mode: there are ` + strings.Join(alloc.Names(), ", ")},
		{func(c *model.Config) { c.Hosts[0].Routes[0].Options.AllocationMode = "" },
			`host "a": path "/": "" is no allocation mode: there are ` + strings.Join(alloc.Names(), ", ")},
		{func(c *model.Config) { c.Upstreams = nil },
			`host "a": path "/": there is no upstream shop/web:80`},
		{func(c *model.Config) { c.Upstreams = append(c.Upstreams, c.Upstreams[0]) },
			`upstream shop/web:80 is not before upstream shop/web:80`},
		{func(c *model.Config) {
			c.Hosts[0].Fallback = &model.Route{Upstream: key("x"), Options: model.DefaultOptions()}
		},
			`host "a": path "": there is no upstream shop/x:80`},
		{func(c *model.Config) { c.Hosts[0].Routes = append(c.Hosts[0].Routes, c.Hosts[0].Routes[0]) },
			`host "a": prefix path "/" occurs twice`},
		{func(c *model.Config) { c.Hosts[0].Certificate = "shop/none" },
			`server name a: there is no certificate shop/none`},
		{func(c *model.Config) { c.Certificates = []model.Certificate{{Name: "shop/bad"}} },
			`certificate shop/bad: tls: failed to find any PEM data in certificate input`},
		{func(c *model.Config) { c.DefaultCertificate = "shop/none" },
			`default certificate: there is no certificate shop/none`},
		{func(c *model.Config) { c.TLSNames = []model.TLSName{{Name: "a"}} },
			`server name a: it occurs twice`},
		{func(c *model.Config) { c.Hosts[0].Name = "a*" },
			`host "a*": an asterisk can only be the first label`},
	} {
		st := newState()
		bad := config(model.Host{Name: web.Name, Routes: slices.Clone(web.Routes)})
		c.change(bad)
		_, err := Compile(bad, nil, st.reg, st.m, nil)
		if err == nil || err.Error() != c.err {
			t.Errorf("error %v, want %s", err, c.err)
		}
		if n := len(st.reg.Stats()); n != 0 {
			t.Errorf("%s: %d upstreams were made", c.err, n)
		}
	}
}

func TestUnchangedHostsAreReused(t *testing.T) {
	st := newState()
	fallback := path(model.Prefix, "", "home")
	hosts := func(cart string) []model.Host {
		f := fallback // equal, in other memory
		return []model.Host{
			{Name: "a", Routes: []model.Route{path(model.Prefix, "/", "web")}, Fallback: &f},
			{Name: "b", Routes: []model.Route{path(model.Prefix, "/", cart)}},
			{Name: "c", Routes: []model.Route{path(model.Prefix, "/", "web")}},
		}
	}
	first := st.compile(t, config(hosts("cart")...), nil)
	second := st.compile(t, config(hosts("cart2")[1:]...), first)
	third := st.compile(t, config(hosts("cart2")...), second)
	at := func(s *Snapshot, host string) *Route { return s.Route([]byte(host), []byte("/")) }

	if at(second, "a") != nil || at(third, "a") == nil {
		t.Error("host a was not removed and added")
	}
	if at(second, "b").Service != "cart2" || at(third, "b") != at(second, "b") {
		t.Error("host b was not replaced once")
	}
	if at(second, "c") != at(first, "c") || at(third, "c") != at(first, "c") {
		t.Error("host c was compiled again")
	}
	if third.Generation != 3 {
		t.Errorf("generation %d", third.Generation)
	}
}

// Who chose a mode is for people: the same mode chosen elsewhere is no change.
func TestAnotherSourceOfTheModeIsNoChange(t *testing.T) {
	st := newState()
	with := func(mode model.AllocationMode, from string) *model.Config {
		web, fallback := path(model.Prefix, "/", "web"), path(model.Prefix, "", "web")
		web.Options.AllocationMode, web.Options.AllocationModeFrom = mode, from
		fallback.Options = web.Options
		return config(model.Host{Name: "a", Routes: []model.Route{web}, Fallback: &fallback})
	}
	at := func(s *Snapshot) *Route { return s.Route([]byte("a"), []byte("/")) }
	first := st.compile(t, with(model.AllocArena, "--allocation-mode"), nil)
	second := st.compile(t, with(model.AllocArena, "spec.allocationMode of ListenerConfig edge"), first)
	third := st.compile(t, with(model.AllocGreenTea, "spec.allocationMode of ListenerConfig edge"), second)
	if at(first) != at(second) {
		t.Error("the host was compiled again")
	}
	if at(second) == at(third) || at(second).Upstream != at(third).Upstream || at(third).Mode != alloc.GreenTea {
		t.Errorf("another mode gives %+v after %+v", at(third), at(second))
	}
}

func TestUpstreamsSurvive(t *testing.T) {
	st := newState()
	web := model.Host{Name: "a", Routes: []model.Route{path(model.Prefix, "/", "web")}}
	first := st.compile(t, config(web), nil)
	slower := config(model.Host{Name: "a", Routes: []model.Route{path(model.Prefix, "/", "web")}})
	slower.Hosts[0].Routes[0].Options.ReadTimeout = time.Hour
	second := st.compile(t, slower, first)
	a, b := first.Route([]byte("a"), []byte("/")), second.Route([]byte("a"), []byte("/"))
	if a == b || a.Upstream != b.Upstream || a.Metrics != b.Metrics {
		t.Errorf("routes %+v and %+v", a, b)
	}
	if !second.Wants(key("web")) || second.Wants(key("other")) || second.Wants(model.UpstreamKey{}) {
		t.Error("Wants does not tell the upstreams of the routes")
	}
	st.reg.Retain(second.Wants)
	if n := len(st.reg.Stats()); n != 1 {
		t.Errorf("%d upstreams are left, want 1", n)
	}
	if got := slices.Collect(second.Handles()); !slices.Equal(got, []*metrics.Route{b.Metrics}) {
		t.Errorf("handles %v", got)
	}
}

func TestPoolSettingsReachTheRegistry(t *testing.T) {
	st := newState()
	web := model.Host{Name: "a", Routes: []model.Route{path(model.Prefix, "/", "web")}}
	c := config(web)
	c.Upstreams[0].ExternalName = "one.example.net"
	first := st.compile(t, c, nil)
	addr := netip.MustParseAddrPort("127.0.0.1:1")
	// Endpoints are set for an upstream that is no ExternalName any more, whose
	// host is otherwise unchanged.
	st.reg.SetEndpoints(model.Endpoints{key("web"): {{Addr: addr}}})
	if n := first.Route([]byte("a"), []byte("/")).Upstream.Len(); n != 0 {
		t.Fatalf("an ExternalName has %d endpoints of slices", n)
	}
	second := st.compile(t, config(web), first)
	if n := second.Route([]byte("a"), []byte("/")).Upstream.Len(); n != 1 {
		t.Errorf("%d endpoints, want 1", n)
	}
}

func TestCertificates(t *testing.T) {
	st := newState()
	c := config(
		model.Host{Name: "", Routes: []model.Route{path(model.Prefix, "/", "web")}},
		model.Host{Name: "*.example", Certificate: "shop/wild", Routes: []model.Route{path(model.Prefix, "/", "web")}},
		model.Host{Name: "plain.example", Routes: []model.Route{path(model.Prefix, "/", "web")}},
	)
	c.Certificates = []model.Certificate{certificate(t, "shop/default"), certificate(t, "shop/name"), certificate(t, "shop/wild")}
	c.TLSNames = []model.TLSName{{Name: "only.example", Certificate: "shop/name"}}
	c.DefaultCertificate = "shop/default"
	first := st.compile(t, c, nil)
	set := first.Certificates
	if set.Find("plain.example") != set.Default() || set.Find("") != set.Default() {
		t.Error("a host without certificate does not show the default one")
	}
	if set.Find("x.example") == set.Default() || set.Find("only.example") == set.Find("x.example") {
		t.Error("a certificate is not shown for its name")
	}
	end := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	want := []metrics.Certificate{
		{Host: "*.example", Secret: "shop/wild", Identifier: "9-7", NotAfter: end},
		{Host: "only.example", Secret: "shop/name", Identifier: "9-7", NotAfter: end},
	}
	if got := first.CertificateDates(); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	// A renewed certificate does not touch the routes of its host.
	renewed := *c
	renewed.Certificates = slices.Clone(c.Certificates)
	renewed.Certificates[2] = certificate(t, "shop/wild")
	second := st.compile(t, &renewed, first)
	if second.Certificates.Find("x.example") == set.Find("x.example") {
		t.Error("the renewed certificate is not shown")
	}
	if second.Certificates.Find("only.example") != set.Find("only.example") {
		t.Error("an unchanged certificate was parsed again")
	}
	if second.Route([]byte("x.example"), nil) != first.Route([]byte("x.example"), nil) {
		t.Error("the routes were compiled again")
	}
}

func hello(serverName string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: serverName}
}

func TestCurrent(t *testing.T) {
	var current Current
	if current.Load() != nil {
		t.Error("there is a snapshot before the first")
	}
	if cert, err := current.TLSConfig().GetCertificate(hello("a")); err != nil || cert == nil {
		t.Errorf("before the first snapshot: certificate %v, error %v", cert, err)
	}
	c := config(model.Host{Name: "a", Certificate: "shop/a", Routes: []model.Route{path(model.Prefix, "/", "web")}})
	c.Certificates = []model.Certificate{certificate(t, "shop/a")}
	s := newState().compile(t, c, nil)
	settings := current.TLSConfig()
	current.Publish(s)
	if current.Load() != s {
		t.Error("the published snapshot is not in use")
	}
	if cert, err := settings.GetCertificate(hello("a")); err != nil || cert != s.Certificates.Find("a") {
		t.Errorf("certificate %v, error %v", cert, err)
	}
}

// TestIncrementalEqualsFull changes random configurations step by step. Each
// snapshot made from the one before must be what one made from nothing is.
func TestIncrementalEqualsFull(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(3, 4))
	st := newState()
	randomRoute := func(p string) model.Route {
		r := path(model.PathMatch(random.IntN(2)), p, "s"+strconv.Itoa(random.IntN(4)))
		switch random.IntN(4) {
		case 0:
			r.Upstream = model.UpstreamKey{}
		case 1:
			r.Options.MaxBodyBytes = int64(random.IntN(2))
		case 2:
			r.Denied = []string{"", "why"}[random.IntN(2)]
		}
		return r
	}
	names := []string{"", "*.a", "a", "b", "b.a", "c", "d"}
	hosts := map[string]model.Host{}
	paths := []string{"/", "/x", "/x/y", "/z"}
	var prev *Snapshot
	for step := range 500 {
		for range 1 + random.IntN(2) {
			name := names[random.IntN(len(names))]
			if delete(hosts, name); random.IntN(4) == 0 {
				continue
			}
			h := model.Host{Name: name}
			for _, p := range paths {
				if random.IntN(2) == 0 {
					h.Routes = append(h.Routes, randomRoute(p))
				}
			}
			if random.IntN(3) == 0 {
				r := randomRoute("")
				h.Fallback = &r
			}
			hosts[name] = h
		}
		var list []model.Host
		for _, name := range names { // sorted
			if h, ok := hosts[name]; ok {
				list = append(list, h)
			}
		}
		c := config(list...)
		next := st.compile(t, c, prev)
		full := st.compile(t, c, nil)
		compareSnapshots(t, step, next, full, names, paths)
		st.reg.Retain(next.Wants)
		st.m.Retain(next.Handles())
		prev = next
	}
}

func compareSnapshots(t *testing.T, step int, got, want *Snapshot, names, paths []string) {
	t.Helper()
	a, b := slices.Collect(got.Routes()), slices.Collect(want.Routes())
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("step %d: the routes differ:\n%s", step, got.Config)
	}
	for _, name := range append(names, "x.a", "y.b") {
		for _, p := range append(paths, "/x/y/z", "/w") {
			one, other := got.Route([]byte(name), []byte(p)), want.Route([]byte(name), []byte(p))
			if !reflect.DeepEqual(one, other) {
				t.Fatalf("step %d: %s%s goes to %+v, want %+v", step, name, p, one, other)
			}
		}
	}
}

func TestRouteAllocatesNothing(t *testing.T) {
	s := newState().compile(t, tenThousand(), nil)
	host, path, nowhere := []byte("host-7777.example"), []byte("/api/users"), []byte("nowhere")
	if n := testing.AllocsPerRun(100, func() {
		s.Route(host, path)
		s.Route(nowhere, path)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// tenThousand is a configuration of 10,000 hosts with two routes each.
func tenThousand() *model.Config {
	var hosts []model.Host
	for i := range 10000 {
		service := "service-" + strconv.Itoa(i)
		hosts = append(hosts, model.Host{
			Name:   "host-" + strconv.Itoa(i) + ".example",
			Routes: []model.Route{path(model.Prefix, "/", service), path(model.Prefix, "/api", service)},
		})
	}
	slices.SortFunc(hosts, func(a, b model.Host) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return config(hosts...)
}

// BenchmarkCompile is the cost of a first snapshot of 10,000 hosts, and of one
// in which a single host has changed.
func BenchmarkCompile(b *testing.B) {
	c := tenThousand()
	b.Run("full", func(b *testing.B) {
		st := newState()
		for b.Loop() {
			st.compile(b, c, nil)
		}
	})
	b.Run("change", func(b *testing.B) {
		st := newState()
		prev := st.compile(b, c, nil)
		changed := *c
		changed.Hosts = slices.Clone(c.Hosts)
		changed.Hosts[5000].Routes = changed.Hosts[5000].Routes[:1]
		for b.Loop() {
			st.compile(b, &changed, prev)
		}
	})
}
