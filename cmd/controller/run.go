package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/admin"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/proxy"
	"github.com/shockwave-ingress/shockwave/pkg/reconcile"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// flushLimit bounds the writing of the last lines of the access log, whose reader
// may stand still.
const flushLimit = 5 * time.Second

// dial replaces how endpoints are reached in tests against an API server, which
// accepts no loopback addresses. nil means TCP.
var dial func(context.Context, netip.AddrPort) (net.Conn, error)

// run serves until ctx ends, and then ends everything in order. serving is called
// once the first configuration is in use.
func run(ctx context.Context, s settings.Settings, log *slog.Logger, serving func(addresses)) error {
	ports, err := listen(s) // before anything is read: a busy port is told at once
	if err != nil {
		return err
	}
	defer ports.close()
	accessLog, closeLog, err := openAccessLog(s)
	if err != nil {
		return err
	}
	defer closeLog()

	// The data plane.
	counters := newMetrics(s)
	registry := upstream.NewRegistry(upstream.Config{Logger: log, Dial: dial})
	snapshots := new(snapshot.Current)
	forward := proxy.New(proxy.Config{Current: snapshots, Metrics: counters, AccessLog: accessLog, Logger: log})
	streams := stream.New(stream.Config{Address: s.BindAddress, Logger: log})
	defer streams.Close() // should there be no traffic to stop
	base := downstream.Config{Handler: forward, Logger: log}
	passThrough(&base, snapshots, streams)
	engine := downstream.New(base)
	counters.SetSources(sources(engine, registry, streams, accessLog))

	// The control plane, and what it publishes with.
	published := newPublisher(log, registry, snapshots, engine, streams, base, counters)
	defer published.shared.Auth.Close()
	published.shared.Auth.Logger = log
	published.shared.Auth.Local = s.Manifests != "" // whoever writes files here has this machine
	source, err := newSource(s, log, counters, func() int { return engine.Stats().Open }, &reconcile.Publisher{
		Settings:         translation(s),
		Publish:          published.publish,
		PublishEndpoints: published.publishEndpoints,
		Log:              log,
	})
	if err != nil {
		return err
	}
	readiness := new(admin.Readiness)
	pages := admin.Config{
		HealthCheckPath: s.HealthCheckPath,
		Metrics:         metricsPage(s, counters),
		Configuration:   published.configuration,
		Explain:         published.explain,
		Readiness:       readiness,
		Profiling:       s.Profiling,
		Logger:          log,
	}

	running := newParts()
	adminPart := running.start("admin", func(ctx context.Context) error { return admin.Serve(ctx, ports.admin, pages) })
	logPart := running.start("access log", accessLog.Run)
	poolsPart := running.start("upstream connections", registry.Run)
	keysPart := running.start("keys and staples of TLS", func(ctx context.Context) error { return snapshots.Run(ctx, log) })
	sourcePart := running.start("source of objects", source)

	// Connections wait in their queues until there is something to serve.
	var trafficPart *part
	var failure error
	select {
	case <-published.first:
		trafficPart = running.start("traffic", func(ctx context.Context) error {
			return serve(ctx, engine, streams, ports, snapshots.TLSConfig(), s.WorkerShutdownTimeout, log)
		})
		readiness.Serving()
		at := ports.addresses()
		log.Info("serving", "http", at.http.String(), "https", at.https.String(), "healthz", at.admin.String())
		serving(at)
		failure = running.wait(ctx)
		// Load balancers learn that the process ends while it still serves.
		readiness.Draining()
		engine.Drain()
		log.Info("draining", "grace", s.ShutdownGracePeriod)
		time.Sleep(s.ShutdownGracePeriod)
	case failure = <-running.failed:
	case <-ctx.Done():
	}
	readiness.Draining()

	// What feeds others ends after them: endpoints follow the cluster until
	// the last exchange, whose line is in the log, and whose count can be read.
	trafficPart.stop()
	sourcePart.stop()
	poolsPart.stop()
	keysPart.stop()
	if !logPart.stopWithin(flushLimit) {
		log.Warn("the end of the access log is lost: nobody reads it")
	}
	time.Sleep(s.PostShutdownGracePeriod)
	adminPart.stop()
	if failure == nil {
		failure = running.failure() // of a part while it was stopped
	}
	if failure == nil {
		log.Info("ended")
	}
	return failure
}
