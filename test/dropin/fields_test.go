package dropin

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// answers serves a response with these fields, "Name: value" on lines.
func answers(fields string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for line := range strings.Lines(fields) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				w.Header().Add(name, value)
			}
		}
		_, _ = io.WriteString(w, "hello")
	})
}

func TestCORS(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{
			"app":  nil,
			"cors": answers("Access-Control-Allow-Origin: https://theirs\nAccess-Control-Allow-Methods: THEIRS\n"),
		},
			ingress("app", "app.example", "enable-cors: true\ncors-allow-origin: https://a.example,https://*.b.example\ncors-expose-headers: X-One\ncors-max-age: 7", "/ prefix app")+
				ingress("theirs", "theirs.example", "enable-cors: true\ncors-allow-origin: https://a.example", "/ prefix cors")+
				ingress("all", "all.example", "enable-cors: true", "/ prefix app\n/none prefix none")+
				ingress("to", "to.example", "enable-cors: true\npermanent-redirect: https://elsewhere.example", "/ prefix app"))
		const defaults = "Access-Control-Allow-Methods: GET, PUT, POST, DELETE, PATCH, OPTIONS"

		for _, origin := range []string{"https://a.example", "https://x.b.example"} {
			a := s.do(request{method: "OPTIONS", url: "http://app.example/a", fields: "Origin: " + origin + "\nAccess-Control-Request-Method: PUT"})
			s.wants(a, 204, "Access-Control-Allow-Origin: "+origin, "Access-Control-Allow-Credentials: true", defaults,
				"Access-Control-Max-Age: 7", "Access-Control-Expose-Headers: X-One", "Vary: Origin", "X-Backend: ",
				"Content-Type: text/plain; charset=utf-8")
			a = s.do(request{url: "http://app.example/a", fields: "Origin: " + origin})
			s.wants(a, 200, "Access-Control-Allow-Origin: "+origin, defaults, "Access-Control-Max-Age: ", "Vary: Origin", "X-Backend: app")
		}

		// Another origin is the endpoint's business.
		a := s.do(request{method: "OPTIONS", url: "http://app.example/a", fields: "Origin: https://c.example"})
		s.wants(a, 200, "Access-Control-Allow-Origin: ", "X-Backend: app", "Vary: Origin")
		a = s.do(request{url: "http://theirs.example/", fields: "Origin: https://c.example"})
		s.wants(a, 200, "Access-Control-Allow-Origin: https://theirs", "Access-Control-Allow-Methods: THEIRS")
		a = s.do(request{url: "http://theirs.example/", fields: "Origin: https://a.example"})
		s.wants(a, 200, "Access-Control-Allow-Origin: https://a.example", defaults)
		if n := len(a.fields.Values("Access-Control-Allow-Origin")); n != 1 {
			t.Errorf("%d fields Access-Control-Allow-Origin", n)
		}

		// All origins: literally, also with credentials, and on answers of the proxy's own.
		s.wants(s.do(request{method: "OPTIONS", url: "http://all.example/"}), 204, "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true", "Vary: ")
		s.wants(s.get("http://all.example/none"), 503, "Access-Control-Allow-Origin: *")
		s.wants(s.do(request{method: "OPTIONS", url: "http://to.example/"}), 204, "Access-Control-Allow-Origin: *")
	})
}

func TestR2CustomHeaders(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": answers("X-One: theirs\nX-One: again\n")},
			entries("controller", "global-allowed-response-headers: X-One,X-Two")+
				entries("good", "X-One: ours\nX-Two: <$request_uri>")+
				entries("bad", "X-One: 1\nX-Three: 3")+
				ingress("good", "good.example", "custom-headers: default/good", "/ prefix app\n/none prefix none")+
				ingress("bare", "bare.example", "custom-headers: good", "/ prefix app")+
				ingress("bad", "bad.example", "custom-headers: default/bad", "/ prefix app")+
				ingress("missing", "missing.example", "custom-headers: default/missing", "/ prefix app"),
			withConfigMap)
		a := s.get("http://good.example/a?b")
		s.wants(a, 200, "X-One: ours", "X-Two: </a?b>")
		if got := a.fields.Values("X-One"); !slices.Equal(got, []string{"ours"}) {
			t.Errorf("X-One is %q", got)
		}
		s.wants(s.get("http://good.example/none"), 503, "X-One: ours")
		for _, host := range []string{"bare", "bad", "missing"} {
			s.wants(s.get("http://"+host+".example/"), 503, "X-One: ")
		}
		s.write("more.yaml", entries("missing", "X-Two: here"))
		s.becomes("http://missing.example/", func(a answer) bool { return a.status == 200 && a.fields.Get("X-Two") == "here" })
		s.write("more.yaml", entries("missing", "X-Four: not allowed"))
		s.becomes("http://missing.example/", func(a answer) bool { return a.status == 503 })
	})
}

