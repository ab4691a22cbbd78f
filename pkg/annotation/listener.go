package annotation

import "time"

// The bounds are those that the ListenerConfig's schema sets for its fields.

var keepAlive = define("keep-alive", Listener,
	"How long an idle downstream connection is kept, 24h at most. 75s by default; 0 turns keep-alive off.",
	parseDurationWithin(0, 24*time.Hour),
	func(v *Values, d time.Duration) { v.Listener.KeepAliveTimeout = d }).
	example("30s").defaults("75s")

var keepAliveRequests = define("keep-alive-requests", Listener,
	"Requests that one downstream connection may carry. 1000 by default.",
	parseCount(1),
	func(v *Values, n int) { v.Listener.KeepAliveRequests = n }).
	example("10000").defaults("1000")

var maxConnections = define("max-connections", Listener,
	"Downstream connections open at once. 0, the default, means no limit of its own: a quarter of the process's file descriptors is always kept for upstreams.",
	parseCount(0),
	func(v *Values, n int) { v.Listener.MaxConnections = n }).
	example("50000").defaults("0")

var clientHeaderTimeout = define("client-header-timeout", Listener,
	"Longest time from the first byte of a request head to its last, between 100ms and 1h. 10s by default, 60s in the profile ingress-nginx.",
	parseDurationWithin(100*time.Millisecond, time.Hour),
	func(v *Values, d time.Duration) { v.Listener.HeaderTimeout = d }).
	example("5s").defaults("10s", "60s")

var clientBodyTimeout = define("client-body-timeout", Listener,
	"Longest gap between two reads of a request body, between 100ms and 1h. 60s by default.",
	parseDurationWithin(100*time.Millisecond, time.Hour),
	func(v *Values, d time.Duration) { v.Listener.BodyTimeout = d }).
	example("30s").defaults("60s")

var enableUnderscores = define("enable-underscores-in-headers", Listener,
	"\"true\" keeps fields of requests whose name has an underscore. They are dropped by default: applications that read names from an environment take X_Real_IP for X-Real-IP.",
	parseBool,
	func(v *Values, on bool) { v.Listener.Underscores = on }).
	example("true").defaults("false")

var ignoreInvalidHeaders = define("ignore-invalid-headers", Listener,
	"\"false\" keeps fields of requests with any name that HTTP allows, also with an underscore. By default, \"true\", those whose name has other characters than letters, digits and - are dropped. What is no name at all is answered 400 in any case.",
	parseBool,
	func(v *Values, on bool) { v.Listener.OddNames = !on }).
	example("false").defaults("true")

var maxHeaderBytes = define("max-header-bytes", Listener,
	"Largest request head accepted, between 1k and 1m. 32k by default.",
	parseSizeWithin(1<<10, 1<<20),
	func(v *Values, n int64) { v.Listener.MaxHeaderBytes = int(n) }).
	example("64k").defaults("32k")
