package annotation

var sslPassthrough = define("ssl-passthrough", Host,
	"\"true\" hands on the TLS connections to the hosts of the Ingress as they are, to the Service of its path /. It needs --enable-ssl-passthrough, and no older Ingress may have the host. Without them the paths answer 503.",
	parseBool,
	func(v *Values, on bool) { v.Passthrough = on }).
	example("true").defaults("false").protecting(protects)
