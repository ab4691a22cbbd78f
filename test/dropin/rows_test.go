package dropin

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

// H7: WebSocket needs no annotation, and minds all that others do.
func TestH7WebSocket(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		fields := make(chan *http.Request, 1)
		app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fields <- r
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			_, text, err := c.Read(r.Context())
			if err == nil {
				_ = c.Write(r.Context(), websocket.MessageText, append([]byte("echo "), text...))
			}
		})
		s := serve(t, profile, map[string]http.Handler{"app": app}, usersSecret+
			ingress("plain", "plain.example", "", "/ prefix app")+
			ingress("all", "all.example", "use-regex: true\nrewrite-target: /$1\nauth-type: basic\nauth-secret: users\nwhitelist-source-range: 127.0.0.1\nlimit-rps: 100\naffinity: cookie\nenable-cors: true", "/ws/(.*) any app"))
		dial := func(host, path, authorization string) (*websocket.Conn, *http.Response, error) {
			return websocket.Dial(t.Context(), "ws://"+s.HTTP+path, &websocket.DialOptions{Host: host, HTTPHeader: http.Header{"Authorization": {authorization}}})
		}
		password := strings.TrimSpace(strings.TrimPrefix(login("jane", "s3cret"), "Authorization: "))
		for _, c := range []struct{ host, path, target string }{{"plain.example", "/a?b", "/a?b"}, {"all.example", "/ws/a?b", "/a?b"}} {
			conn, _, err := dial(c.host, c.path, password)
			if err != nil {
				t.Fatalf("%s: %v", c.host, err)
			}
			if r := <-fields; r.RequestURI != c.target || r.Header.Get("X-Forwarded-For") != "127.0.0.1" {
				t.Errorf("%s: the endpoint was asked for %s with %v", c.host, r.RequestURI, r.Header)
			}
			if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
				t.Error(err)
			}
			if _, text, err := conn.Read(t.Context()); err != nil || string(text) != "echo hello" {
				t.Errorf("%s: %q, %v", c.host, text, err)
			}
			_ = conn.CloseNow()
		}
		if _, res, err := dial("all.example", "/ws/a", "Basic x"); err == nil || res.StatusCode != 401 {
			t.Errorf("without a password: %v, %v", res, err)
		}
		// Connection is ours to say where nothing is upgraded.
		s.wants(s.do(request{url: "http://plain.example/", fields: "Connection: keep-alive, X-Gone\nX-Gone: 1"}), 426)
		if r := <-fields; r.Header.Get("Connection") != "" || r.Header.Get("X-Gone") != "" {
			t.Errorf("the endpoint got %v", r.Header)
		}
	})
}

// The cookie of affinity is what session-cookie-* says, in ingress-nginx's order.
func TestSessionCookieAttributes(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		const on = "affinity: cookie\n"
		s := serve(t, profile, app,
			ingress("plain", "plain.example", on, "/ prefix app\n/shop/cart prefix app")+
				ingress("all", "all.example", on+"session-cookie-name: route\nsession-cookie-max-age: 60\nsession-cookie-path: /x\nsession-cookie-domain: all.example\nsession-cookie-samesite: Strict", "/ prefix app")+
				ingress("none", "none.example", on+"session-cookie-samesite: None\nsession-cookie-secure: true", "/ prefix app")+
				ingress("old", "old.example", on+"session-cookie-samesite: None\nsession-cookie-conditional-samesite-none: true", "/ prefix app")+
				ingress("regex", "regex.example", on+"use-regex: true", "/a/.* any app"))
		for _, c := range []struct{ url, name, rest string }{
			{"http://plain.example/", "INGRESSCOOKIE", "Path=/; HttpOnly"},
			{"http://plain.example/shop/cart/1", "INGRESSCOOKIE", "Path=/shop/cart; HttpOnly"},
			{"https://all.example/", "route", "Path=/x; Domain=all.example; Max-Age=60; HttpOnly; Secure; SameSite=Strict"},
			{"http://none.example/", "INGRESSCOOKIE", "Path=/; HttpOnly; Secure; SameSite=None"},
			{"https://old.example/", "INGRESSCOOKIE", "Path=/; HttpOnly; Secure"},
			{"http://regex.example/a/b", "INGRESSCOOKIE", "Path=/; HttpOnly"}, // a pattern is no path: browsers would not send it
		} {
			const old = "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1"
			cookies := s.do(request{url: c.url, fields: old}).fields.Values("Set-Cookie")
			value, rest, _ := strings.Cut(strings.Join(cookies, " AND "), "; ")
			if name, _, _ := strings.Cut(value, "="); name != c.name || rest != c.rest {
				t.Errorf("%s: %q, want %s=…; %s", c.url, cookies, c.name, c.rest)
			}
			if again := s.do(request{url: c.url, fields: "Cookie: " + value}); again.fields.Get("Set-Cookie") != "" {
				t.Errorf("%s: who has the cookie got %q", c.url, again.fields.Get("Set-Cookie"))
			}
		}
	})
}

