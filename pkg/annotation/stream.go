package annotation

import "time"

var proxyStreamTimeout = define("proxy-stream-timeout", Stream,
	"How long nothing may be sent either way before a connection of a TCP service is closed, or a client's datagrams are forgotten. 600s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Stream.Idle = d }).
	example("1h").defaults("600s")

var proxyStreamNextUpstream = define("proxy-stream-next-upstream", Stream,
	"off tries a connection at one endpoint only. on by default.",
	parseOnOff,
	func(v *Values, on bool) {
		v.parts.streamOnce = !on
		if !on {
			v.Stream.Tries = 1
		}
	}).
	example("off").defaults("on")

// It is read after proxy-stream-next-upstream, in the order of names.
var proxyStreamNextUpstreamTries = define("proxy-stream-next-upstream-tries", Stream,
	"Endpoints that a connection is tried at, unless proxy-stream-next-upstream is off. 3 by default; 0 means all.",
	parseCount(0),
	func(v *Values, n int) {
		if !v.parts.streamOnce {
			v.Stream.Tries = n
		}
	}).
	example("1").defaults("3")

var proxyStreamResponses = define("proxy-stream-responses", Stream,
	"Datagrams expected for one of a client's, after which the client is forgotten; 0 means that there is none. Any number by default.",
	parseCount(0),
	func(v *Values, n int) { v.Stream.Responses = n }).
	example("1").defaults("")