func TestConfigMapsOfFieldsAreLive(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, ingress("app", "app.example", "", "/ prefix app"), withConfigMap)
		s.wants(s.get("http://app.example/"), 200, "X-Frame-Options: ")
		s.write("controller.yaml", entries("controller", "add-headers: default/response\nproxy-set-headers: default/request\nhide-headers: X-Backend"))
		s.write("fields.yaml", entries("response", "X-Frame-Options: DENY\nX-Id: $req_id")+
			entries("request", "X-Forwarded-Proto: fixed\nX-Real-IP: $http_x_real\nUser-Agent: \nX-New: $request_method\nHost: up.$host"))
		s.becomes("http://app.example/", func(a answer) bool { return a.fields.Get("X-Frame-Options") == "DENY" })
		s.wants(s.get("http://nobody.example/"), 404, "X-Frame-Options: DENY")
		a := s.do(request{url: "http://app.example/", fields: "X-Real: 1.2.3.4\nX-Request-ID: abcd\nX-New: forged\nX-Real-IP: forged\nX-Forwarded-Proto: forged"})
		s.wants(a, 200, "X-Id: abcd", "X-Backend: ")
		e := a.echo
		for name, want := range map[string][]string{
			"X-Forwarded-Proto": {"fixed"}, "X-Real-Ip": {"1.2.3.4"}, "User-Agent": nil, "X-New": {"GET"}, "X-Forwarded-Host": {"app.example"},
		} {
			if got := e.Fields[name]; !slices.Equal(got, want) {
				t.Errorf("the endpoint got %s %q, want %q", name, got, want)
			}
		}
		if e.Host != "up.app.example" {
			t.Errorf("the endpoint got Host %q", e.Host)
		}
		s.write("fields.yaml", entries("response", "X-Frame-Options: SAMEORIGIN")+entries("request", "X-New: b"))
		s.becomes("http://app.example/", func(a answer) bool {
			return a.fields.Get("X-Frame-Options") == "SAMEORIGIN" && a.fields.Get("X-Id") == "" && a.echo.Fields.Get("X-New") == "b"
		})
	})
}

func TestH9ServerIsTakenAway(t *testing.T) {
	manifests := ingress("app", "app.example", "", "/ prefix app\n/none prefix none")
	for _, c := range []struct {
		profile, keys string
		theirs, own   string // Server of the endpoint's responses, and of ours
	}{
		{nginx, "server-tokens: false", "", ""},
		{nginx, "allow-backend-server-header: true", "theirs", ""},
		{nginx, "server-tokens: true", "shockwave", "shockwave"},
		{kubernetes, "hide-headers: x", "theirs", ""},
		{kubernetes, "server-tokens: false", "", ""},
	} {
		t.Run(c.profile+" "+c.keys, func(t *testing.T) {
			s := serve(t, c.profile, map[string]http.Handler{"app": answers("Server: theirs")}, entries("controller", c.keys)+manifests, withConfigMap)
			s.wants(s.get("http://app.example/"), 200, "Server: "+c.theirs)
			s.wants(s.get("http://app.example/none"), 503, "Server: "+c.own)
		})
	}
}

func TestRedirectsAndCookiesOfEndpointsAreChanged(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{
			"app": answers("Location: http://up.internal/a?b\nSet-Cookie: a=b; Domain=up.internal; Path=/up/x; HttpOnly\nSet-Cookie: c=d\n"),
		}, ingress("app", "app.example",
			"proxy-redirect-from: http://up.internal/\nproxy-redirect-to: https://$host/\nproxy-cookie-domain: up.internal app.example\nproxy-cookie-path: /up/ /",
			"/ prefix app"))
		a := s.get("http://app.example/")
		s.wants(a, 200, "Location: https://app.example/a?b")
		want := []string{"a=b; Domain=app.example; Path=/x; HttpOnly", "c=d"}
		if got := a.fields.Values("Set-Cookie"); !slices.Equal(got, want) {
			t.Errorf("Set-Cookie is %q, want %q", got, want)
		}
	})
}

func TestConnectionProxyHeader(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		fields := make(chan http.Header, 3)
		app := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fields <- r.Header })
		s := serve(t, profile, map[string]http.Handler{"app": app},
			ingress("close", "close.example", "connection-proxy-header: close", "/ prefix app")+
				ingress("keep", "keep.example", "connection-proxy-header: keep-alive", "/ prefix app"))
		for host, want := range map[string]string{"close": "close", "keep": "keep-alive"} {
			s.wants(s.do(request{url: "http://" + host + ".example/", fields: "Connection: upgrade\nUpgrade: websocket"}), 200)
			if f := <-fields; f.Get("Connection") != want || f.Get("Upgrade") != "" {
				t.Errorf("%s: the endpoint got %v", host, f)
			}
		}
	})
}

func TestH6OddNamesAreDropped(t *testing.T) {
	const ask = "GET / HTTP/1.1\r\nHost: app.example\r\nX_Under: 1\r\nX.Dot: 2\r\nProxy: 3\r\nX-Plain: 4\r\nConnection: close\r\n\r\n"
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, ingress("app", "app.example", "", "/ prefix app"), withConfigMap)
		check := func(present, absent []string) func() bool {
			return func() bool {
				body := s.raw(ask).body
				for _, name := range present {
					if !strings.Contains(body, `"`+name+`":`) {
						return false
					}
				}
				for _, name := range absent {
					if strings.Contains(body, `"`+name+`":`) {
						return false
					}
				}
				return true
			}
		}
		s.eventually("by default", check([]string{"X-Plain"}, []string{"X_under", "X.dot", "Proxy"}))
		s.write("controller.yaml", entries("controller", "enable-underscores-in-headers: true"))
		s.eventually("underscores", check([]string{"X-Plain", "X_under"}, []string{"X.dot", "Proxy"}))
		s.write("controller.yaml", entries("controller", "ignore-invalid-headers: false"))
		s.eventually("all", check([]string{"X-Plain", "X_under", "X.dot"}, []string{"Proxy"}))
		s.wants(s.raw("GET / HTTP/1.1\r\nHost: app.example\r\nX Y: 1\r\nConnection: close\r\n\r\n"), 400) // a name that is none
	})
}
