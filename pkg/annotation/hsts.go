package annotation

import "math"

var hsts = define("hsts", Path,
	"Tells browsers, in every response over TLS, to come by https only (Strict-Transport-Security, RFC 6797). true by default under ingress-nginx's class, false otherwise.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HSTS.On = on }).
	example("false").defaults("false", "true")

var hstsMaxAge = define("hsts-max-age", Path,
	"For how many seconds browsers remember hsts; 0 has them forget it. A year, 31536000, by default.",
	parseCountWithin(0, math.MaxInt32),
	func(v *Values, n int) { v.Filters.HSTS.MaxAge = n }).
	example("63072000").defaults("31536000")

var hstsIncludeSubdomains = define("hsts-include-subdomains", Path,
	"Has hsts cover the names below the host as well. true by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HSTS.IncludeSubdomains = on }).
	example("false").defaults("true")

var hstsPreload = define("hsts-preload", Path,
	"Has hsts ask for a place in the lists that browsers come with. false by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HSTS.Preload = on }).
	example("true").defaults("false")
