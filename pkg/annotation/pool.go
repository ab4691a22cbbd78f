package annotation

import "time"

// The names are those of ingress-nginx's ConfigMap, where they are global.

var upstreamKeepaliveConnections = define("upstream-keepalive-connections", Upstream,
	"Idle connections kept to each endpoint. 320 by default; 0 keeps none.",
	parseCount(0),
	func(v *Values, n int) { v.Policy.Pool.IdleConnections = n }).
	example("64").defaults("320")

var upstreamKeepaliveTimeout = define("upstream-keepalive-timeout", Upstream,
	"How long an idle connection to an endpoint is kept. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Policy.Pool.IdleTimeout = d }).
	example("30s").defaults("60s")

var upstreamKeepaliveRequests = define("upstream-keepalive-requests", Upstream,
	"Requests that one connection to an endpoint carries before it is closed. 10000 by default.",
	parseCount(1),
	func(v *Values, n int) { v.Policy.Pool.MaxRequests = n }).
	example("1000").defaults("10000")

var upstreamKeepaliveTime = define("upstream-keepalive-time", Upstream,
	"Age at which a connection to an endpoint is closed once idle. 1h by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Policy.Pool.MaxAge = d }).
	example("10m").defaults("1h")

// mostPending bounds the requests that may wait for one endpoint, mostPrewarmed
// the connections made to one before there is a request.
const (
	mostPending   = 65536
	mostPrewarmed = 256
)

var upstreamMaxConnections = define("upstream-max-connections", Upstream,
	"Connections to each endpoint at a time. 0, the default, means no limit.",
	parseCount(0),
	func(v *Values, n int) { v.Policy.Pool.MaxConnections = n }).
	example("100").defaults("0")

var upstreamMaxPending = define("upstream-max-pending", Upstream,
	"Requests that may wait for a connection to an endpoint which has upstream-max-connections, 65536 at most; one more is answered 503. 1024 by default.",
	parseCountWithin(0, mostPending),
	func(v *Values, n int) { v.Policy.Pool.MaxPending = n }).
	example("256").defaults("1024")

var upstreamPendingTimeout = define("upstream-pending-timeout", Upstream,
	"Longest such wait, between 1ms and 1h; a request that waited longer is answered 503. 5s by default.",
	parseDurationWithin(time.Millisecond, time.Hour),
	func(v *Values, d time.Duration) { v.Policy.Pool.PendingTimeout = d }).
	example("2s").defaults("5s")

var upstreamPrewarm = define("upstream-prewarm", Upstream,
	"Connections made to a new endpoint before a request asks for one, 256 at most. 0 by default.",
	parseCountWithin(0, mostPrewarmed),
	func(v *Values, n int) { v.Policy.Pool.Prewarm = n }).
	example("4").defaults("0")
