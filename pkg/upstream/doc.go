// Package upstream holds what outlives a snapshot on the application's side:
// the endpoints of each upstream, their connections and their health.
//
// A Registry has one Upstream for each model.UpstreamKey. Snapshots point to
// Upstreams; endpoints are set apart from snapshots and far more often. An
// exchange asks an Upstream for an Endpoint (Pick) and the Endpoint for a
// connection (Get), uses it alone, and gives it back (Put) or closes it
// (Discard). Endpoints that speak HTTP/2 have streams instead (H2), of which many
// share a connection. Where there are as many connections as there may be, exchanges
// wait in the order in which they came.
//
// Pick chooses from an immutable set, which is compiled when endpoints or settings
// change, and looks at what an endpoint has to do (Begin, End) and at what is known of
// its health: whether it can be connected to, what became of the last exchanges, and
// what active checks say. Each of these leaves endpoints out by itself. What is left
// out is used all the same when there is nothing else.
//
// This package says what comes before the first request: the PROXY header, TLS, the
// settings of HTTP/2. After that, what is said is the caller's business; bytes are
// read only to notice that a connection must not be used again.
//
// Nothing is locked for all: Get, Put and H2 take the lock of their endpoint. An idle
// connection of HTTP/1.1 holds no goroutine and no buffer of ours, and nobody who
// waits has a goroutine besides the own.
package upstream
