package dropin

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

// What people combine in one Ingress: each feature has tests of its own, these are
// about their order and about what one of them does to another.

// everything is an Ingress with all that answers before the endpoint does.
const everything = `
app-root: /app
permanent-redirect: https://new.example
ssl-redirect: true
force-ssl-redirect: true
enable-cors: true
whitelist-source-range: 10.0.0.0/8
auth-type: basic
auth-secret: users
limit-rps: 1
`

// without leaves out lines that begin with one of the names.
func without(annotations string, names ...string) string {
	var b strings.Builder
	for line := range strings.Lines(annotations) {
		keep := true
		for _, name := range names {
			keep = keep && !strings.HasPrefix(line, name+":")
		}
		if keep {
			b.WriteString(line)
		}
	}
	return b.String()
}

// app-root is answered first, then preflights, redirects to URLs, and the one to https;
// a missing endpoint comes before limits, these before lists, and lists before people.
func TestOrderOfEvaluation(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, usersSecret+
			ingress("all", "all.example", everything, "/ prefix nobody")+
			ingress("moved", "moved.example", without(everything, "app-root", "permanent-redirect"), "/ prefix nobody")+
			ingress("open", "open.example", "whitelist-source-range: 10.0.0.0/8\nauth-type: basic\nauth-secret: users\nlimit-rps: 1", "/ prefix nobody")+
			ingress("listed", "listed.example", "whitelist-source-range: 10.0.0.0/8\nauth-type: basic\nauth-secret: users\nlimit-rpm: 1\nlimit-burst-multiplier: 1", "/ prefix app"))
		s.wants(s.get("http://all.example/?a"), 302, "Location: http://all.example/app")
		s.wants(s.do(request{method: "OPTIONS", url: "http://all.example/"}), 302, "Location: http://all.example/app")
		s.wants(s.do(request{method: "OPTIONS", url: "http://all.example/x"}), 204, "Access-Control-Allow-Origin: *")
		s.wants(s.get("http://all.example/x"), 301, "Location: https://new.example", "Access-Control-Allow-Origin: *")
		s.wants(s.get("https://all.example/x"), 301, "Location: https://new.example")
		s.wants(s.do(request{method: "OPTIONS", url: "http://moved.example/x"}), 204)
		for range 8 { // redirects do not count
			s.wants(s.get("http://moved.example/x"), 308, "Location: https://moved.example/x", "Access-Control-Allow-Origin: *")
			s.wants(s.get("https://moved.example/x"), 503)
			s.wants(s.get("http://open.example/"), 503)
		}
		for _, want := range []int{403, 403, 503} {
			s.wants(s.get("http://listed.example/"), want)
		}
	})
}

// A browser sends no credentials with what it asks first.
func TestPreflightNeedsNoAuthentication(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		const cors = "enable-cors: true\ncors-allow-origin: https://shop.example\n"
		s := serve(t, profile, app, usersSecret+
			ingress("asked", "asked.example", cors+"auth-url: "+o.url+"/oauth2/auth\nauth-signin: http://login.example", "/ prefix app")+
			ingress("basic", "basic.example", cors+"auth-type: basic\nauth-secret: users", "/ prefix app")+
			ingress("listed", "listed.example", cors+"whitelist-source-range: 10.0.0.0/8", "/ prefix app"))
		for host, status := range map[string]int{"asked": 302, "basic": 401, "listed": 403} {
			url := "http://" + host + ".example/"
			const origin, fields = "Origin: https://shop.example\n", "Access-Control-Request-Method: PUT\nAccess-Control-Request-Headers: Authorization\n"
			s.wants(s.do(request{method: "OPTIONS", url: url, fields: origin + fields}), 204,
				"Access-Control-Allow-Origin: https://shop.example", "Access-Control-Allow-Credentials: true", "WWW-Authenticate: ")
			s.wants(s.do(request{url: url, fields: origin}), status,
				"Access-Control-Allow-Origin: https://shop.example", "Access-Control-Allow-Credentials: true", "Vary: Origin")
			// Who is no allowed origin gets no further by asking with OPTIONS.
			s.wants(s.do(request{method: "OPTIONS", url: url, fields: "Origin: https://other.example\n" + fields}), status, "Access-Control-Allow-Origin: ")
			s.wants(s.do(request{method: "OPTIONS", url: url}), status, "Access-Control-Allow-Origin: ")
		}
	})
}

