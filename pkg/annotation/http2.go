package annotation

var http2 = define("http2", Host,
	"\"false\" leaves HTTP/2 out of what clients of these hosts are offered. \"true\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Host.NoHTTP2 = !on }).
	example("false").defaults("true")

var useHTTP2 = define("use-http2", Listener,
	"\"true\", the default, offers HTTP/2 to clients.",
	parseBool,
	func(v *Values, on bool) { v.Listener.HTTP2 = on }).
	example("false").defaults("true")

var http2Streams = define("http2-max-concurrent-streams", Listener,
	"Requests that a connection of HTTP/2 may have open, 1024 at most. 128 by default.",
	parseCountWithin(1, 1024),
	func(v *Values, n int) { v.Listener.HTTP2Streams = n }).
	example("256").defaults("128")
