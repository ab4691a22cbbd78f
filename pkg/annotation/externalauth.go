package annotation

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// External authentication stands on an Ingress (auth-*), or in the ConfigMap for all
// that have none of their own (global-auth-*). Of the two, one holds as a whole, as in
// ingress-nginx (rootfs/etc/nginx/template/nginx.tmpl).

// authSetting is a row of Table for an Ingress, and one for the ConfigMap, under a name
// that begins with global-.
type authSetting[T any] struct {
	name         string
	help, global string // of each row
	parse        func(text string, at place) (T, error)
	parseGlobal  func(text string, at place) (T, error) // nil: parse
	set          func(*model.ExternalAuth, T)
	// finish adds what both rows have besides.
	finish func(Annotation) Annotation
}

func (s authSetting[T]) rows() (own, global Annotation) {
	own = defineAt(s.name, Path, s.help, s.parse,
		func(v *Values, value T, _ place) { s.set(&v.Filters.ExternalAuth, value) })
	if s.parseGlobal == nil {
		s.parseGlobal = s.parse
	}
	global = defineAt("global-"+s.name, Path, s.global, s.parseGlobal,
		func(v *Values, value T, _ place) { s.set(&v.GlobalAuth, value) })
	return s.finish(own), s.finish(global)
}

// anywhere is a parser that does not ask where a value stands.
func anywhere[T any](parse func(string, dialect) (T, error)) func(string, place) (T, error) {
	return func(text string, at place) (T, error) { return parse(text, at.dialect) }
}

var authURL, globalAuthURL = authSetting[string]{
	name:        "auth-url",
	help:        "URL of a service that is asked about each request, with a request that has its fields and no body. A status of 2xx lets the request pass, 401 and 403 are the answer, and all else is answered 500. Variables may stand in it; in its host only $host, $http_host and those that the Ingress chooses. The paths answer 503 while the URL cannot be used. By default nobody is asked.",
	global:      "auth-url of all Ingresses that have none and do not say enable-global-auth: \"false\". It stands in the ConfigMap, with the other settings that begin with global-auth. None by default.",
	parse:       parseAuthURL,
	parseGlobal: optional(parseAuthURL),
	set:         func(a *model.ExternalAuth, text string) { a.URL = text },
	finish: func(a Annotation) Annotation {
		return a.example("http://oauth2-proxy.auth.svc.cluster.local:4180/oauth2/auth").defaults("").protecting(protects)
	},
}.rows()

// optional takes an empty text for what is not set, as a key of the ConfigMap says it.
func optional(parse func(string, place) (string, error)) func(string, place) (string, error) {
	return func(text string, at place) (string, error) {
		if text == "" {
			return "", nil
		}
		return parse(text, at)
	}
}

var authURLVerify, globalAuthURLVerify = authSetting[bool]{
	name:   "auth-url-verify",
	help:   "on wants a certificate of the service of auth-url that the system's authorities vouch for, off takes any. Plain http has none.",
	global: "auth-url-verify of global-auth-url.",
	parse:  anywhere(parseOnOff),
	set:    func(a *model.ExternalAuth, on bool) { a.Unverified = !on },
	finish: func(a Annotation) Annotation { return a.example("on").defaults("on", "off").protecting(protects) },
}.rows()

var authMethod, globalAuthMethod = authSetting[string]{
	name:   "auth-method",
	help:   "Method of the requests to auth-url: GET by default. With it they have X-Original-URI and X-Scheme, too.",
	global: "auth-method of global-auth-url: GET by default.",
	parse:  anywhere(parseAuthMethod),
	set:    func(a *model.ExternalAuth, method string) { a.Method = method },
	finish: func(a Annotation) Annotation { return a.example("POST").defaults("").protecting(protects) },
}.rows()

// parseAuthMethod takes the methods of ingress-nginx but for CONNECT and TRACE, which
// ask for no answer of the service.
func parseAuthMethod(text string, _ dialect) (string, error) {
	switch text {
	case "", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return text, nil
	}
	return "", errors.New("want GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")
}

var authProxySetHeaders = defineAt("auth-proxy-set-headers", Path,
	"ConfigMap with fields that auth-url gets besides those of the request: a name, or namespace/name in the namespace of the Ingress. Values may have variables. The paths answer 503 while it is missing or has a field that cannot be sent. None by default.",
	parseOwnConfigMap,
	func(v *Values, name string, _ place) { v.AuthSetFields = name }).
	example("auth-fields").defaults("").protecting(protects).onIngressOnly()

var authResponseHeaders, globalAuthResponseHeaders = authSetting[string]{
	name:   "auth-response-headers",
	help:   "Fields of the answer of auth-url that the endpoint gets, separated by commas, 64 at most. What clients send under these names it never gets. None by default.",
	global: "auth-response-headers of global-auth-url. None by default.",
	parse:  anywhere(parseAuthFields),
	set:    func(a *model.ExternalAuth, list string) { a.ResponseFields = list },
	finish: func(a Annotation) Annotation {
		return a.example("X-Auth-Request-User, X-Auth-Request-Email").defaults("").protecting(protects)
	},
}.rows()

