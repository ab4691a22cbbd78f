package main

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

func quietPublisher() *publisher {
	log := slog.New(slog.DiscardHandler)
	return newPublisher(log, upstream.NewRegistry(upstream.Config{Logger: log}), new(snapshot.Current),
		downstream.New(downstream.Config{Logger: log}), stream.New(stream.Config{Logger: log}), downstream.Config{Logger: log}, metrics.New(metrics.Labels{}))
}

// configOf is a configuration of one host whose paths go to Services of the same
// name.
func configOf(services ...string) *model.Config {
	c := &model.Config{Listener: model.DefaultListener(), Hosts: []model.Host{{Name: "shop.example"}}}
	for _, s := range services {
		c.Hosts[0].Routes = append(c.Hosts[0].Routes, model.Route{Path: "/" + s, Upstream: keyOf(s), Options: model.DefaultOptions()})
		c.Upstreams = append(c.Upstreams, model.Upstream{Key: keyOf(s), Policy: model.DefaultPolicy()})
	}
	return c
}

func keyOf(service string) model.UpstreamKey {
	return model.UpstreamKey{Namespace: "default", Service: service, Port: "80"}
}

func endpointsOf(services ...string) model.Endpoints {
	e := make(model.Endpoints)
	for _, s := range services {
		e[keyOf(s)] = []model.Endpoint{{Addr: netip.MustParseAddrPort("127.0.0.1:8080")}}
	}
	return e
}

func TestPublish(t *testing.T) {
	p := quietPublisher()
	if p.configuration() != nil {
		t.Error("a configuration before the first")
	}
	if err := p.publish(configOf("a"), endpointsOf("a"), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.first:
	default:
		t.Error("nobody is told of the first configuration")
	}
	old := p.snapshots.Load().Route([]byte("shop.example"), []byte("/a"))
	if old.Upstream.Pick(&upstream.Choice{}) == nil {
		t.Error("the first snapshot has no endpoints")
	}
	if err := p.publish(configOf("b"), endpointsOf("b"), nil); err != nil {
		t.Fatal(err)
	}
	if r := p.snapshots.Load().Route([]byte("shop.example"), []byte("/b")); r.Upstream.Pick(&upstream.Choice{}) == nil {
		t.Error("the second snapshot has no endpoints")
	}
	// An exchange that began before the change finds its endpoint.
	if old.Upstream.Pick(&upstream.Choice{}) == nil {
		t.Error("the first snapshot lost its endpoints")
	}
	if in := p.configuration(); in.Generation != 2 || in.Model.Hosts[0].Routes[0].Path != "/b" || len(in.Endpoints) != 1 {
		t.Errorf("%+v", in)
	}
	p.publishEndpoints(model.Endpoints{})
	if r := p.snapshots.Load().Route([]byte("shop.example"), []byte("/b")); r.Upstream.Pick(&upstream.Choice{}) != nil {
		t.Error("endpoints that are gone are still picked")
	}
	if in := p.configuration(); len(in.Endpoints) != 0 {
		t.Errorf("endpoints that are gone are still shown: %v", in.Endpoints)
	}
}

// What cannot be compiled changes nothing, and is told.
func TestPublishFailure(t *testing.T) {
	p := quietPublisher()
	if err := p.publish(configOf("a"), endpointsOf("a"), nil); err != nil {
		t.Fatal(err)
	}
	broken := configOf("a", "b")
	broken.Upstreams = nil
	before := p.snapshots.Load()
	if err := p.publish(broken, endpointsOf("a", "b"), nil); err == nil {
		t.Fatal("a configuration that contradicts itself is accepted")
	}
	if p.snapshots.Load() != before {
		t.Error("the snapshot was replaced")
	}
	if r := before.Route([]byte("shop.example"), []byte("/a")); r.Upstream.Pick(&upstream.Choice{}) == nil {
		t.Error("the snapshot in use lost its endpoints")
	}
	if in := p.configuration(); in.Generation != 1 || in.Failed == "" {
		t.Errorf("%+v", in)
	}
	page := httptest.NewRecorder()
	p.metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(page.Body.String(), `nginx_ingress_controller_errors{controller_class="",controller_namespace="",controller_pod=""} 1`) {
		t.Error("the failure is not counted")
	}
	// The next good one is put to use again.
	if err := p.publish(configOf("a", "b"), endpointsOf("a", "b"), nil); err != nil {
		t.Fatal(err)
	}
	if in := p.configuration(); in.Generation != 2 || in.Failed != "" {
		t.Errorf("%+v", in)
	}
}

func TestEngineConfig(t *testing.T) {
	l := model.DefaultListener()
	c := engineConfig(downstream.Config{ServerName: "kept"}, l)
	if c.ServerName != "kept" || c.KeepAliveTimeout != 75*time.Second || c.KeepAliveRequests != 1000 || c.DisableKeepAlive ||
		c.HeaderTimeout != 10*time.Second || c.BodyTimeout != time.Minute || c.Limits.Head != 32<<10 || c.Limits.Underscores || !c.Limits.PlainNames {
		t.Errorf("%+v", c)
	}
	l.OddNames = true
	if c := engineConfig(downstream.Config{}, l); !c.Limits.Underscores || c.Limits.PlainNames {
		t.Error("names of fields are dropped that are asked for")
	}
	l.KeepAliveTimeout = 0
	if !engineConfig(downstream.Config{}, l).DisableKeepAlive {
		t.Error("keep-alive of 0 does not turn it off")
	}
}

// A problem is a line when it comes and a line when it goes, and nothing between.
func TestProblemsAreLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	l := problemLog{log: slog.New(slog.NewTextHandler(&out, nil))}
	problem := model.Problem{Object: model.ObjectRef{Kind: "Ingress", Namespace: "a", Name: "b", File: "x.yaml", Line: 3}, Reason: "Denied", Message: "m"}
	lines := func(problems ...model.Problem) string {
		out.Reset()
		l.report(problems)
		return out.String()
	}
	if s := lines(problem, problem); strings.Count(s, "\n") != 1 || !strings.Contains(s, "level=WARN msg=problem") ||
		!strings.Contains(s, "object=\"Ingress a/b\" reason=Denied message=m file=x.yaml line=3") {
		t.Errorf("%q", s)
	}
	if s := lines(problem); s != "" {
		t.Errorf("logged again: %q", s)
	}
	if s := lines(); !strings.Contains(s, `msg="problem is solved"`) {
		t.Errorf("%q", s)
	}
	if s := lines(problem); s == "" {
		t.Error("a problem that came back is not logged")
	}
	many := make([]model.Problem, 1000)
	for i := range many {
		many[i] = model.Problem{Message: strings.Repeat("x", i)}
	}
	if s := lines(many...); strings.Count(s, "msg=problem ") != maxProblemLines || !strings.Contains(s, `msg="more problems, see /configuration" count=900`) {
		t.Errorf("%d lines", strings.Count(s, "\n"))
	}
}
