package dropin

import (
	"net/http"
	"strings"
	"testing"
)

func TestP5AddsASlash(t *testing.T) {
	paths := "/a/ prefix app\n/b/ exact app\n/c/ prefix app\n/c prefix other\n/ prefix app"
	backends := map[string]http.Handler{"app": nil, "other": nil}
	s := serve(t, nginx, backends, ingress("a", "a.example", "", paths)+
		ingress("r", "r.example", "relative-redirects: true", "/a/ prefix app")+
		ingress("p", "p.example", "use-port-in-redirects: true", "/a/ prefix nobody"))
	s.wants(s.get("http://a.example/a?q"), 301, "Location: http://a.example/a/?q")
	s.wants(s.get("https://a.example/a"), 301, "Location: https://a.example/a/")
	s.wants(s.get("http://a.example/a/"), 200)
	s.wants(s.get("http://a.example/a/x"), 200)
	s.wants(s.get("http://a.example/b"), 301, "Location: http://a.example/b/")
	s.wants(s.get("http://a.example/c"), 200)
	s.wants(s.get("http://r.example/a"), 301, "Location: /a/")
	s.wants(s.do(request{url: "http://p.example/a", fields: "Host: p.example:8080"}), 301, "Location: http://p.example:8080/a/")

	k := serve(t, kubernetes, backends, ingress("a", "a.example", "", "/a/ prefix app\n/b/ exact app"))
	k.wants(k.get("http://a.example/a"), 200)
	k.wants(k.get("http://a.example/b"), 404)
}

func TestP7HostWithoutARootPath(t *testing.T) {
	ingresses := tlsBlock(ingress("z", "a.example", "", "/app prefix app"), "a.example", "missing") +
		ingress("a", "a.example", "ssl-redirect: false", "/b prefix app")
	s := serve(t, nginx, app, ingresses)
	s.wants(s.get("http://a.example/x"), 308, "Location: https://a.example/x") // as the oldest Ingress says
	s.wants(s.get("https://a.example/x"), 404)
	s.wants(s.get("http://a.example/b"), 200)

	s = serve(t, nginx, map[string]http.Handler{"app": nil, "default": nil}, ingresses, "--default-backend-service", "default/default")
	s.wants(s.get("http://a.example/x"), 308)
	s.wants(s.get("https://a.example/x"), 200, "X-Backend: default")
	s.wants(s.get("http://other.example/x"), 200, "X-Backend: default")
}

func TestP8OldestPathWins(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "other": nil, "exact": nil},
		ingress("b", "a.example", "", "/x prefix app")+ // the first of a file counts as the oldest
			ingress("a", "a.example", "", "/x prefix other\n/x exact exact"))
	s.wants(s.get("http://a.example/x/y"), 200, "X-Backend: app")
	s.wants(s.get("http://a.example/x"), 200, "X-Backend: exact") // another type is another path
}

func TestP9OldestAliasesWin(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "other": nil},
		ingress("b", "a.example", "server-alias: b.example, *.c.example,real.example,~^regex\\.example$", "/ prefix app")+
			ingress("a", "a.example", "server-alias: d.example", "/d prefix app")+
			ingress("r", "real.example", "", "/ prefix other"))
	for url, backend := range map[string]string{
		"http://a.example/": "app", "http://b.example/d": "app", "https://x.c.example/": "app", "http://real.example/": "other",
	} {
		s.wants(s.get(url), 200, "X-Backend: "+backend)
	}
	s.wants(s.get("http://d.example/"), 404)
	s.wants(s.get("http://c.example/"), 404)
}

// A name with a certificate that covers its aliases redirects them too.
func TestP9AliasesHaveTheCertificateOfTheirHost(t *testing.T) {
	s := serve(t, nginx, app, secret("both", "a.example", "b.example")+
		tlsBlock(ingress("a", "a.example", "server-alias: b.example,c.example", "/ prefix app"), "a.example", "both"))
	s.wants(s.get("http://b.example/x"), 308, "Location: https://b.example/x")
	s.wants(s.get("http://c.example/x"), 200)
	s.shows("b.example", "a.example")
	s.shows("c.example", fake)
}

