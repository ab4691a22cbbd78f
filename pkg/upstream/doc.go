// Package upstream holds what outlives a snapshot on the application's side:
// the endpoints of each upstream, their connections and their health.
//
// A Registry has one Upstream for each model.UpstreamKey. Snapshots point to
// Upstreams; endpoints are set apart from snapshots and far more often. An
// exchange asks an Upstream for an Endpoint (Pick) and the Endpoint for a
// connection (Get), uses it alone, and gives it back (Put) or closes it
// (Discard). What is said on a connection is the caller's business: this
// package never sends a byte and reads none but to notice that a connection
// must not be used again.
//
// Nothing is locked for all: Pick loads two atomics, Get and Put take the lock
// of their endpoint. An idle connection holds no goroutine and no buffer.
package upstream
