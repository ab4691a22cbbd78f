package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// openAccessLog returns the access log that the settings ask for, nil for none,
// and what closes its file.
func openAccessLog(s settings.Settings) (log *accesslog.Log, closeFile func(), err error) {
	nothing := func() {}
	if s.DisableAccessLog {
		return nil, nothing, nil
	}
	switch s.AccessLogPath {
	case "/dev/stdout": // it may be a socket, which cannot be opened by name
		return accesslog.New(os.Stdout), nothing, nil
	case "/dev/stderr":
		return accesslog.New(os.Stderr), nothing, nil
	}
	file, err := os.OpenFile(s.AccessLogPath, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, nothing, fmt.Errorf("--access-log-path: %w", err)
	}
	return accesslog.New(file), func() { _ = file.Close() }, nil
}

// newMetrics returns the counters that the settings ask for.
func newMetrics(s settings.Settings) *metrics.Metrics {
	options := []metrics.Option{
		metrics.TimeBuckets(s.TimeBuckets),
		metrics.LengthBuckets(s.LengthBuckets),
		metrics.Exclude(s.ExcludeSocketMetrics...),
	}
	if !s.MetricsPerHost {
		options = append(options, metrics.WithoutHost())
	}
	if s.ReportStatusClasses {
		options = append(options, metrics.StatusClasses())
	}
	m := metrics.New(metrics.Labels{
		ControllerClass: s.ControllerClass,
		Namespace:       s.PodNamespace,
		Pod:             s.PodName,
	}, options...)
	release, revision := built()
	memory := alloc.Built()
	m.SetBuild(metrics.Build{
		Release: release, Commit: revision, Repository: repository,
		DefaultMode: memory.Default.String(), ArenaSource: memory.ArenaSource, Debug: memory.Debug,
	})
	return m
}

// metricsPage is what /metrics shows, nil for nothing.
func metricsPage(s settings.Settings, m *metrics.Metrics) http.Handler {
	if !s.EnableMetrics {
		return nil
	}
	return m.Handler()
}

// sources are where the counters of the data plane are read.
func sources(engine *downstream.Server, registry *upstream.Registry, streams *stream.Server, log *accesslog.Log) metrics.Sources {
	return metrics.Sources{
		Connections: func() metrics.Connections {
			s := engine.Stats()
			return metrics.Connections{
				Open: s.Open, Idle: s.Idle, Active: s.Active,
				Accepted: s.Accepted, Refused: s.Rejected, Requests: s.Requests, Panics: s.Panics,
				ProxyHeadersRefused: s.FailedProxyHeaders,
			}
		},
		Upstreams: func() []metrics.Upstream {
			var list []metrics.Upstream
			for _, u := range registry.Stats() {
				list = append(list, upstreamCounters(&u))
			}
			return list
		},
		Streams: func() []metrics.Stream {
			var list []metrics.Stream
			for _, s := range streams.Stats() {
				list = append(list, metrics.Stream{
					Name: s.Name, Open: s.Open, Accepted: s.Total, Failed: s.Failed,
					Received: s.Received, Sent: s.Sent, Dropped: s.Dropped,
				})
			}
			return list
		},
		AccessLog:   log.Stats,
		Allocations: alloc.ReadStats,
	}
}

func upstreamCounters(u *upstream.Stats) metrics.Upstream {
	m := metrics.Upstream{
		Name:      u.Key.Label(),
		Endpoints: len(u.Endpoints),
		Created:   u.Created,
		Reused:    u.Reused,
		Failed:    u.Failed,
		Prewarmed: u.Prewarmed,
		Exchanges: u.Exchanges,
		Queued:    u.Queued, QueueFull: u.QueueFull, QueueTimeouts: u.QueueTimeouts,
		Overflowed: u.Overflowed,
		Retries:    u.Retries, RetriesRefused: u.RetriesRefused,
		Closed:    make(map[string]uint64, len(u.Closed)),
		Ejections: make(map[string]uint64, upstream.Ejections),
	}
	for i := range u.Endpoints {
		e := &u.Endpoints[i]
		m.Idle += e.Idle
		m.Active += e.Active
		m.Pending += e.Waiting
		if e.Out {
			m.Ejected++
		}
	}
	for reason, n := range u.Ejected {
		m.Ejections[upstream.Ejection(reason).String()] = n
	}
	for reason, n := range u.Closed {
		m.Closed[upstream.Reason(reason).String()] = n
	}
	return m
}
