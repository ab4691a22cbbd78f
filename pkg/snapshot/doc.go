// Package snapshot compiles a model.Config into what the proxy reads for each
// exchange: routes by host and path, with their upstreams, settings and metric
// handles, and certificates by server name.
//
// A Snapshot is immutable. Compile makes one from values, and takes over from
// the previous one what has not changed, so that a change of one host costs
// little among ten thousand; Current holds the one in use. What must outlive
// snapshots (connections, health, counters) lives in upstream.Registry and
// metrics.Metrics, and a snapshot points there. Endpoints are not part of it.
//
// Whoever compiles does so one at a time, and in this order:
//
//	next, err := snapshot.Compile(config, current.Load(), registry, metrics, shared)
//	if err != nil {
//		return err // the previous snapshot goes on serving
//	}
//	current.Publish(next)
//	registry.Retain(next.Wants)
//	metrics.Retain(next.Handles())
package snapshot