// What the webhook of ingress-nginx would refuse today may be stored since long, and is
// served as it is written.
func TestP10UnusualPaths(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil, "literal": nil}, ingress("a", "a.example", "",
			"/ prefix app\n/api/(.*) prefix literal\n/~y exact literal\n/z:1,2 exact literal\n/caf%C3%A9 prefix literal"))
		for path, backend := range map[string]string{
			"/~y": "literal", "/~y/x": "app", "/z:1,2": "literal", "/api/(.*)/x": "literal", "/api/x": "app", "/caf%c3%a9/x": "literal",
		} {
			if _, e := s.ask("GET", "a.example", path); e.Backend != backend {
				t.Errorf("%s goes to %q, want %q", path, e.Backend, backend)
			}
		}
	})
}

func TestP11Wildcards(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil, "exact": nil, "any": nil},
			ingress("w", "*.a.example", "", "/ prefix app")+ingress("e", "x.a.example", "", "/ prefix exact")+ingress("any", "", "", "/ prefix any"))
		s.wants(s.get("http://y.a.example/"), 200, "X-Backend: app")
		s.wants(s.get("http://Y-1.A.example:8080/"), 200, "X-Backend: app")
		s.wants(s.get("http://x.a.example/"), 200, "X-Backend: exact")
		s.wants(s.get("http://z.y.a.example/"), 200, "X-Backend: any")
		s.wants(s.get("http://a.example/"), 200, "X-Backend: any")
	})
}

func TestP13OnlyServicesAreBackends(t *testing.T) {
	s := serve(t, nginx, app, strings.Replace(ingress("a", "a.example", "", "/ prefix app\n/r prefix SERVICE"),
		"{service: {name: SERVICE, port: {number: 80}}}", "{resource: {kind: Bucket, name: files}}", 1))
	s.wants(s.get("http://a.example/r"), 200, "X-Backend: app")
}

func TestU5NoEndpoints(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, "---"+service("empty")+ingress("a", "a.example", "", "/ prefix app\n/empty prefix empty\n/none prefix nobody")+
			strings.Replace(ingress("b", "b.example", "", "/x prefix app"), "number: 80", "number: 81", 1))
		s.wants(s.get("http://a.example/empty"), 503)
		s.wants(s.get("http://a.example/none"), 503)
		s.wants(s.get("http://b.example/x"), 503) // no such port
		s.wants(s.get("http://b.example/y"), 404)
		s.wants(s.get("http://other.example/"), 404)
	})
}

func TestU6OnlyReadyCounts(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, nil, ingress("a", "a.example", "", "/unready prefix unready\n/ending prefix ending\n/silent prefix silent\n/two prefix two"))
		for name, conditions := range map[string]string{
			"unready": "{ready: false, serving: true}",
			"ending":  "{ready: true, serving: true, terminating: true}", // a Service with publishNotReadyAddresses
			"silent":  "{}",
		} {
			s.write(name+".yaml", strings.Replace(service(name, startBackend(t, echoes(name))), "{ready: true}", conditions, 1))
		}
		s.write("two.yaml", strings.Replace(service("two", startBackend(t, echoes("drained")), startBackend(t, echoes("ready"))),
			"{ready: true}", "{ready: false, serving: true, terminating: true}", 1))
		for _, path := range []string{"/silent", "/ending", "/two"} {
			s.eventually("routes", func() bool { return s.get("http://a.example"+path).status == 200 })
		}
		s.wants(s.get("http://a.example/unready"), 503)
		for range 4 {
			s.wants(s.get("http://a.example/two"), 200, "X-Backend: ready")
		}
	})
}
