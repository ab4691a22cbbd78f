package filter

import (
	"crypto/tls"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// ask makes an exchange of a request line's target and a Host, over TLS or not.
func ask(t testing.TB, target, host string, secure bool) (*message.Exchange, *State) {
	t.Helper()
	ex := &message.Exchange{Mem: alloc.Take(alloc.Arena), Session: new(message.Session)}
	t.Cleanup(ex.Mem.Release)
	head := "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	if host == "" {
		head = "GET " + target + " HTTP/1.0\r\n\r\n"
	}
	if target == "*" {
		head = "OPTIONS" + head[len("GET"):]
	}
	limits := http11.DefaultLimits()
	var scan http11.HeadScanner
	if _, err := scan.Scan([]byte(head), &limits); err != nil {
		t.Fatal(err)
	}
	if err := http11.ParseRequest(&ex.Request, []byte(head), &limits); err != nil {
		t.Fatal(err)
	}
	if secure {
		ex.TLS = new(tls.ConnectionState)
	}
	path, err := http11.NormalizePath(nil, ex.Request.Path)
	if err != nil {
		t.Fatal(err)
	}
	return ex, &State{Path: path, Secured: NewNames([]string{"shop.example", "*.wild.example"})}
}

// chainOn compiles filters for a route.
func chainOn(t testing.TB, path string, f model.Filters) Chain {
	t.Helper()
	c, err := Compile(&Settings{Filters: f, Path: path, Shared: new(Shared)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRedirects(t *testing.T) {
	https := model.Filters{HTTPS: model.HTTPSRedirect{On: true, Exempt: "/.well-known/acme-challenge"}}
	force := model.Filters{HTTPS: model.HTTPSRedirect{Force: true, KeepSlash: true, Code: 301, Port: 8443}}
	www := model.Filters{Redirect: model.Redirect{Host: "shop.example", Code: 308}}
	slash := model.Redirect{AddSlash: true, Code: 301}
	root := model.Filters{AppRoot: model.AppRoot{Path: "/app?x=1"}, HTTPS: https.HTTPS, Redirect: model.Redirect{URL: "https://new.example/", Code: 301}}
	relative, port := slash, slash
	relative.Relative, port.Port = true, true
	for _, c := range []struct {
		name, route, target, host string
		secure                    bool
		forwarded                 variable.Forwarded
		filters                   model.Filters
		status                    int // 0: it passes
		location                  string
	}{
		{name: "T1 a host with TLS", target: "/a?b=c", host: "Shop.example:8080", filters: https, status: 308, location: "https://Shop.example/a?b=c"},
		{name: "T1 a wildcard with TLS", target: "/a", host: "x.wild.example", filters: https, status: 308, location: "https://x.wild.example/a"},
		{name: "T1 a wildcard is one label", target: "/a", host: "y.x.wild.example", filters: https},
		{name: "T1 a host without", target: "/a", host: "other.example", filters: https},
		{name: "over TLS", target: "/a", host: "shop.example", secure: true, filters: https},
		{name: "TLS ends in front", target: "/a", host: "shop.example", filters: https, forwarded: variable.Forwarded{Scheme: []byte("https")}},
		{name: "a host in front", target: "/a", host: "shop.example", filters: https, forwarded: variable.Forwarded{Scheme: []byte("http"), Host: []byte("front.example:81")}, status: 308, location: "https://front.example/a"},
		{name: "T2 the route is exempt", route: "/.well-known/acme-challenge/x", target: "/.well-known/acme-challenge/x", host: "shop.example", filters: https},
		{name: "T2 the path alone is not", target: "/.well-known/acme-challenge/x", host: "shop.example", filters: https, status: 308, location: "https://shop.example/.well-known/acme-challenge/x"},
		{name: "T3 a slash is lost", target: "/a/", host: "shop.example", filters: https, status: 308, location: "https://shop.example/a"},
		{name: "T3 one slash", target: "/a//", host: "shop.example", filters: https, status: 308, location: "https://shop.example/a/"},
		{name: "T3 the root", target: "/", host: "shop.example", filters: https, status: 308, location: "https://shop.example"},
		{name: "T3 not one of a query", target: "/a?next=/b/", host: "shop.example", filters: https, status: 308, location: "https://shop.example/a?next=/b/"},
		{name: "force", target: "/a/", host: "other.example", filters: force, status: 301, location: "https://other.example:8443/a/"},
		{name: "an address", target: "/", host: "[2001:db8::1]:80", filters: force, status: 301, location: "https://[2001:db8::1]:8443/"},
		{name: "as received", target: "/%61/../b", host: "other.example", filters: force, status: 301, location: "https://other.example:8443/%61/../b"},
		{name: "no host", target: "/a", filters: force},
		{name: "the server", target: "*", host: "shop.example", filters: https, status: 308, location: "https://shop.example"},

		{name: "T4 port and scheme", target: "/a/?b", host: "www.shop.example", filters: www, status: 308, location: "http://shop.example:80/a/?b"},
		{name: "T4 over TLS", target: "/a/", host: "www.shop.example", secure: true, filters: www, status: 308, location: "https://shop.example:443/a"},
		{name: "T4 the client's port", target: "/", host: "www.shop.example:8080", filters: www, status: 308, location: "http://shop.example:8080"},
		{name: "T4 the port in front", target: "/", host: "www.shop.example", forwarded: variable.Forwarded{Scheme: []byte("https"), Port: []byte("8443")}, filters: www, status: 308, location: "https://shop.example:8443"},

		{name: "P5", target: "/a?b=c", host: "shop.example:8080", filters: model.Filters{Redirect: slash}, status: 301, location: "http://shop.example/a/?b=c"},
		{name: "P5 relative", target: "/a?b=c", host: "shop.example", filters: model.Filters{Redirect: relative}, status: 301, location: "/a/?b=c"},
		{name: "P5 with its port", target: "/a", host: "shop.example:8080", filters: model.Filters{Redirect: port}, status: 301, location: "http://shop.example:8080/a/"},
		{name: "P5 with the usual port", target: "/a", host: "shop.example:443", secure: true, filters: model.Filters{Redirect: port}, status: 301, location: "https://shop.example/a/"},
		{name: "P5 in normal form", target: "/%61", host: "shop.example", filters: model.Filters{Redirect: slash}, status: 301, location: "http://shop.example/a/"},

		{name: "app-root first", target: "/?q", host: "shop.example:8080", filters: root, status: 302, location: "http://shop.example:8080/app?x=1"},
		{name: "app-root at / only", target: "/x", host: "shop.example", filters: root, status: 301, location: "https://new.example/"},
		{name: "app-root on another route", route: "/x", target: "/", host: "shop.example", filters: root, status: 301, location: "https://new.example/"},
		{name: "app-root without host", target: "/", filters: root, status: 302, location: "/app?x=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.route == "" {
				c.route = "/"
			}
			ex, s := ask(t, c.target, c.host, c.secure)
			s.Forwarded = c.forwarded
			chain := chainOn(t, c.route, c.filters)
			passed := Run(chain.Early, ex, s)
			if passed != (c.status == 0) || s.Reply.Status != c.status || string(s.Reply.Location) != c.location {
				t.Errorf("passed %v, reply %d %q; want %d %q", passed, s.Reply.Status, s.Reply.Location, c.status, c.location)
			}
		})
	}
}

func TestT8HSTS(t *testing.T) {
	chain := chainOn(t, "/", model.Filters{HSTS: model.HSTS{On: true, MaxAge: 31536000, IncludeSubdomains: true, Preload: true}})
	for secure, want := range map[bool]string{true: "max-age=31536000; includeSubDomains; preload", false: "max-age=1"} {
		ex, s := ask(t, "/", "shop.example", secure)
		ex.Response.Fields.Reset(nil)
		ex.Response.Fields.AddName(strictTransportSecurity, []byte("max-age=1")) // the endpoint's
		chain.Response(ex, s)
		got, _ := ex.Response.Fields.Lookup(strictTransportSecurity)
		if string(got) != want || ex.Response.Fields.Len() > 2 {
			t.Errorf("over TLS %v: %q, want %q", secure, got, want)
		}
	}
}

// What passes costs nothing, and what is redirected no more than the exchange's memory.
func TestRedirectsDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	filters := model.DefaultFilters(model.ProfileNginx)
	filters.AppRoot.Path = "/app"
	chain := chainOn(t, "/", filters)
	for _, c := range []struct {
		target string
		secure bool
	}{{"/a", true}, {"/a", false}, {"/", false}} {
		ex, s := ask(t, c.target, "shop.example", c.secure)
		allocs := testing.AllocsPerRun(100, func() {
			Run(chain.Early, ex, s)
			ex.Mem.Free(s.Reply.Location)
			ex.Response.Fields.Reset(nil)
			chain.Response(ex, s)
			s.Reply = Reply{}
		})
		if allocs != 0 {
			t.Errorf("%s over TLS %v: %v allocations", c.target, c.secure, allocs)
		}
	}
}
