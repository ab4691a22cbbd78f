package annotation

import (
	"fmt"
	"strings"
)

var sslRedirect = define("ssl-redirect", Path,
	"Redirects requests in clear text to https where an Ingress has a tls block for their host, or for its wildcard. true by default under ingress-nginx's class, false otherwise.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HTTPS.On = on }).
	example("false").defaults("false", "true")

var forceSSLRedirect = define("force-ssl-redirect", Path,
	"Redirects requests in clear text to https whether their host has a tls block or not, for TLS that ends in front of this proxy. false by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HTTPS.Force = on }).
	example("true").defaults("false")

var preserveTrailingSlash = define("preserve-trailing-slash", Path,
	"Keeps a slash at the end of the path in redirects to https, which is taken away otherwise. false by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.HTTPS.KeepSlash = on }).
	example("true").defaults("false")

var httpRedirectCode = define("http-redirect-code", Path,
	"Status of redirects to https, and of from-to-www-redirect: 301, 302, 307 or 308. 308 by default.",
	parseStatus(301, 302, 307, 308),
	func(v *Values, code int) {
		if code == 308 {
			code = 0 // which means it
		}
		v.Filters.HTTPS.Code = code
	}).
	example("301").defaults("308")

var noTLSRedirectLocations = define("no-tls-redirect-locations", Path,
	"Paths of rules that are not redirected to https, with all that begin like them, separated by commas. /.well-known/acme-challenge by default.",
	parsePathList,
	func(v *Values, list string) { v.Filters.HTTPS.Exempt = list }).
	example("/.well-known/acme-challenge, /health").defaults("/.well-known/acme-challenge")

// mostPaths bounds a list of paths.
const mostPaths = 64

// parsePathList reads the beginnings of paths, and returns them without what stands
// around them.
func parsePathList(text string, _ dialect) (string, error) {
	var paths []string
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part[0] != '/' || !isGraphic(part):
			return "", fmt.Errorf("%s: want a path that begins with /", quote(part))
		case len(paths) == mostPaths:
			return "", fmt.Errorf("want %d paths at most", mostPaths)
		default:
			paths = append(paths, part)
		}
	}
	return strings.Join(paths, ","), nil
}
