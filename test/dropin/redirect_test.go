package dropin

import (
	"net/http"
	"strings"
	"testing"
)

// tlsBlock adds a tls block to an Ingress: the hosts, separated by commas, and a Secret,
// which need not exist.
func tlsBlock(ingress, hosts, secret string) string {
	block := "  tls:\n  - secretName: " + secret + "\n    hosts: ["
	for i, host := range strings.Split(hosts, ",") {
		if i > 0 {
			block += ", "
		}
		block += "\"" + host + "\""
	}
	return ingress + block + "]\n"
}

// app is the backend of sites that need one.
var app = map[string]http.Handler{"app": nil}

func TestT1RedirectsWhereACertificateIs(t *testing.T) {
	s := serve(t, nginx, app,
		tlsBlock(ingress("tls", "tls.example", "", "/ prefix app"), "tls.example", "missing")+
			ingress("plain", "plain.example", "", "/ prefix app")+
			tlsBlock(ingress("wild", "*.wild.example", "", "/ prefix app"), "*.wild.example", "missing")+
			ingress("other", "a.wild.example", "", "/ prefix app")+
			tlsBlock(ingress("unset", "off.example", "ssl-redirect: false", "/ prefix app"), "off.example", "missing")+
			ingress("forced", "forced.example", "force-ssl-redirect: true", "/ prefix app")+
			tlsBlock(ingress("gone", "gone.example", "", "/ prefix nobody"), "gone.example", "missing"))
	s.wants(s.get("http://tls.example/a?b=c"), 308, "Location: https://tls.example/a?b=c")
	s.wants(s.get("https://tls.example/a"), 200)
	s.wants(s.get("http://plain.example/"), 200)
	s.wants(s.get("https://plain.example/"), 200)
	s.wants(s.get("http://b.wild.example/"), 308, "Location: https://b.wild.example")
	s.wants(s.get("http://a.wild.example/x"), 308, "Location: https://a.wild.example/x") // of another Ingress
	s.wants(s.get("http://off.example/"), 200)
	s.wants(s.get("http://forced.example/x"), 308, "Location: https://forced.example/x")
	s.wants(s.get("http://gone.example/x"), 308, "Location: https://gone.example/x") // before 503
	s.wants(s.get("https://gone.example/x"), 503)
	s.wants(s.do(request{method: "POST", url: "http://tls.example/a", body: "text", fields: "Host: tls.example:8080"}), 308, "Location: https://tls.example/a")
}

// The profile of the specification redirects where it is asked to.
func TestT1IsOptionalElsewhere(t *testing.T) {
	s := serve(t, kubernetes, app,
		tlsBlock(ingress("tls", "tls.example", "", "/ prefix app"), "tls.example", "missing")+
			tlsBlock(ingress("asks", "on.example", "ssl-redirect: true", "/ prefix app"), "on.example", "missing"))
	s.wants(s.get("http://tls.example/a"), 200)
	s.wants(s.get("http://on.example/a"), 308, "Location: https://on.example/a")
	s.wants(s.get("https://on.example/a"), 200, "Strict-Transport-Security: ")
}

// Where TLS ends in front, what the proxy there tells decides, and hsts is for it to say.
func TestT1TLSEndsInFront(t *testing.T) {
	s := serve(t, nginx, app,
		configMap("use-forwarded-headers: true")+ingress("a", "a.example", "force-ssl-redirect: true\napp-root: /app", "/ prefix app"), withConfigMap)
	s.wants(s.do(request{url: "http://a.example/x", fields: "X-Forwarded-Proto: https"}), 200, "Strict-Transport-Security: ")
	s.wants(s.do(request{url: "http://a.example/", fields: "X-Forwarded-Proto: https"}), 302, "Location: https://a.example/app")
	s.wants(s.do(request{url: "http://a.example/x", fields: "X-Forwarded-Proto: http\nX-Forwarded-Host: front.example"}), 308, "Location: https://front.example/x")
}

