package dropin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// shop is the host of the tests here.
const shop = "http://shop.example"

// goes checks which backend a path is served by, and what that is asked for. The backend
// may be a status.
func (s *site) goes(path, backend, target string) {
	s.t.Helper()
	status, got := s.ask("GET", "shop.example", path)
	if fmt.Sprint(status) == backend {
		return
	}
	if status != http.StatusOK || got.Backend != backend || got.Target != target {
		s.t.Errorf("%s: status %d from %q, which was asked for %q; want %q and %q", path, status, got.Backend, got.Target, backend, target)
	}
}

// ask sends a request target as it is, which a client of package http would change.
func (s *site) ask(method, host, target string) (status int, e echo) {
	s.t.Helper()
	a := s.raw(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
	return a.status, a.echo
}

func TestP1OnePatternMakesPatternsOfAllPathsOfTheHost(t *testing.T) {
	backends := map[string]http.Handler{"a": nil, "b": nil, "c": nil}
	s := serve(t, nginx, backends,
		ingress("regex", "shop.example", "use-regex: true\nssl-redirect: false", "/v[0-9]+/x any a")+
			ingress("plain", "shop.example", "ssl-redirect: false", "/cart exact b\n/pay.me prefix b\n/ prefix c")+
			ingress("other", "other.example", "ssl-redirect: false", "/cart exact b"))
	s.goes("/v12/x/y", "a", "/v12/x/y")
	s.goes("/V12/X", "a", "/V12/X")
	s.goes("/v/x", "c", "/v/x")
	s.goes("/CART", "b", "/CART")       // an exact path, in any case
	s.goes("/carts/1", "b", "/carts/1") // and as a prefix
	s.goes("/payXme", "b", "/payXme")   // and metacharacters are live
	s.goes("/x/cart", "c", "/x/cart")
	if status, _ := s.ask("GET", "other.example", "/CART"); status != 404 {
		t.Errorf("another host: %d", status)
	}
}

func TestP2TheLongestPatternIsTriedFirst(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil, "c": nil, "d": nil},
		ingress("short", "shop.example", "use-regex: true", "/.* any a\n/api/.* any b")+
			ingress("long", "shop.example", "use-regex: true", "/api/v[0-9]+/users any c\n/bpi/.* any d"))
	s.goes("/api/v1/users", "c", "/api/v1/users")
	s.goes("/api/v1/items", "b", "/api/v1/items")
	s.goes("/bpi/x", "d", "/bpi/x")
	s.goes("/", "a", "/")
}

func TestP3AndP4PrefixesOfElementsAndOfBytes(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil, "c": nil},
		ingress("plain", "shop.example", "", "/foo prefix a\n/bar any a\n/ prefix c")+
			ingress("regex", "regex.example", "use-regex: true", "/foo any b\n/ any c"))
	s.goes("/foo/x", "a", "/foo/x")
	s.goes("/foobar", "c", "/foobar")
	s.goes("/barfoo", "c", "/barfoo")
	s.goes("/FOO", "c", "/FOO")
	if _, e := s.ask("GET", "regex.example", "/foobar"); e.Backend != "b" {
		t.Errorf("a pattern /foo: /foobar goes to %q", e.Backend)
	}
}

func TestP6PathsAreDecodedAndNormalisedBeforePatternsAreTried(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil, "c": nil},
		ingress("plain", "shop.example", "", "/ prefix c")+
			ingress("regex", "shop.example", "use-regex: true", "/api/(.*)[0-9]$ any a")+
			ingress("rewrite", "shop.example", "rewrite-target: /new/$1", "/old/(.*) any b"))
	s.goes("/api/%78%31", "a", "/api/x1")
	s.goes("/x/../api/1", "a", "/api/1")
	s.goes("/x/%2e%2e/api/1", "a", "/api/1")
	s.goes("/api/caf%C3%A9%201", "a", "/api/caf%C3%A9%201") // as it came
	s.goes("//api/1", "a", "/api/1")                        // as it was routed
	s.goes("/api//1", "a", "/api//1")                       // both readings are the same route
	s.goes("/old/caf%c3%a9%20%25%3f", "b", "/new/caf%C3%A9%20%25%3F")
	s.goes("/old//a//b", "b", "/new/a/b")
	s.goes("/old/a%2Fb", "b", "/new/a/b") // as nginx does
	s.goes("/old/x?a=b%2F&c", "b", "/new/x?a=b%2F&c")
	s.goes("/old/%0Ax", "400", "")
	s.goes("/old/%00x", "400", "")
}

