package annotation

import "github.com/shockwave-ingress/shockwave/pkg/model"

// Limits count for each replica (ingress-nginx: docs/user-guide/nginx-configuration/annotations.md,
// "Rate Limiting").

var limitRPS = define("limit-rps", Path,
	"Requests a second that one address of a client may ask of the Ingress; for a moment limit-burst-multiplier times as many more. Others are answered 503 (limit-req-status-code). Each replica counts by itself. 0, the default, means no limit.",
	parseCountWithin(0, mostLimit),
	func(v *Values, n int) { v.Filters.Limits.PerSecond = n }).
	example("10").defaults("0").protecting(protects)

var limitRPM = define("limit-rpm", Path,
	"Like limit-rps, for a minute.",
	parseCountWithin(0, mostLimit),
	func(v *Values, n int) { v.Filters.Limits.PerMinute = n }).
	example("10").defaults("0").protecting(protects)

var limitConnections = define("limit-connections", Path,
	"Requests in progress that one address of a client may have at the Ingress. Others are answered 503 (limit-conn-status-code). Each replica counts by itself. 0, the default, means no limit.",
	parseCountWithin(0, mostLimit),
	func(v *Values, n int) { v.Filters.Limits.Connections = n }).
	example("10").defaults("0").protecting(protects)

var limitBurstMultiplier = define("limit-burst-multiplier", Path,
	"How many times limit-rps and limit-rpm may come at once, from 1 to 1000. 5 by default.",
	parseCountWithin(1, 1000),
	func(v *Values, n int) { v.Filters.Limits.Burst = unless(model.UsualBurst, n) }).
	example("2").defaults("5")

var limitAllowlist = define("limit-allowlist", Path,
	"Networks and addresses of clients that are not limited, with commas between them. None by default.",
	parseRangeList,
	func(v *Values, list string) { v.Filters.Limits.Exempt = list }).
	example("10.0.0.0/8").defaults("")

var limitWhitelist = define("limit-whitelist", Path,
	"The older name of limit-allowlist, which holds where both stand. None by default.",
	parseRangeList,
	func(v *Values, list string) { v.Filters.Limits.Exempt = list }).
	example("10.0.0.0/8").defaults("").olderNameOf("limit-allowlist")

var limitReqStatusCode = define("limit-req-status-code", Path,
	"Status that answers a request beyond limit-rps or limit-rpm, from 400 to 599. 503 by default.",
	parseCountWithin(400, 599),
	func(v *Values, n int) { v.Filters.Limits.RateStatus = unless(503, n) }).
	example("429").defaults("503")

var limitConnStatusCode = define("limit-conn-status-code", Path,
	"Status that answers a request beyond limit-connections, from 400 to 599. 503 by default.",
	parseCountWithin(400, 599),
	func(v *Values, n int) { v.Filters.Limits.ConnectionStatus = unless(503, n) }).
	example("429").defaults("503")

// unless is n, or 0 for the usual value.
func unless(usual, n int) int {
	if n == usual {
		return 0
	}
	return n
}

const mostLimit = 1_000_000_000