// Requests that have the same of what upstream-hash-by says go to the same endpoint.
func TestUpstreamHashBy(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		ports := make([]int, 3)
		for i := range ports {
			ports[i] = startBackend(t, echoes(fmt.Sprint(i)))
		}
		s := serve(t, profile, nil, "---"+service("three", ports...)+
			ingress("arg", "arg.example", "upstream-hash-by: $arg_key", "/ prefix three")+
			ingress("field", "field.example", "upstream-hash-by: ${http_x_user}-$host", "/ prefix three"))
		for _, host := range []string{"arg", "field"} {
			first, used := make(map[int]string), make(map[string]bool)
			for i := range 90 {
				key := i % 30
				a := s.do(request{url: fmt.Sprintf("http://%s.example/?key=%d&i=%d", host, key, i), fields: fmt.Sprintf("X-User: %d", key)})
				s.wants(a, 200)
				if first[key] == "" {
					first[key] = a.echo.Backend
				}
				if used[a.echo.Backend] = true; a.echo.Backend != first[key] {
					t.Errorf("%s: %d goes to %s and %s", host, key, first[key], a.echo.Backend)
				}
			}
			if len(used) != 3 {
				t.Errorf("%s: only %v are used", host, used)
			}
		}
	})
}

// Certificates towards endpoints, and what is asked of theirs.
func TestProxySSL(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		pair := keypair.New(t, "up.internal")
		own, err := tls.X509KeyPair(pair.Cert, pair.Key)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pair.Cert)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Sni", r.TLS.ServerName)
			w.Header().Set("X-Version", tls.VersionName(r.TLS.Version))
			w.Header().Set("X-Certificates", fmt.Sprint(len(r.TLS.PeerCertificates)))
		}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert}
		server.StartTLS()
		t.Cleanup(server.Close)
		encoded := base64.StdEncoding.EncodeToString
		s := serve(t, profile, nil, "---"+service("up", server.Listener.Addr().(*net.TCPAddr).Port)+
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: ca}\ndata: {tls.crt: "+encoded(pair.Cert)+", tls.key: "+encoded(pair.Key)+", ca.crt: "+encoded(pair.Cert)+"}\n"+
			ingress("all", "all.example", "backend-protocol: HTTPS\nproxy-ssl-secret: default/ca\nproxy-ssl-verify: on\nproxy-ssl-name: up.internal\nproxy-ssl-server-name: on\nproxy-ssl-protocols: TLSv1.3\nproxy-ssl-verify-depth: 2", "/ prefix up")+
			ingress("name", "name.example", "backend-protocol: HTTPS\nproxy-ssl-secret: default/ca\nproxy-ssl-verify: on\nproxy-ssl-name: other.internal", "/ prefix up")+
			ingress("old", "old.example", "backend-protocol: HTTPS\nproxy-ssl-secret: default/ca\nproxy-ssl-protocols: TLSv1.2", "/ prefix up")+
			ingress("none", "none.example", "backend-protocol: HTTPS\nproxy-ssl-secret: default/none", "/ prefix up")+
			ingress("far", "far.example", "backend-protocol: HTTPS\nproxy-ssl-secret: other/ca", "/ prefix up"))
		s.wants(s.get("http://all.example/"), 200, "X-Sni: up.internal", "X-Version: TLS 1.3", "X-Certificates: 1")
		s.wants(s.get("http://name.example/"), 502)
		s.wants(s.get("http://old.example/"), 200, "X-Version: TLS 1.2", "X-Certificates: 1", "X-Sni: ")
		s.wants(s.get("http://none.example/"), 503)
		s.wants(s.get("http://far.example/"), 503)
	})
}

