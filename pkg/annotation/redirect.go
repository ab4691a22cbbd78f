package annotation

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var appRoot = define("app-root", Path,
	"Path that requests for exactly / are redirected to (302), such as /app. It holds for the hosts of the Ingress, even where / has no rule.",
	parseAppRoot,
	func(v *Values, path string) { v.Filters.AppRoot.Path = path }).
	example("/app")

// mostLocation bounds what a redirect says, in bytes.
const mostLocation = 2048

var (
	errAppRoot  = errors.New("want a path that begins with one /, such as /app")
	errURL      = errors.New("want a URL that begins with http:// or https://")
	errVariable = errors.New("variables are not replaced in it: want no $")
	errLong     = fmt.Errorf("want %d bytes at most", mostLocation)
)

// parseAppRoot takes what follows a host in a URL. Two slashes would begin another
// host for some clients.
func parseAppRoot(text string, _ dialect) (string, error) {
	switch {
	case len(text) > mostLocation:
		return "", errLong
	case !strings.HasPrefix(text, "/"), strings.HasPrefix(text, "//"), !isGraphic(text), strings.Contains(text, `\`):
		return "", errAppRoot
	}
	return text, nil
}

// parseURL takes the URL of a redirect as it is.
func parseURL(text string, _ dialect) (string, error) {
	u, err := url.Parse(text)
	switch {
	case len(text) > mostLocation:
		return "", errLong
	case strings.Contains(text, "$"):
		return "", errVariable
	case err != nil, !isGraphic(text), u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", errURL
	}
	return text, nil
}

// redirecting is a redirect of all requests in the making.
type redirecting struct {
	url  string
	code int
}

// A redirect that cannot be followed leaves the Ingress out, as in ingress-nginx: its
// backend is often none.
var permanentRedirect = define("permanent-redirect", Path,
	"URL that every request is redirected to, as it is. The Ingress is not served where the URL cannot be used, such as one with $variables.",
	parseURL,
	func(v *Values, url string) { v.parts.permanent.url = url }).protecting(diverts).
	example("https://new.example")

var temporalRedirect = define("temporal-redirect", Path,
	"URL that every request is redirected to for a while. It goes before permanent-redirect.",
	parseURL,
	func(v *Values, url string) { v.parts.temporal.url = url }).protecting(diverts).
	example("https://maintenance.example")

var permanentRedirectCode = define("permanent-redirect-code", Path,
	"Status of permanent-redirect: 300 to 303, 307 or 308. 301 by default.",
	parseStatus(300, 301, 302, 303, 307, 308),
	func(v *Values, code int) { v.parts.permanent.code = code }).
	example("308").defaults("301")

var temporalRedirectCode = define("temporal-redirect-code", Path,
	"Status of temporal-redirect: 300 to 303 or 307. 302 by default.",
	parseStatus(300, 301, 302, 303, 307),
	func(v *Values, code int) { v.parts.temporal.code = code }).
	example("307").defaults("302")

// parseStatus reads one of some statuses.
func parseStatus(statuses ...int) func(string, dialect) (int, error) {
	return func(text string, d dialect) (int, error) {
		code, err := parseCount(0)(text, d)
		if err != nil || !slices.Contains(statuses, code) {
			return 0, fmt.Errorf("want one of %v", statuses)
		}
		return code, nil
	}
}

var relativeRedirects = define("relative-redirects", Path,
	"Leaves scheme and host out of the redirects that add a slash to a path. false by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.Redirect.Relative = on }).
	example("true").defaults("false")

var usePortInRedirects = define("use-port-in-redirects", Path,
	"Puts the port into redirects to https, that of the HTTPS listener, and into those that add a slash to a path. false by default.",
	parseBool,
	func(v *Values, on bool) { v.Filters.Redirect.Port = on }).
	example("true").defaults("false")