// mostAuthFields bounds the fields that a service may have passed on.
const mostAuthFields = 64

// notOfService are the fields that the answer of a service cannot set: those that the
// proxy alone writes, and those that are between it and the service.
var notOfService = message.ProxyWrites | message.SetOf(message.ProxyAuthenticate, message.ProxyAuthorization)

// parseAuthFields reads names of fields. Those that the proxy writes anyway are left
// out: what the service says cannot take their place, nor can what a client says.
func parseAuthFields(text string, _ dialect) (string, error) {
	var names, ignored []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case !isFieldName(name):
			return "", fmt.Errorf("%s is no name of a field: want letters, digits, - and _", quote(name))
		case notOfService.Has(message.LookupName([]byte(name))):
			ignored = append(ignored, name)
		case !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }):
			names = append(names, name)
		}
		if len(names) > mostAuthFields {
			return "", fmt.Errorf("want %d names at most", mostAuthFields)
		}
	}
	list := strings.Join(names, ",")
	if len(ignored) > 0 {
		return list, leftOut(ignored)
	}
	return list, nil
}

var authSignIn, globalAuthSignIn = authSetting[string]{
	name:        "auth-signin",
	help:        "URL that clients are sent to with 302 where auth-url answers 401. What they asked for is appended as the argument rd, unless that is there. By default they get the 401. It may have variables, such as https://$host/oauth2/start?rd=$escaped_request_uri.",
	global:      "auth-signin of global-auth-url. None by default.",
	parse:       parseSignIn,
	parseGlobal: optional(parseSignIn),
	set:         func(a *model.ExternalAuth, text string) { a.SignIn = text },
	finish: func(a Annotation) Annotation {
		return a.example("https://$host/oauth2/start?rd=$escaped_request_uri").defaults("")
	},
}.rows()

var authSignInRedirectParam, globalAuthSignInRedirectParam = authSetting[string]{
	name:   "auth-signin-redirect-param",
	help:   "Name of the argument that auth-signin gets: rd by default.",
	global: "auth-signin-redirect-param of global-auth-signin: rd by default.",
	parse:  anywhere(parseArgumentName),
	set:    func(a *model.ExternalAuth, name string) { a.RedirectParam = name },
	finish: func(a Annotation) Annotation { return a.example("next").defaults("") },
}.rows()

func parseArgumentName(text string, _ dialect) (string, error) {
	if len(text) > 64 || !consistsOf(text, letters+digits+"-_.") {
		return "", errors.New("want letters, digits, -, _ and ., 64 bytes at most")
	}
	return text, nil
}

var authRequestRedirect, globalAuthRequestRedirect = authSetting[string]{
	name:   "auth-request-redirect",
	help:   "Value of X-Auth-Request-Redirect, which auth-url gets, with variables: $request_uri by default.",
	global: "auth-request-redirect of global-auth-url: $request_uri by default.",
	parse:  parseAuthText,
	set:    func(a *model.ExternalAuth, text string) { a.Redirect = text },
	finish: func(a Annotation) Annotation { return a.example("https://$host$request_uri").defaults("") },
}.rows()

var authAlwaysSetCookie, globalAuthAlwaysSetCookie = authSetting[bool]{
	name:   "auth-always-set-cookie",
	help:   "\"true\" gives clients the cookies of the answer of auth-url with responses of every status. \"false\", the default, does so with 200, 201, 204, 206, 301 to 304, 307 and 308.",
	global: "auth-always-set-cookie of global-auth-url.",
	parse:  anywhere(parseBool),
	set:    func(a *model.ExternalAuth, on bool) { a.AlwaysSetCookie = on },
	finish: func(a Annotation) Annotation { return a.example("true").defaults("false") },
}.rows()

var authCacheKey, globalAuthCacheKey = authSetting[string]{
	name:        "auth-cache-key",
	help:        "Text with variables, such as $cookie_session, that is the same for requests about which auth-url need be asked once for all, as long as auth-cache-duration says. Without a variable that has a value, auth-url is asked. None by default.",
	global:      "auth-cache-key of global-auth-url. None by default.",
	parse:       parseCacheKey,
	parseGlobal: optional(parseCacheKey),
	set:         func(a *model.ExternalAuth, text string) { a.CacheKey = text },
	finish:      func(a Annotation) Annotation { return a.example("$cookie_session").defaults("") },
}.rows()

var authCacheDuration, globalAuthCacheDuration = authSetting[string]{
	name:   "auth-cache-duration",
	help:   "How long answers of auth-url hold where there is an auth-cache-key, by status: a list such as \"200 202 5m, 401 30s\". \"200 202 401 5m\" by default.",
	global: "auth-cache-duration of global-auth-url: \"200 202 401 5m\" by default.",
	parse:  anywhere(parseCacheDurations),
	set:    func(a *model.ExternalAuth, text string) { a.CacheDurations = text },
	finish: func(a Annotation) Annotation {
		return a.example("200 202 10m, 401 30s").defaults("").protecting(protects)
	},
}.rows()