// With satisfy any one of address, password and service is enough, and nobody is asked
// for what is not needed any more.
func TestSatisfyAnyOfThree(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		const list, basic = "whitelist-source-range: %s\n", "auth-type: basic\nauth-secret: users\n"
		auth := "auth-url: " + o.url + "/oauth2/auth\nauth-response-headers: X-Auth-Request-User\n"
		here, elsewhere := fmt.Sprintf(list, "127.0.0.0/8"), fmt.Sprintf(list, "10.0.0.0/8")
		manifests := usersSecret
		for name, annotations := range map[string]string{
			"any-here": "satisfy: any\n" + here + basic + auth, "any-elsewhere": "satisfy: any\n" + elsewhere + basic + auth,
			"all-here": here + basic + auth, "all-elsewhere": elsewhere + basic + auth,
			"any-list-auth": "satisfy: any\n" + elsewhere + auth, "both": basic + auth,
		} {
			manifests += ingress(name, name+".example", annotations, "/ prefix app")
		}
		s := serve(t, profile, app, manifests)
		ann, jane, wrong := "Cookie: session=ann\n", login("jane", "s3cret"), login("jane", "wrong")
		for _, c := range []struct {
			host, fields string
			status, asks int
			user         string
		}{
			{"any-here", "", 200, 0, ""},
			{"any-here", wrong, 200, 0, ""},
			{"any-elsewhere", "", 401, 1, ""},
			{"any-elsewhere", jane, 200, 0, ""},
			{"any-elsewhere", ann, 200, 1, "ann"},
			{"any-elsewhere", ann + wrong, 200, 1, "ann"},
			{"all-here", "", 401, 0, ""},
			{"all-here", jane, 401, 1, ""},
			{"all-here", ann, 401, 0, ""},
			{"all-here", ann + jane, 200, 1, "ann"},
			{"all-here", ann + wrong, 401, 0, ""},
			{"all-elsewhere", ann + jane, 403, 0, ""},
			{"any-list-auth", "", 401, 1, ""},
			{"any-list-auth", ann, 200, 1, "ann"},
			{"any-list-auth", "Cookie: session=bob\n", 403, 1, ""},
			{"both", ann + jane, 200, 1, "ann"},
			{"both", jane, 401, 1, ""},
			{"both", ann, 401, 0, ""},
		} {
			o.asked()
			a := s.do(request{url: "http://" + c.host + ".example/", fields: c.fields + "X-Auth-Request-User: root\n"})
			asks, q := o.asked()
			if a.status != c.status || asks != c.asks {
				t.Errorf("%s, %q: %d, and the service was asked %d times; want %d and %d", c.host, c.fields, a.status, asks, c.status, c.asks)
			}
			if a.status != 200 {
				continue
			}
			if got := strings.Join(a.echo.Fields["X-Auth-Request-User"], "|"); got != c.user {
				t.Errorf("%s, %q: the endpoint was told the user %q, want %q", c.host, c.fields, got, c.user)
			}
			if got := a.echo.Fields.Get("Authorization"); got != "" && strings.Contains(c.host, "any-list") == false {
				t.Errorf("%s, %q: the endpoint got %q", c.host, c.fields, got)
			}
			if asks > 0 && strings.Contains(c.fields, "Authorization") && q.Header.Get("Authorization") == "" {
				t.Errorf("%s: the service did not get the credentials", c.host)
			}
		}
	})
}

// Where a password or a session is enough, programs send the one and browsers are sent to
// sign in.
func TestSatisfyAnyOfPasswordAndSession(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, app, usersSecret+ingress("a", "a.example", "satisfy: any\nauth-type: basic\nauth-secret: users\nauth-url: "+
			o.url+"/oauth2/auth\nauth-signin: http://login.example/start", "/ prefix app"))
		s.wants(s.get("http://a.example/x"), 302, "Location: http://login.example/start?rd=http://a.example%2Fx", "Set-Cookie: csrf=1", "WWW-Authenticate: ")
		s.wants(s.do(request{url: "http://a.example/x", fields: login("jane", "wrong")}), 302)
		s.wants(s.do(request{url: "http://a.example/x", fields: login("jane", "s3cret")}), 200)
		s.wants(s.do(request{url: "http://a.example/x", fields: "Cookie: session=ann"}), 200)
	})
}