// The solver of cert-manager has an Ingress of its own beside that of the application,
// while that one redirects to https.
func TestT2ChallengesAreServedInClearText(t *testing.T) {
	solver := ingress("cm-acme-http-solver-x7k2p", "shop.example", "whitelist-source-range: 0.0.0.0/0,::/0",
		"/.well-known/acme-challenge/f4k3-T0ken_ any solver")
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "solver": nil},
		tlsBlock(ingress("shop", "shop.example", "ssl-redirect: true\nforce-ssl-redirect: true", "/ prefix app"), "shop.example", "shop-tls")+solver)
	s.wants(s.get("http://shop.example/.well-known/acme-challenge/f4k3-T0ken_"), 200, "X-Backend: solver")
	s.wants(s.get("http://shop.example/"), 308)
	s.wants(s.get("http://shop.example/.well-known/acme-challenge/other"), 308)
}

func TestT3TrailingSlash(t *testing.T) {
	s := serve(t, nginx, app,
		tlsBlock(ingress("a", "a.example", "", "/ prefix app"), "a.example", "missing")+
			tlsBlock(ingress("b", "b.example", "preserve-trailing-slash: true", "/ prefix app"), "b.example", "missing"))
	s.wants(s.get("http://a.example/x/"), 308, "Location: https://a.example/x")
	s.wants(s.get("http://a.example/x/?q"), 308, "Location: https://a.example/x/?q")
	s.wants(s.get("http://b.example/x/"), 308, "Location: https://b.example/x/")
	s.wants(s.do(request{url: "http://a.example/x", fields: "Host: a.example:8080"}), 308, "Location: https://a.example/x")
}

func TestT4FromToWWW(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app,
			ingress("a", "a.example", "from-to-www-redirect: true", "/ prefix app")+
				ingress("b", "www.b.example", "from-to-www-redirect: true", "/ prefix nobody")+
				ingress("c", "c.example", "from-to-www-redirect: true", "/ prefix app")+
				ingress("d", "www.c.example", "", "/ prefix app"))
		s.wants(s.get("http://www.a.example/x/?y"), 308, "Location: http://a.example:80/x/?y")
		s.wants(s.get("https://www.a.example/x/"), 308, "Location: https://a.example:443/x")
		s.wants(s.get("http://a.example/"), 200)
		s.wants(s.get("http://b.example/x"), 308, "Location: http://www.b.example:80/x")
		s.wants(s.get("http://www.c.example/"), 200) // has an Ingress
	})
}

// The other name has the certificate of the host where that covers it.
func TestT4Certificates(t *testing.T) {
	s := serve(t, nginx, app, secret("both", "a.example", "www.a.example")+secret("one", "b.example")+
		tlsBlock(ingress("a", "a.example", "from-to-www-redirect: true", "/ prefix app"), "a.example", "both")+
		tlsBlock(ingress("b", "b.example", "from-to-www-redirect: true", "/ prefix app"), "b.example", "one"))
	s.shows("www.a.example", "a.example")
	s.shows("www.b.example", fake)
	s.wants(s.get("https://www.a.example/"), 308, "Location: https://a.example:443")
}

func TestT8HSTS(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{
		"app": nil,
		"own": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Strict-Transport-Security", "max-age=1") }),
	}, ingress("a", "a.example", "", "/ prefix app\n/own prefix own\n/none prefix nobody")+
		ingress("b", "b.example", "permanent-redirect: https://c.example", "/ prefix app"))
	const field = "Strict-Transport-Security: max-age=31536000; includeSubDomains"
	s.wants(s.get("https://a.example/"), 200, field)
	s.wants(s.get("https://a.example/own"), 200, field)
	s.wants(s.get("https://a.example/none"), 503, field)
	s.wants(s.get("https://b.example/"), 301, field)
	s.wants(s.get("http://a.example/"), 200, "Strict-Transport-Security: ")
}