func TestP12RewriteWithGroups(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil, "c": nil, "d": nil},
		ingress("usual", "shop.example", "use-regex: true\nrewrite-target: /$2\nx-forwarded-prefix: /api", "/api(/|$)(.*) any a")+
			ingress("optional", "shop.example", "rewrite-target: /x/$1$2-$9", "/opt(/a)?(/b)? any b")+
			ingress("variable", "shop.example", "rewrite-target: /$namespace/$host/$1", "/var/(.*) any c")+
			ingress("whole", "shop.example", "rewrite-target: /one", "/whole prefix d")+
			ingress("dots", "shop.example", "rewrite-target: /files/$1", "/static(.*) any d"))
	s.goes("/api", "a", "/")
	s.goes("/api/", "a", "/")
	s.goes("/API/v1/x?y=z", "a", "/v1/x?y=z")
	s.goes("/apis", "404", "")
	s.goes("/opt", "b", "/x/-") // an unmatched group is empty
	s.goes("/opt/b", "b", "/x//b-")
	s.goes("/opt/a/b/c", "b", "/x//a/b-")
	s.goes("/var/x%20y", "c", "/default/shop.example/x%20y")
	s.goes("/whole/of/it", "d", "/one")
	s.goes("/static/a", "d", "/files//a")
	s.goes("/static../secret", "400", "") // would be /files/../secret
	if _, e := s.ask("GET", "shop.example", "/api/x"); e.Fields.Get("X-Forwarded-Prefix") != "/api" {
		t.Errorf("X-Forwarded-Prefix is %q", e.Fields.Get("X-Forwarded-Prefix"))
	}
	a := s.do(request{url: shop + "/opt", fields: "X-Forwarded-Prefix: /mine"})
	if a.echo.Fields.Get("X-Forwarded-Prefix") != "/mine" {
		t.Errorf("without the annotation X-Forwarded-Prefix is %q", a.echo.Fields.Get("X-Forwarded-Prefix"))
	}
	a = s.do(request{url: shop + "/api", fields: "X-Forwarded-Prefix: /mine"})
	if got := a.echo.Fields.Values("X-Forwarded-Prefix"); len(got) != 1 || got[0] != "/api" {
		t.Errorf("with the annotation X-Forwarded-Prefix is %q", got)
	}
}

func TestP12AURLIsARedirect(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"a": nil},
			ingress("a", "shop.example", "use-regex: true\nrewrite-target: https://new.example/x/$1", "/old/(.*) any a"))
		s.wants(s.get(shop+"/old/caf%C3%A9/%22?q=1"), 302, "Location: https://new.example/x/caf%C3%A9/%22?q=1")
		s.wants(s.get(shop+"/old/"), 302, "Location: https://new.example/x/")
	})
}

func TestR1AQuestionMarkInARewriteIsIgnored(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil},
		ingress("a", "shop.example", "rewrite-target: /x?y=$1", "/old prefix a"))
	s.goes("/old/x", "a", "/old/x")
	s.goes("/OLD/x", "404", "")
}

func TestR3ARewriteWithoutARootPathMakesPatternsToo(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil},
		ingress("a", "shop.example", "rewrite-target: /cart", "/cart prefix a"))
	s.goes("/CARTS", "a", "/CARTS") // the rewrite has no effect: it is the path
}

func TestUseRegexGovernsItsOwnIngressInTheProfileKubernetes(t *testing.T) {
	s := serve(t, kubernetes, map[string]http.Handler{"a": nil, "b": nil, "c": nil},
		ingress("regex", "shop.example", "use-regex: true\nrewrite-target: /$2", "/api(/|$)(.*) any a\n/x prefix a")+
			ingress("all", "shop.example", "use-regex: true", "/(.*) any c")+
			ingress("plain", "shop.example", "", "/cart prefix b\n/api/v1 exact b\n/api/v2 prefix b"))
	s.goes("/API/x", "a", "/x")
	s.goes("/x/y", "a", "/") // a prefix: its path has no groups
	s.goes("/X/y", "c", "/X/y")
	s.goes("/cart/1", "b", "/cart/1")
	s.goes("/carts", "c", "/carts")
	s.goes("/CART", "c", "/CART")
	s.goes("/api/v1", "b", "/api/v1")
	s.goes("/api/v1/x", "a", "/v1/x")
	s.goes("/api/v2/x", "b", "/api/v2/x")
}