// The ways in which people write the sign-in of oauth2-proxy.
func TestSignInURLs(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		signIns := []struct{ annotation, location string }{
			{"https://$host/oauth2/start?rd=$escaped_request_uri", "https://HOST/oauth2/start?rd=%2Fa%3Fb%3Dc%26d"},
			{"https://login.example/start?rd=$scheme://$http_host$escaped_request_uri", "https://login.example/start?rd=http://HOST%2Fa%3Fb%3Dc%26d"},
			{"https://login.example/start?rd=https://$host$request_uri", "https://login.example/start?rd=https://HOST/a?b=c&d"},
			{"https://login.example/start?rd=$pass_access_scheme://$best_http_host$escaped_request_uri", "https://login.example/start?rd=http://HOST%2Fa%3Fb%3Dc%26d"},
			{"https://login.example/start?app=x", "https://login.example/start?app=x&rd=http://HOST%2Fa%3Fb%3Dc%26d"},
			{"/oauth2/sign_in", "/oauth2/sign_in?rd=http://HOST%2Fa%3Fb%3Dc%26d"},
		}
		manifests := ingress("next", "next.example", "auth-url: "+o.url+"/oauth2/auth\nauth-signin: https://login.example/\nauth-signin-redirect-param: next", "/ prefix app")
		for i, c := range signIns {
			manifests += ingress(fmt.Sprint("i", i), fmt.Sprintf("i%d.example", i), "auth-url: "+o.url+"/oauth2/auth\nauth-signin: "+c.annotation, "/ prefix app")
		}
		s := serve(t, profile, app, manifests)
		for i, c := range signIns {
			host := fmt.Sprintf("i%d.example", i)
			s.wants(s.get("http://"+host+"/a?b=c&d"), 302, "Location: "+strings.ReplaceAll(c.location, "HOST", host))
		}
		s.wants(s.get("http://next.example/"), 302, "Location: https://login.example/?next=http://next.example%2F")
	})
}

// A certificate is proved on a host whose paths are patterns that are rewritten, listed
// and asked for passwords.
func TestT2ChallengesOnAHostOfPatterns(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "solver": nil}, usersSecret+
		tlsBlock(ingress("app", "app.example", "use-regex: true\nrewrite-target: /$1\nauth-type: basic\nauth-secret: users\nwhitelist-source-range: 10.0.0.0/8\nforce-ssl-redirect: true", "/(.*) any app"), "app.example", "none")+
		ingress("solver", "app.example", "whitelist-source-range: 0.0.0.0/0,::/0", "/.well-known/acme-challenge/ToKen_1-2 any solver"))
	s.wants(s.get("http://app.example/.well-known/acme-challenge/ToKen_1-2"), 200, "X-Backend: solver")
	s.wants(s.get("http://app.example/.well-known/acme-challenge/other"), 308)
	s.wants(s.get("https://app.example/.well-known/acme-challenge/other"), 403)
}

// A canary's own use-regex and rewrite-target are nobody's.
func TestP1CanariesDoNotMakePatterns(t *testing.T) {
	s := serve(t, nginx, mainAndNext, ingress("main", "app.example", "", "/foo prefix main")+
		ingress("next", "app.example", "canary: true\ncanary-by-header: X-Canary\nuse-regex: true\nrewrite-target: /z", "/foo prefix next"))
	for header, backend := range map[string]string{"never": "main", "always": "next"} {
		a := s.do(request{url: "http://app.example/foo/x", fields: "X-Canary: " + header})
		s.wants(a, 200, "X-Backend: "+backend)
		if a.echo.Target != "/foo/x" {
			t.Errorf("%s was asked for %s", backend, a.echo.Target)
		}
	}
	s.wants(s.get("http://app.example/FOO"), 404)
}