// The ConfigMap sets what holds for all.
func TestT8ConfigMap(t *testing.T) {
	s := serve(t, nginx, app,
		configMap("hsts-max-age: 60\nhsts-include-subdomains: false\nhsts-preload: true\nhttp-redirect-code: 301\nforce-ssl-redirect: true\nno-tls-redirect-locations: /open, /free")+
			ingress("a", "a.example", "", "/ prefix app\n/open prefix app"), withConfigMap)
	s.wants(s.get("https://a.example/"), 200, "Strict-Transport-Security: max-age=60; preload")
	s.wants(s.get("http://a.example/x"), 301, "Location: https://a.example/x")
	s.wants(s.get("http://a.example/open"), 200)
}

func TestR1VariablesInRedirects(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app,
			ingress("a", "a.example", "permanent-redirect: https://b.example$request_uri", "/ prefix app")+
				ingress("b", "b.example", "temporal-redirect: https://$host", "/ prefix app"))
		s.wants(s.get("http://a.example/"), 404)
		s.wants(s.get("http://b.example/"), 404)
	})
}

// Redirects to a URL come before everything but app-root, and need no Service.
func TestRedirectsToURLs(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app,
			tlsBlock(ingress("a", "a.example", "permanent-redirect: https://new.example/x?y\napp-root: /app", "/ prefix nobody"), "a.example", "missing")+
				ingress("b", "b.example", "permanent-redirect: https://new.example\npermanent-redirect-code: 308\ntemporal-redirect: http://maintenance.example", "/ prefix app")+
				ingress("c", "c.example", "permanent-redirect: https://new.example\npermanent-redirect-code: 308", "/ prefix app")+
				ingress("d", "d.example", "temporal-redirect: https://new.example\ntemporal-redirect-code: 307", "/ prefix app"))
		s.wants(s.get("http://a.example/z"), 301, "Location: https://new.example/x?y")
		s.wants(s.get("http://a.example/"), 302, "Location: http://a.example/app")
		s.wants(s.get("https://a.example/?q"), 302, "Location: https://a.example/app")
		s.wants(s.get("http://b.example/"), 302, "Location: http://maintenance.example")
		s.wants(s.do(request{method: "POST", url: "http://c.example/", body: "text"}), 308, "Location: https://new.example")
		s.wants(s.get("http://d.example/"), 307, "Location: https://new.example")
	})
}

// What serves / may be a pattern, as where paths are rewritten.
func TestAppRootOfAHostWithPatterns(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app,
			ingress("all", "all.example", "use-regex: true\nrewrite-target: /$1\napp-root: /ui", "/(.*) any app")+
				ingress("below", "below.example", "use-regex: true\nrewrite-target: /$2\napp-root: /x/ui", "/x(/|$)(.*) any app")+
				ingress("plain", "other.example", "use-regex: true", "/.* any app")+
				ingress("root", "other.example", "app-root: /y", "/y prefix app"))
		s.wants(s.get("http://all.example/?q"), 302, "Location: http://all.example/ui")
		s.wants(s.get("http://all.example/ui"), 200, "X-Backend: app")
		s.wants(s.get("http://below.example/"), 302, "Location: http://below.example/x/ui")
		s.wants(s.get("http://below.example/x"), 200)
		s.wants(s.get("http://other.example/"), 302, "Location: http://other.example/y")
		s.wants(s.get("http://other.example/x"), 200)
	})
}

// app-root holds on a host, whichever rules its Ingress has there.
func TestAppRootWithoutARootPath(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app,
			ingress("z", "a.example", "", "/shop prefix app")+ingress("a", "a.example", "app-root: /shop", "/x prefix app"))
		s.wants(s.get("http://a.example/"), 302, "Location: http://a.example/shop")
		s.wants(s.get("http://a.example/shop"), 200)
		s.wants(s.get("http://a.example/y"), 404)
	})
}
