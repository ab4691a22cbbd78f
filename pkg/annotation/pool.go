package annotation

import "time"

// The names are those of ingress-nginx's ConfigMap, where they are global.

var upstreamKeepaliveConnections = define("upstream-keepalive-connections", Upstream,
	"Idle connections kept to each endpoint. 320 by default; 0 keeps none.",
	parseCount(0),
	func(v *Values, n int) { v.Policy.Pool.IdleConnections = n })

var upstreamKeepaliveTimeout = define("upstream-keepalive-timeout", Upstream,
	"How long an idle connection to an endpoint is kept. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Policy.Pool.IdleTimeout = d })

var upstreamKeepaliveRequests = define("upstream-keepalive-requests", Upstream,
	"Requests that one connection to an endpoint carries before it is closed. 10000 by default.",
	parseCount(1),
	func(v *Values, n int) { v.Policy.Pool.MaxRequests = n })

var upstreamKeepaliveTime = define("upstream-keepalive-time", Upstream,
	"Age at which a connection to an endpoint is closed once idle. 1h by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Policy.Pool.MaxAge = d })
