package annotation

var proxyBodySize = define("proxy-body-size", Path,
	"Largest request body accepted, such as 8m; a larger one is answered 413. 0, the default, means no limit.",
	parseSize,
	func(v *Values, n int64) { v.Options.MaxBodyBytes = n }).
	example("50m").defaults("0", "1m")