// A canary is one of a path, whether that is a pattern or not.
func TestCanaryInAHostOfPatterns(t *testing.T) {
	s := serve(t, nginx, mainAndNext,
		ingress("main", "app.example", "use-regex: true\nrewrite-target: /$2\naffinity: cookie\nsession-cookie-path: /", "/api(/|$)(.*) any main\n/static/ prefix main")+
			ingress("next", "app.example", "canary: true\ncanary-by-header: X-Canary\nuse-regex: true\nrewrite-target: /$2", "/api(/|$)(.*) any next\n/static/ prefix next")+
			ingress("main2", "two.example", "use-regex: true", "/a/.* any main\n/b exact main")+
			ingress("next2", "two.example", "canary: true\ncanary-by-header: X-Canary", "/a/.* any next")) // as with the first
	for _, c := range []struct{ url, header, backend, target string }{
		{"http://app.example/api/x?y", "always", "next", "/x?y"},
		{"http://app.example/API/x", "always", "next", "/x"},
		{"http://app.example/api/x", "never", "main", "/x"},
		{"http://app.example/api", "", "main", "/"},
		{"http://app.example/static/x", "always", "next", "/"},
		{"http://app.example/static/x", "", "main", "/"},
		{"http://two.example/a/x", "always", "next", "/a/x"},
		{"http://two.example/a/x", "", "main", "/a/x"},
	} {
		a := s.do(request{url: c.url, fields: "X-Canary: " + c.header})
		s.wants(a, 200, "X-Backend: "+c.backend)
		if a.echo.Target != c.target {
			t.Errorf("%s: the endpoint was asked for %s, want %s", c.url, a.echo.Target, c.target)
		}
	}
	// Who has been with the canary stays there.
	a := s.do(request{url: "http://app.example/api/x", fields: "X-Canary: always"})
	cookie, _, _ := strings.Cut(a.fields.Get("Set-Cookie"), ";")
	if !strings.HasSuffix(a.fields.Get("Set-Cookie"), "; Path=/; HttpOnly") {
		t.Errorf("the cookie is %q", a.fields.Get("Set-Cookie"))
	}
	s.wants(s.do(request{url: "http://app.example/api/y", fields: "Cookie: " + cookie}), 200, "X-Backend: next")
}

// What a service, a list or a limit refuses has the page of the default backend, as what
// endpoints refuse. Who is to sign in is sent there all the same.
func TestCustomErrorsOfRefusals(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		const errors = "custom-http-errors: 401,403,500,503\ndefault-backend: pages\n"
		s := serve(t, profile, map[string]http.Handler{"app": status("app"), "pages": pages()}, usersSecret+
			ingress("auth", "auth.example", errors+"auth-url: "+o.url+"/oauth2/auth", "/ prefix app")+
			ingress("down", "down.example", errors+"auth-url: http://127.0.0.1:1/", "/ prefix app")+
			ingress("signin", "signin.example", errors+"auth-url: "+o.url+"/oauth2/auth\nauth-signin: http://login.example", "/ prefix app")+
			ingress("basic", "basic.example", errors+"auth-type: basic\nauth-secret: users\nauth-realm: shop", "/ prefix app")+
			ingress("listed", "listed.example", errors+"whitelist-source-range: 10.0.0.0/8", "/ prefix app")+
			ingress("limited", "limited.example", errors+"limit-rpm: 1\nlimit-burst-multiplier: 1", "/ prefix app"))
		s.wants(s.get("http://auth.example/"), 401, "X-Backend: pages", `WWW-Authenticate: Bearer realm="a", Basic realm="b"`)
		s.wants(s.do(request{url: "http://auth.example/", fields: "Cookie: session=bob"}), 403, "X-Backend: pages")
		s.wants(s.do(request{url: "http://auth.example/401", fields: "Cookie: session=ann"}), 401, "X-Backend: pages", `WWW-Authenticate: Basic realm="app"`)
		s.wants(s.do(request{url: "http://auth.example/", fields: "Cookie: session=ann"}), 200, "X-Backend: app")
		s.wants(s.get("http://down.example/"), 500, "X-Backend: pages")
		s.wants(s.get("http://signin.example/x"), 302, "X-Backend: ", "Location: http://login.example?rd=http://signin.example%2Fx")
		s.wants(s.get("http://basic.example/"), 401, "X-Backend: pages", `WWW-Authenticate: Basic realm="shop"`)
		a := s.do(request{method: "POST", url: "http://listed.example/x?y", body: "text"})
		s.wants(a, 403, "X-Backend: pages")
		if e := a.echo; e.Method != "POST" || e.Body != "" || e.Fields.Get("X-Code") != "403" || e.Fields.Get("X-Original-Uri") != "/x?y" {
			t.Errorf("pages got %+v", e)
		}
		for _, from := range []string{"app", "app", "pages"} {
			s.wants(s.get("http://limited.example/"), map[string]int{"app": 200, "pages": 503}[from], "X-Backend: "+from)
		}
	})
}