var (
	authKeepalive = define("auth-keepalive", Path,
		"Connections to auth-url that are kept. It is read and has no effect: connections are kept anyway, within bounds.",
		parseKeepalive, func(*Values, string) {}).
		example("10").defaults("0")
	authKeepaliveRequests = define("auth-keepalive-requests", Path,
		"Requests of one connection to auth-url. It is read and has no effect.",
		parseKeepalive, func(*Values, string) {}).
		example("100").defaults("1000")
	authKeepaliveTimeout = define("auth-keepalive-timeout", Path,
		"How long a connection to auth-url is kept. It is read and has no effect: 60 seconds.",
		parseKeepalive, func(*Values, string) {}).
		example("30").defaults("60")
	authKeepaliveShareVars = define("auth-keepalive-share-vars", Path,
		"Whether nginx's variables hold for requests to auth-url. It is read and has no effect: they do.",
		parseBool, func(*Values, bool) {}).
		example("true").defaults("false")
)

func parseKeepalive(text string, _ dialect) (string, error) {
	if !isDigits(strings.TrimPrefix(text, "-")) {
		return "", errors.New("want a whole number")
	}
	return text, nil
}

var enableGlobalAuth = define("enable-global-auth", Path,
	"\"false\" does not ask global-auth-url about requests of the Ingress. \"true\" by default.",
	parseBool,
	func(v *Values, on bool) { v.NoGlobalAuth = !on }).
	example("false").defaults("true")

// Bounds of a text of external authentication: values of its variables are what a
// client chooses.
const (
	longestAuthText   = 2048
	mostAuthVariables = 16
)

// parseAuthText reads a text with variables.
func parseAuthText(text string, at place) (string, error) {
	switch {
	case len(text) > longestAuthText:
		return "", fmt.Errorf("want %d bytes at most", longestAuthText)
	case !isGraphic(text):
		return "", errors.New("want visible ASCII characters without spaces")
	case strings.Count(text, "$") > mostAuthVariables:
		return "", fmt.Errorf("want %d variables at most", mostAuthVariables)
	}
	return text, at.checks.expression(text)
}

// parseCacheKey reads a text that has a variable: without one, the first client that
// passes would let everybody pass.
func parseCacheKey(text string, at place) (string, error) {
	if !strings.Contains(text, "$") {
		return "", errors.New("want a variable in it, such as $cookie_session: nothing is cached")
	}
	return parseAuthText(text, at)
}

// parseSignIn reads a URL that goes into the field Location.
func parseSignIn(text string, at place) (string, error) {
	if _, err := parseAuthText(text, at); err != nil {
		return "", err
	}
	lower := strings.ToLower(text)
	local := strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//")
	if !local && !slices.ContainsFunc(schemes, func(s string) bool { return strings.HasPrefix(lower, s) && len(lower) > len(s) }) ||
		strings.ContainsAny(text, "\"<>\\^`|") {
		return "", errors.New("want a URL, such as https://login.example.com/oauth2/start")
	}
	return text, nil
}

// schemes are how URLs with variables begin.
var schemes = []string{
	"http://", "https://", "$scheme://", "${scheme}://", "$pass_access_scheme://", "${pass_access_scheme}://",
}

var errAuthURL = errors.New("want a URL, such as http://oauth2-proxy.auth.svc.cluster.local:4180/oauth2/auth")

// chosen are the variables that may stand in the host of an auth-url: none of them
// lets a client choose who decides about it, where the Ingress has a host.
var chosen = []string{"host", "http_host", "ingress_name", "namespace", "server_name", "service_name", "service_port"}

// parseAuthURL reads the URL of a service that is asked.
func parseAuthURL(text string, at place) (string, error) {
	if _, err := parseAuthText(text, at); err != nil {
		return "", err
	}
	authority := model.ExternalAuth{URL: text}.Authority()
	plain, err := withoutVariables(authority)
	if err != nil {
		return "", err
	}
	scheme, _, _ := strings.Cut(text, "://")
	u, err := url.Parse("http://" + plain)
	switch {
	case !slices.Contains(schemes, strings.ToLower(scheme)+"://"),
		err != nil, u.Hostname() == "", u.User != nil, u.Path != "",
		strings.ContainsAny(text, "#\"<>\\^`|"):
		return "", errAuthURL
	}
	return strings.ToLower(scheme) + strings.TrimPrefix(text, scheme), nil
}

// withoutVariables returns a host with 1 in place of its variables.
func withoutVariables(authority string) (string, error) {
	var b strings.Builder
	for rest := authority; ; {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		inner, braced := strings.CutPrefix(after, "{")
		n := 0
		for n < len(inner) && consistsOf(inner[n:n+1], letters+digits+"_") {
			n++
		}
		name := strings.ToLower(inner[:n])
		rest = inner[n:]
		if braced {
			rest = strings.TrimPrefix(rest, "}")
		}
		if !slices.Contains(chosen, name) {
			return "", fmt.Errorf("$%s must not stand in the host of a URL that decides about access", model.Excerpt(name))
		}
		b.WriteByte('1')
	}
}
