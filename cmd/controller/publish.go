package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/admin"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// publisher puts configurations and endpoints to use: the one place where the
// control plane's result meets the data plane.
type publisher struct {
	registry  *upstream.Registry
	snapshots *snapshot.Current
	engine    *downstream.Server
	streams   *stream.Server
	base      downstream.Config // what the configuration does not say
	metrics   *metrics.Metrics
	shared    *filter.Shared
	problems  problemLog
	// first is closed when the first configuration is in use.
	first     chan struct{}
	firstOnce sync.Once

	mu sync.Mutex
	// in is what is in use, nil before the first. It is replaced, never
	// changed.
	in *admin.Configuration
}

func newPublisher(log *slog.Logger, registry *upstream.Registry, snapshots *snapshot.Current,
	engine *downstream.Server, streams *stream.Server, base downstream.Config, m *metrics.Metrics,
) *publisher {
	return &publisher{
		registry: registry, snapshots: snapshots, engine: engine, streams: streams, base: base, metrics: m, shared: new(filter.Shared),
		problems: problemLog{log: log}, first: make(chan struct{}),
	}
}

// publish puts a configuration to use. When it fails, the one before stays.
func (p *publisher) publish(config *model.Config, endpoints model.Endpoints, problems []model.Problem) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems.report(problems)
	start := time.Now()

	// While both snapshots are in use, both must find their endpoints.
	both := maps.Clone(endpoints)
	if both == nil {
		both = make(model.Endpoints)
	}
	if p.in != nil {
		for key, list := range p.in.Endpoints {
			if _, ok := both[key]; !ok {
				both[key] = list
			}
		}
	}
	p.registry.SetEndpoints(both)
	next, err := snapshot.Compile(config, p.snapshots.Load(), p.registry, p.metrics, p.shared)
	if err != nil {
		p.metrics.PublishFailed()
		p.failed(err)
		return fmt.Errorf("compile the configuration: %w", err)
	}
	for _, problem := range next.Certificates.Problems() {
		p.problems.log.Warn("a setting of TLS cannot be honoured: what it protects is refused", "err", problem)
	}
	p.snapshots.Publish(next)
	p.streams.Trust(prefixes(config.Listener.TrustedProxies))
	p.streams.Set(config.Streams, p.registry.Lookup)
	p.engine.SetConfig(engineConfig(p.base, config.Listener))

	// Exchanges that hold the snapshot before keep its upstreams until they
	// end, although the registry lets go of them now.
	p.registry.Retain(next.Wants)
	p.registry.SetEndpoints(endpoints)
	p.metrics.Retain(next.Handles())
	p.metrics.SetCertificates(next.CertificateDates())

	p.in = &admin.Configuration{
		Generation: next.Generation,
		Published:  next.Compiled,
		Model:      config,
		Endpoints:  endpoints,
		Problems:   problems,
	}
	p.metrics.Published(publication(p.in, next, time.Since(start)))
	p.firstOnce.Do(func() { close(p.first) })
	return nil
}

// failed remembers why the newest configuration is not in use.
func (p *publisher) failed(err error) {
	if p.in == nil {
		return
	}
	in := *p.in
	in.Failed = err.Error()
	p.in = &in
}

// publication describes what is in use for metrics.
func publication(in *admin.Configuration, s *snapshot.Snapshot, took time.Duration) metrics.Publication {
	p := metrics.Publication{
		Generation:   in.Generation,
		Hash:         sync.OnceValue(func() uint64 { return hash(in.Model) }),
		Compile:      took,
		Hosts:        len(in.Model.Hosts),
		RoutesByMode: make(map[string]int, alloc.Modes),
		Problems:     make(map[string]int),
	}
	for _, mode := range alloc.Names() {
		p.RoutesByMode[mode] = 0 // of which there are none is told too
	}
	for r := range s.Routes() {
		p.RoutesByMode[r.Mode.String()]++
	}
	for i := range in.Model.Hosts {
		p.Routes += len(in.Model.Hosts[i].Routes)
	}
	for i := range in.Problems {
		p.Problems[in.Problems[i].Reason]++
	}
	return p
}

// hash is equal for configurations that print alike.
func hash(config *model.Config) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, config.String()) // a hash accepts everything
	return h.Sum64()
}

// publishEndpoints replaces the endpoints of the configuration in use.
func (p *publisher) publishEndpoints(endpoints model.Endpoints) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.registry.SetEndpoints(endpoints)
	p.metrics.EndpointsPublished()
	if p.in != nil {
		in := *p.in
		in.Endpoints = endpoints
		p.in = &in
	}
}

// configuration is what is in use, nil before the first, with the ports of streams
// that cannot be had and the pools at the moment.
func (p *publisher) configuration() *admin.Configuration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in == nil {
		return nil
	}
	in := *p.in
	in.Problems = slices.Concat(in.Problems, p.streams.Problems())
	in.Pools = p.registry.Stats()
	return &in
}

// explain tells what becomes of a request. It returns nil as long as nothing is in
// use.
func (p *publisher) explain(q snapshot.Question) *snapshot.Explanation {
	if s := p.snapshots.Load(); s != nil {
		return s.Explain(q)
	}
	return nil
}

// engineConfig is base with the listener settings of a configuration.
func engineConfig(base downstream.Config, l model.Listener) downstream.Config {
	mode, err := alloc.ParseMode(string(l.AllocationMode))
	if err != nil {
		mode = base.AllocationMode // translation accepts only modes that there are
	}
	base.AllocationMode = mode
	base.KeepAliveTimeout = l.KeepAliveTimeout
	base.DisableKeepAlive = l.KeepAliveTimeout <= 0
	base.KeepAliveRequests = l.KeepAliveRequests
	base.MaxConnections = l.MaxConnections
	base.HeaderTimeout = l.HeaderTimeout
	base.BodyTimeout = l.BodyTimeout
	base.Limits = snapshot.RequestLimits(base.Limits, l)
	base.HTTP2, base.HTTP2Streams = l.HTTP2, l.HTTP2Streams
	base.ProxyProtocol, base.ProxyHeaderTimeout = l.ProxyProtocol, l.ProxyHeaderTimeout
	base.TrustedProxies = prefixes(l.TrustedProxies)
	return base
}

// prefixes reads a list of networks in normal form. It is never nil: none means that
// nobody is trusted.
func prefixes(list string) []netip.Prefix {
	trusted := []netip.Prefix{}
	for text := range strings.SplitSeq(list, ",") {
		if p, err := netip.ParsePrefix(text); err == nil {
			trusted = append(trusted, p)
		}
	}
	return trusted
}