// Fields that all responses have are those of refusals too.
func TestFieldsOfRefusals(t *testing.T) {
	o := startOAuth(t)
	const cors = "enable-cors: true\n"
	s := serve(t, nginx, app, usersSecret+
		entries("controller", "add-headers: default/added\nglobal-allowed-response-headers: X-Custom")+
		entries("added", "X-Added: to all")+entries("custom", "X-Custom: here")+
		ingress("i401", "i401.example", cors+"custom-headers: default/custom\nauth-type: basic\nauth-secret: users", "/ prefix app")+
		ingress("i403", "i403.example", cors+"custom-headers: default/custom\nwhitelist-source-range: 10.0.0.0/8", "/ prefix app")+
		ingress("i413", "i413.example", cors+"custom-headers: default/custom\nproxy-body-size: 1", "/ prefix app")+
		ingress("i500", "i500.example", cors+"custom-headers: default/custom\nauth-url: "+o.url+"/none", "/ prefix app")+
		ingress("i502", "i502.example", cors+"custom-headers: default/custom", "/ prefix dead")+
		ingress("i503", "i503.example", cors+"custom-headers: default/custom", "/ prefix nobody")+
		"---"+service("dead", closedPort(t)), withConfigMap)
	for _, status := range []int{401, 403, 413, 500, 502, 503} {
		r := request{method: "POST", url: fmt.Sprintf("https://i%d.example/", status), body: "text"}
		a := s.do(r)
		s.wants(a, status, "X-Added: to all", "X-Custom: here", "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true",
			"Strict-Transport-Security: max-age=31536000; includeSubDomains", "Server: ")
		for _, name := range []string{"X-Added", "X-Custom", "Access-Control-Allow-Origin", "Strict-Transport-Security"} {
			if n := len(a.fields.Values(name)); n != 1 {
				t.Errorf("%d: %d fields %s", status, n, name)
			}
		}
	}
	s.wants(s.get("https://nobody.example/"), 404, "X-Added: to all", "Strict-Transport-Security: max-age=31536000; includeSubDomains")
}

// Behind a proxy that is believed, it is the client's address that lists, limits, hashes
// and services look at, and its scheme that redirects look at.
func TestClientsBehindAProxy(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, app, usersSecret+
			configMap("use-forwarded-headers: true\nproxy-real-ip-cidr: 127.0.0.0/8,192.0.2.0/24\nblock-cidrs: 198.51.100.66/32")+
			ingress("listed", "listed.example", "force-ssl-redirect: true\nwhitelist-source-range: 203.0.113.0/24\ndenylist-source-range: 203.0.113.66", "/ prefix app")+
			ingress("limited", "limited.example", "limit-rpm: 1\nlimit-burst-multiplier: 1\nlimit-whitelist: 203.0.113.9", "/ prefix app")+
			ingress("auth", "auth.example", "auth-url: "+o.url+"/oauth2/auth", "/ prefix app")+
			ingress("cookie", "cookie.example", "affinity: cookie", "/ prefix app"), "--configmap", "default/controller")
		from := func(url, address string) answer {
			return s.do(request{url: url, fields: "X-Forwarded-Proto: https\nX-Forwarded-For: " + address + "\n"})
		}
		s.wants(s.do(request{url: "http://listed.example/x", fields: "X-Forwarded-For: 203.0.113.1\n"}), 308, "Location: https://listed.example/x")
		s.wants(from("http://listed.example/", "203.0.113.1"), 200)
		s.wants(from("http://listed.example/", "203.0.113.1, 192.0.2.1"), 200) // through two proxies that are believed
		s.wants(from("http://listed.example/", "203.0.113.1, 10.0.0.1"), 403)  // and through one that is not
		s.wants(from("http://listed.example/", "203.0.113.66"), 403)           // denied
		s.wants(from("http://listed.example/", "198.51.100.1"), 403)           // not allowed
		s.wants(from("http://listed.example/", "127.0.0.1, 203.0.113.1"), 200) // what comes before says the client
		s.wants(from("http://limited.example/", "198.51.100.66"), 403)         // blocked
		for _, want := range []int{200, 200, 503} {
			s.wants(from("http://limited.example/", "203.0.113.1"), want)
		}
		s.wants(from("http://limited.example/", "203.0.113.2"), 200) // another client
		for range 4 {
			s.wants(from("http://limited.example/", "203.0.113.9"), 200) // exempt
		}
		s.wants(from("http://auth.example/", "203.0.113.1"), 401)
		if _, q := o.asked(); q.Header.Get("X-Real-Ip") != "203.0.113.1" || q.Header.Get("X-Forwarded-For") != "203.0.113.1" || q.Header.Get("X-Original-Url") == "" {
			t.Errorf("the service got %v", q.Header)
		}
		if cookie := from("http://cookie.example/", "203.0.113.1").fields.Get("Set-Cookie"); !strings.Contains(cookie, "; Secure") {
			t.Errorf("over https the cookie is %q", cookie)
		}
	})
}

