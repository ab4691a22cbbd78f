package main

import (
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
)

// uses are the annotations of ingress-nginx that are common in charts, guides and
// questions about it: an estimate, for readers to know what to look at first. All
// others are rare.
var uses = []struct {
	word  string
	names []string
}{
	{"everyday", []string{
		"rewrite-target", "use-regex", "ssl-redirect", "force-ssl-redirect", "proxy-body-size", "proxy-connect-timeout",
		"proxy-send-timeout", "proxy-read-timeout", "proxy-buffering", "proxy-buffer-size", "backend-protocol",
		"auth-type", "auth-secret", "auth-realm", "auth-url", "auth-signin", "auth-response-headers",
		"allowlist-source-range", "whitelist-source-range",
	}},
	{"common", []string{
		"app-root", "from-to-www-redirect", "permanent-redirect", "server-alias", "default-backend", "custom-http-errors",
		"proxy-request-buffering", "proxy-buffers-number", "proxy-next-upstream", "upstream-vhost", "x-forwarded-prefix",
		"custom-headers", "service-upstream", "upstream-hash-by", "affinity", "session-cookie-name",
		"session-cookie-expires", "session-cookie-max-age", "session-cookie-path", "session-cookie-samesite", "canary",
		"canary-weight", "canary-by-header", "canary-by-header-value", "canary-by-cookie", "auth-tls-secret",
		"auth-tls-verify-client", "auth-tls-pass-certificate-to-upstream", "ssl-passthrough", "proxy-ssl-secret",
		"proxy-ssl-verify", "proxy-ssl-server-name", "limit-rps", "limit-rpm", "limit-connections", "enable-cors",
		"cors-allow-origin", "cors-allow-methods", "cors-allow-headers", "cors-allow-credentials", "enable-access-log",
	}},
}

// use says how common a setting is in ingress-nginx. It is empty where that has no
// annotation of the name.
func use(a annotation.Annotation) string {
	if !a.Inherited() {
		return ""
	}
	for _, u := range uses {
		if slices.Contains(u.names, a.Name) {
			return u.word
		}
	}
	return "rare"
}