func TestAPatternThatCannotBeMatchedFailsClosed(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"a": nil, "b": nil},
			ingress("refused", "shop.example", "use-regex: true", "/admin/(?!public).* any a")+
				ingress("plain", "shop.example", "", "/ prefix b\n/admin/public/index.html prefix b"))
		s.goes("/admin/secret", "503", "")
		s.goes("/ADMIN/secret", "503", "")
		s.goes("/admin/public/index.html", "b", "/admin/public/index.html")
		s.goes("/x", "b", "/x")
	})
}

// A path has one route, however an application reads it.
func TestNoReadingOfAPathLeadsAroundAProtection(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"open": nil, "closed": nil},
			ingress("open", "shop.example", "", "/ prefix open\n/public prefix open")+
				ingress("closed", "shop.example", "enable-modsecurity: true", "/admin prefix closed"))
		for _, path := range []string{
			"/admin", "/admin/x", "//admin", "/public/../admin", "/public/%2e%2e/admin", "/./admin", "///admin//x", "/%61dmin", "/public//../..//admin",
		} {
			s.goes(path, "503", "")
		}
		for _, path := range []string{
			"/%2Fadmin", "/%2fadmin", "/%5Cadmin", `/\admin`, "/public%2F..%2Fadmin", "/public/..%2Fadmin", "/public/..%5cadmin", `/public/..\admin`,
			"/public/..;/admin", "/public/..;x=y/admin", "/public/..%3B/admin", "/admin%2Fx/../../%2Fadmin", "/admin%00", "/public/%2e%2e%2Fadmin",
			"/admin%2Fx", `/admin\x`, "/;/admin", "/;a=b/admin/x", "/admin;a", "/admin;a/x", "/admin%3Ba", "//;/admin",
		} {
			s.goes(path, "400", "")
		}
		for _, path := range []string{"/a%2Fb", "/public/a%2Fb%5C", "/public//x", "/public/%252e%252e/admin", "/public;v=1/admin", "/public/a;b"} {
			s.goes(path, "open", path)
		}
	})
}

func TestUpstreamVhost(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"a": nil},
			ingress("fixed", "shop.example", "upstream-vhost: internal.example:8080", "/fixed prefix a")+
				ingress("variable", "shop.example", "upstream-vhost: $http_x_tenant.internal.example", "/variable prefix a"))
		if a := s.get(shop + "/fixed"); a.echo.Host != "internal.example:8080" || a.echo.Fields.Get("X-Forwarded-Host") != "shop.example" {
			t.Errorf("Host is %q, X-Forwarded-Host %q", a.echo.Host, a.echo.Fields.Get("X-Forwarded-Host"))
		}
		if a := s.do(request{url: shop + "/variable", fields: "X-Tenant: one"}); a.echo.Host != "one.internal.example" {
			t.Errorf("Host is %q", a.echo.Host)
		}
		s.wants(s.do(request{url: shop + "/variable", fields: "X-Tenant: one/two"}), 400)
		s.wants(s.do(request{url: shop + "/variable", fields: "X-Tenant: one two"}), 400)
	})
}

// The right one of several patterns and prefixes is served while others are denied or have
// no endpoints.
func TestP2AShorterPathDoesNotTakeWhatALongerOneHas(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil},
		ingress("short", "shop.example", "rewrite-target: /s/$1", "/app/(.*) any a")+
			ingress("long", "shop.example", "rewrite-target: /l/$1", "/app/users/(.*) any b")+
			ingress("none", "shop.example", "", "/app/users/none prefix missing"))
	s.goes("/app/users/1", "b", "/l/1")
	s.goes("/app/user", "a", "/s/user")
	s.goes("/app/users/none", "503", "")
}

func TestExplainTellsOfPatterns(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"a": nil, "b": nil},
		ingress("a", "shop.example", "use-regex: true", "/api(/|$)(.*) any a\n/other/[0-9]+ any a")+
			ingress("b", "shop.example", "", "/ prefix b"))
	text := s.explain("http://shop.example/api/x")
	for _, want := range []string{
		"route  /api(/|$)(.*)  pattern", "it is the first pattern that matches",
		"/  pattern  default/b:80", "pattern comes later than /api(/|$)(.*)", "/other/[0-9]+", "pattern does not match the path",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if text := s.explain("http://shop.example/api%2Fx"); !strings.Contains(text, "is answered 400: the path has an encoded slash") {
		t.Error(text)
	}
}