// A host with client certificates tells its endpoints, and the service that it asks,
// what the certificates say, and nobody else can.
func TestClientCertificatesAndTheRest(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		me := keypair.Like(t, x509.Certificate{
			Subject: pkix.Name{CommonName: "me"}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		pair, err := tls.X509KeyPair(me.Cert, me.Key)
		if err != nil {
			t.Fatal(err)
		}
		const want = "auth-tls-secret: default/ca\nauth-tls-pass-certificate-to-upstream: true\n"
		s := serve(t, profile, app, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: ca}\ndata: {ca.crt: "+base64.StdEncoding.EncodeToString(me.Cert)+"}\n"+
			ingress("mtls", "mtls.example", want+"auth-url: "+o.url+"/oauth2/auth\nuse-regex: true\nrewrite-target: /new/$1", "/old/(.*) any app")+
			ingress("cn", "cn.example", want+"auth-tls-match-cn: CN=you", "/ prefix app")+
			ingress("depth", "depth.example", want+"auth-tls-verify-depth: 0\nauth-tls-verify-client: optional", "/ prefix app")+
			ingress("gone", "gone.example", "auth-tls-secret: default/none", "/ prefix app")+
			ingress("gone2", "gone.example", "", "/other prefix app"))
		as := func(url string, certificates ...tls.Certificate) answer {
			t.Helper()
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			req.Header.Set("Cookie", "session=ann")
			req.Header.Set("ssl-client-verify", "SUCCESS")
			req.Header.Set("ssl-client-cert", "forged")
			return s.over(req, certificates...)
		}
		a := as("https://mtls.example/old/x", pair)
		s.wants(a, 200)
		_, q := o.asked()
		for who, fields := range map[string]http.Header{"endpoint": a.echo.Fields, "service": q.Header} {
			if fields.Get("Ssl-Client-Verify") != "SUCCESS" || fields.Get("Ssl-Client-Subject-Dn") != "CN=me" ||
				!strings.HasPrefix(fields.Get("Ssl-Client-Cert"), "-----BEGIN%20CERTIFICATE") || len(fields["Ssl-Client-Cert"]) != 1 {
				t.Errorf("the %s got %v", who, fields)
			}
		}
		if a.echo.Target != "/new/x" {
			t.Errorf("asked for %s", a.echo.Target)
		}
		s.wants(as("https://mtls.example/old/x"), 400)
		s.wants(as("https://cn.example/", pair), 403)
		s.wants(as("https://depth.example/"), 200)
		for _, path := range []string{"", "other"} { // a host whose authority is missing is closed as a whole
			if a := as("https://gone.example/" + path); a.status == 200 {
				t.Errorf("/%s of a host without its authority is served", path)
			}
		}
	})
}

// over sends a request over TLS, with a certificate or without.
func (s *site) over(req *http.Request, certificates ...tls.Certificate) answer {
	s.t.Helper()
	a, err := s.send(req, &tls.Config{InsecureSkipVerify: true, Certificates: certificates}) //nolint:gosec // the certificate of the host is not what is tested
	if err != nil {
		s.t.Fatalf("%s: %v", req.URL, err)
	}
	return a
}

