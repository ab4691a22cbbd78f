package annotation

var proxySSLSecret = defineAt("proxy-ssl-secret", Upstream,
	"Secret with a certificate to show to endpoints (tls.crt, tls.key), the authority to verify theirs with (ca.crt, and ca.crl if it has one), or both: a name, or namespace/name in the namespace of the Ingress. The paths answer 503 while it is missing or of no use.",
	parseSecret,
	func(v *Values, name string, _ place) { v.ProxySSLSecret = name }).
	example("backend-ca").defaults("").protecting(protects).onIngressOnly()

var proxySSLVerify = define("proxy-ssl-verify", Upstream,
	"on wants a certificate of endpoints that the authority of proxy-ssl-secret vouches for, or one of the system's authorities where that has none. off by default.",
	parseOnOff,
	func(v *Values, on bool) { v.Policy.Transport.TLS.Verify = on }).
	example("on").defaults("off").protecting(protects)

var proxySSLVerifyDepth = define("proxy-ssl-verify-depth", Upstream,
	"How many certificates may stand between the endpoint's and the trusted one, neither of which counts, 100 at most. 1 by default, and for 0.",
	parseDepth,
	func(v *Values, n int) { v.Policy.Transport.TLS.Depth = n }).
	example("2").defaults("1")

var proxySSLName = define("proxy-ssl-name", Upstream,
	"Name that the certificate of endpoints is verified for. service.namespace.svc by default.",
	parseName,
	func(v *Values, name string) { v.Policy.Transport.TLS.ServerName = name }).
	example("shop.internal").defaults("")

var proxySSLServerName = define("proxy-ssl-server-name", Upstream,
	"on sends proxy-ssl-name to endpoints as the server name. off by default.",
	parseOnOff,
	func(v *Values, on bool) { v.Policy.Transport.TLS.SendName = on }).
	example("on").defaults("off")

var proxySSLProtocols = define("proxy-ssl-protocols", Upstream,
	"Versions of TLS to endpoints: TLSv1.2, TLSv1.3 or both, which is the default.",
	parseProtocols,
	func(v *Values, versions string) { v.Policy.Transport.TLS.Protocols = versions }).
	example("TLSv1.3").defaults("")

var proxySSLCiphers = defineAt("proxy-ssl-ciphers", Upstream,
	"Ciphers of TLS 1.2 to endpoints, a list in OpenSSL's form. Go's by default.",
	parseCiphers,
	func(v *Values, list string, _ place) { v.Policy.Transport.TLS.Ciphers = list }).
	example("ECDHE-RSA-AES128-GCM-SHA256").defaults("")
