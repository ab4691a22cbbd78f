package annotation

import "time"

var proxyConnectTimeout = define("proxy-connect-timeout", Path,
	"Longest wait for a connection to an endpoint. 5s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.ConnectTimeout, v.Stream.Connect = d, d }).
	example("10").defaults("5")

var proxySendTimeout = define("proxy-send-timeout", Path,
	"Longest gap between two writes of a request to the upstream. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.SendTimeout = d }).
	example("120").defaults("60")

var proxyReadTimeout = define("proxy-read-timeout", Path,
	"Longest gap between two reads of a response from the upstream. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.ReadTimeout = d }).
	example("3600").defaults("60")

var requestTimeout = define("request-timeout", Path,
	"Longest time from a request's head to the end of its response, for requests that must not go on for longer, whatever moves meanwhile. 0, the default, means no limit.",
	parseDuration,
	func(v *Values, d time.Duration) { v.Options.RequestTimeout = d }).
	example("5m").defaults("0")