// The other name of a host redirects where the certificate says, before all else.
func TestWWWRedirectWithTLS(t *testing.T) {
	s := serve(t, nginx, app, usersSecret+secret("both", "a.example", "www.a.example")+
		tlsBlock(ingress("a", "a.example", "from-to-www-redirect: true\nauth-type: basic\nauth-secret: users\nwhitelist-source-range: 10.0.0.0/8", "/ prefix app"), "a.example,www.a.example", "both"))
	s.wants(s.get("https://www.a.example/x/y?z"), 308, "Location: https://a.example:443/x/y?z")
	s.wants(s.get("http://a.example/x"), 308, "Location: https://a.example/x")
	s.wants(s.get("https://a.example/x"), 403)
}

// U11: a change of endpoints is there within a second.
func TestU11ChangesComeWithinASecond(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, nil, ingress("a", "a.example", "", "/ prefix app")+"---"+service("app"))
		s.wants(s.get("http://a.example/"), 503)
		for _, name := range []string{"one", "two"} {
			port := startBackend(t, echoes(name))
			begin := time.Now()
			s.write("app.yaml", service("app", port))
			s.becomes("http://a.example/", func(a answer) bool { return a.fields.Get("X-Backend") == name })
			if d := time.Since(begin); d > 2*time.Second { // one, and what a busy machine takes
				t.Errorf("%s was not asked for %v", name, d)
			}
		}
	})
}

// U9: hints for zones count where a flag says so, and if all endpoints have some.
func TestU9ZonesAreFollowedWhereAsked(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		hinted := func(name string, zones ...string) string {
			text, ports := "", make([]int, len(zones))
			for i, zone := range zones {
				ports[i] = startBackend(t, echoes(zone))
			}
			for i, document := range strings.Split(service(name, ports...), "---\n") {
				if i > 0 {
					hint := "{ready: true}, hints: {forZones: [{name: " + zones[i-1] + "}]}"
					if zones[i-1] == "none" {
						hint = "{ready: true}"
					}
					document = strings.Replace(document, "{ready: true}", hint, 1)
				}
				text += "---\n" + document
			}
			return text
		}
		manifests := ingress("a", "a.example", "", "/ prefix all\n/some prefix some\n/far prefix far") +
			hinted("all", "here", "there") + hinted("some", "here", "none") + hinted("far", "there")
		for _, flags := range [][]string{nil, {"--enable-topology-aware-routing", "--topology-zone=here"}} {
			s := serve(t, profile, nil, manifests, flags...)
			for path, want := range map[string]int{"/": 2 - min(1, len(flags)), "/some": 2, "/far": 1} {
				got := make(map[string]bool)
				for range 8 {
					a := s.get("http://a.example" + path)
					s.wants(a, 200)
					got[a.echo.Backend] = true
				}
				if len(got) != want || path == "/" && !got["here"] {
					t.Errorf("%v: %s goes to %v", flags, path, got)
				}
			}
		}
	})
}

// C2: which class is the default one is a matter of admission: the API server fills it
// in, and so does who reads a directory, which has no API server.
func TestC2TheDefaultClassIsAMatterOfAdmission(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, strings.Replace(ingress("none", "none.example", "", "/ prefix app"), "  ingressClassName: nginx\n", "", 1)+
			ingress("a", "a.example", "", "/ prefix app"), "--watch-ingress-without-class=false")
		s.wants(s.get("http://a.example/"), 200)
		s.wants(s.get("http://none.example/"), 404)
		s.write("class.yaml", `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: k8s.io/ingress-nginx}
`)
		s.soon(request{url: "http://none.example/"}, 200)
	})
}

// H8: credentials that are meant for the proxy go no further.
func TestH8CredentialsStayHere(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, usersSecret+ingress("basic", "basic.example", "auth-type: basic\nauth-secret: users", "/ prefix app")+
			ingress("none", "none.example", "", "/ prefix app"))
		s.got(s.do(request{url: "http://basic.example/", fields: login("jane", "s3cret")}), "Authorization:")
		s.got(s.do(request{url: "http://none.example/", fields: "Authorization: Bearer x"}), "Authorization: Bearer x")
	})
}

// H10: nothing is compressed that an endpoint has not compressed.
func TestH10NothingIsCompressed(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		text := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, strings.Repeat("compress me ", 1000))
		})
		s := serve(t, profile, map[string]http.Handler{"app": text}, ingress("a", "a.example", "", "/ prefix app"))
		a := s.do(request{url: "http://a.example/", fields: "Accept-Encoding: gzip, br, deflate, zstd"})
		s.wants(a, 200, "Content-Encoding: ")
		if len(a.body) != 12000 {
			t.Errorf("%d bytes", len(a.body))
		}
	})
}
