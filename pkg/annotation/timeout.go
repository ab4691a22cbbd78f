package annotation

import "time"

var proxyConnectTimeout = define("proxy-connect-timeout", Path,
	"Longest wait for a connection to an endpoint. 5s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.ConnectTimeout = d })

var proxySendTimeout = define("proxy-send-timeout", Path,
	"Longest gap between two writes of a request to the upstream. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.SendTimeout = d })

var proxyReadTimeout = define("proxy-read-timeout", Path,
	"Longest gap between two reads of a response from the upstream. 60s by default.",
	parsePositiveDuration,
	func(v *Values, d time.Duration) { v.Options.ReadTimeout = d })
