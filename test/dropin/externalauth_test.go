package dropin

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// oauth is a service in the manner of oauth2-proxy: who has the cookie is ann, who has
// the cookie "bob" is known and may not pass, and all others are to sign in.
type oauth struct {
	url string
	mu  sync.Mutex
	got []*http.Request // what it was asked
}

func startOAuth(t *testing.T) *oauth {
	o := new(oauth)
	port := startBackend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 0 {
			t.Errorf("the service got a body: %q", body)
		}
		o.mu.Lock()
		o.got = append(o.got, r)
		o.mu.Unlock()
		session, _ := r.Cookie("session")
		switch {
		case r.URL.Path == "/oauth2/start":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "ann"})
			http.Redirect(w, r, r.URL.Query().Get("rd"), http.StatusFound)
		case r.URL.Path == "/slow":
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
		case r.URL.Path == "/redirects":
			http.Redirect(w, r, "/oauth2/auth", http.StatusFound)
		case r.URL.Path != "/oauth2/auth":
			http.NotFound(w, r)
		case session == nil:
			w.Header().Add("Set-Cookie", "csrf=1")
			w.Header().Add("WWW-Authenticate", `Bearer realm="a"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="b"`)
			w.WriteHeader(401)
		case session.Value == "bob":
			w.WriteHeader(403)
		default:
			w.Header().Set("X-Auth-Request-User", session.Value)
			w.Header().Add("Set-Cookie", "session=ann; Path=/")
			w.Header().Add("Set-Cookie", "refreshed=1")
			w.WriteHeader(202)
		}
	}))
	o.url = fmt.Sprint("http://127.0.0.1:", port)
	return o
}

// asked is how often the service was asked since the last call, and the last question.
func (o *oauth) asked() (int, *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.got)
	if n == 0 {
		return 0, new(http.Request)
	}
	last := o.got[n-1]
	o.got = nil
	return n, last
}

func TestAuthSignsIn(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, map[string]http.Handler{"app": nil}, ingress("app", "app.example", `
auth-url: `+o.url+`/oauth2/auth
auth-signin: `+o.url+`/oauth2/start
auth-response-headers: X-Auth-Request-User, X-Auth-Request-Email`, "/ prefix app"))
		port := s.HTTP[strings.LastIndex(s.HTTP, ":")+1:]

		a := s.get("http://app.example:" + port + "/a%20b?c=d&e=f")
		s.wants(a, 302, "Location: "+o.url+"/oauth2/start?rd=http://app.example:"+port+"%2Fa%2520b%3Fc%3Dd%26e%3Df", "Set-Cookie: csrf=1")
		to, err := url.Parse(a.fields.Get("Location"))
		if err != nil || to.Query().Get("rd") != "http://app.example:"+port+"/a%20b?c=d&e=f" {
			t.Errorf("rd is %q, %v", to.Query().Get("rd"), err)
		}

		login, err := http.DefaultTransport.RoundTrip(&http.Request{Method: http.MethodGet, URL: to, Header: http.Header{}})
		if err != nil {
			t.Fatal(err)
		}
		_ = login.Body.Close()
		cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
		o.asked()
		a = s.do(request{method: "POST", url: login.Header.Get("Location"), body: "text", fields: "Cookie: " + cookie +
			"\nX-Auth-Request-User: root\nx-auth-request-email: root@example.com\nX-Other: kept"})
		s.wants(a, 200)
		if got := a.fields["Set-Cookie"]; strings.Join(got, "|") != "session=ann; Path=/|refreshed=1" {
			t.Errorf("the client got the cookies %q", got)
		}
		if e := a.echo; strings.Join(e.Fields["X-Auth-Request-User"], "|") != "ann" || e.Fields["X-Auth-Request-Email"] != nil ||
			e.Fields.Get("X-Other") != "kept" || e.Body != "text" || e.Target != "/a%20b?c=d&e=f" {
			t.Errorf("the backend got %+v", e)
		}
		n, q := o.asked()
		if n != 1 || q.Method != "GET" || q.RequestURI != "/oauth2/auth" || q.Host != "127.0.0.1" || q.ContentLength != 0 {
			t.Errorf("asked %d times, %s %s of %s, %d bytes", n, q.Method, q.RequestURI, q.Host, q.ContentLength)
		}
		for name, want := range map[string]string{
			"X-Original-Url":          "http://app.example:" + port + "/a%20b?c=d&e=f",
			"X-Original-Method":       "POST",
			"X-Auth-Request-Redirect": "/a%20b?c=d&e=f",
			"X-Sent-From":             "nginx-ingress-controller",
			"X-Real-Ip":               "127.0.0.1",
			"X-Forwarded-For":         "127.0.0.1",
			"X-Request-Id":            a.echo.Fields.Get("X-Request-Id"),
			"X-Other":                 "kept",
			"X-Scheme":                "",
			"X-Original-Uri":          "",
			"Content-Length":          "",
		} {
			if got := q.Header.Get(name); got != want {
				t.Errorf("the service got %s: %q, want %q", name, got, want)
			}
		}
	})
}

// What clients say of themselves reaches the service no more than the endpoint.
func TestAuthBelievesNoClient(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", "auth-url: "+o.url+"/oauth2/auth\nauth-response-headers: Authorization", "/ prefix app")+
				entries("fields", "X-Tenant: $namespace-$service_name\nX-Forwarded-Host: $host")+
				ingress("post", "post.example", "auth-url: "+o.url+"/oauth2/auth\nauth-method: POST\nauth-proxy-set-headers: fields\nauth-request-redirect: https://$host$request_uri", "/ prefix app"))
		forged := "Cookie: session=ann\nAuthorization: Bearer mine\nX-Original-URL: http://x/\nX-Original-URI: /x\nX-Forwarded-Uri: /x\nX-Forwarded-Host: x\n" +
			"X-Forwarded-For: 1.2.3.4\nX-Real-IP: 1.2.3.4\nX-Auth-Request-Redirect: x\nX-Scheme: x\nConnection: X-Secret\nX-Secret: x\nIf-None-Match: *\nRange: bytes=0-0"
		a := s.do(request{url: "http://app.example/a", fields: forged})
		s.wants(a, 200)
		if got := a.echo.Fields["Authorization"]; got != nil {
			t.Errorf("the backend got Authorization %q, which the service did not say", got)
		}
		_, q := o.asked()
		for name, want := range map[string]string{
			"Authorization": "Bearer mine", "X-Original-Url": "http://app.example/a", "X-Original-Uri": "", "X-Forwarded-Uri": "",
			"X-Forwarded-Host": "", "X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Auth-Request-Redirect": "/a",
			"X-Scheme": "", "X-Secret": "", "If-None-Match": "", "Range": "", "Connection": "",
		} {
			if got := q.Header.Get(name); got != want {
				t.Errorf("the service got %s: %q, want %q", name, got, want)
			}
		}
		s.wants(s.do(request{method: "PUT", url: "http://post.example/b?c", fields: forged, body: "text"}), 200)
		_, q = o.asked()
		if q.Method != "POST" {
			t.Errorf("asked with %s", q.Method)
		}
		for name, want := range map[string]string{
			"X-Original-Uri": "/b?c", "X-Scheme": "http", "X-Original-Method": "PUT", "X-Tenant": "default-app",
			"X-Forwarded-Host": "post.example", "X-Auth-Request-Redirect": "https://post.example/b?c",
		} {
			if got := q.Header.Get(name); got != want {
				t.Errorf("with a method the service got %s: %q, want %q", name, got, want)
			}
		}
	})
}

// The service is asked about the path that the endpoint gets.
func TestAuthSeesTheForwardedPath(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", "auth-url: "+o.url+"/oauth2/auth\nauth-method: GET", "/ prefix app"))
		for path, want := range map[string]string{
			"/public/%2e%2e/%61dmin?a=/../b": "/admin?a=/../b",
			"/a%2fb%20c":                     "/a%2Fb%20c",
		} {
			a := s.do(request{url: "http://app.example" + path, fields: "Cookie: session=ann"})
			s.wants(a, 200)
			_, q := o.asked()
			if q.Header.Get("X-Original-Url") != "http://app.example"+want || q.Header.Get("X-Original-Uri") != want {
				t.Errorf("%s: asked about %s and %s, want %s", path, q.Header.Get("X-Original-Url"), q.Header.Get("X-Original-Uri"), want)
			}
		}
	})
}

// WebSocket is asked about like all else, and works.
func TestAuthOfWebSocket(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			_ = c.Write(r.Context(), websocket.MessageText, []byte(r.Header.Get("X-Auth-Request-User")))
		})
		s := serve(t, profile, map[string]http.Handler{"app": app},
			ingress("app", "app.example", "auth-url: "+o.url+"/oauth2/auth\nauth-response-headers: X-Auth-Request-User", "/ prefix app"))
		dial := func(cookie string) (*websocket.Conn, *http.Response, error) {
			return websocket.Dial(t.Context(), "ws://"+s.HTTP+"/", &websocket.DialOptions{Host: "app.example", HTTPHeader: http.Header{"Cookie": {cookie}}})
		}
		if _, res, err := dial("other=1"); err == nil || res.StatusCode != 401 {
			t.Errorf("without a session: %v, %v", res, err)
		}
		c, _, err := dial("session=ann")
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if _, text, err := c.Read(t.Context()); err != nil || string(text) != "ann" {
			t.Errorf("%q, %v", text, err)
		}
		if _, q := o.asked(); q.Header.Get("Upgrade") != "" || q.Header.Get("Connection") != "" {
			t.Errorf("the service got %v", q.Header)
		}
	})
}

// 401 and 403 are the service's answers, all else is 500.
func TestAuthRefuses(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		var b strings.Builder
		for name, path := range map[string]string{"auth": "/oauth2/auth", "redirects": "/redirects", "none": "/none", "slow": "/slow"} {
			b.WriteString(ingress(name, name+".example", "auth-url: "+o.url+path+"\nproxy-read-timeout: 1\nproxy-connect-timeout: 1", "/ prefix app"))
		}
		b.WriteString(ingress("down", "down.example", "auth-url: http://127.0.0.1:1/\nauth-signin: http://login.example/", "/ prefix app"))
		b.WriteString(ingress("names", "names.example", "auth-url: http://nowhere.invalid/", "/ prefix app"))
		b.WriteString(ingress("broken", "broken.example", "auth-url: nowhere", "/ prefix app"))
		b.WriteString(ingress("any", "", "auth-url: http://$host:1/", "/any prefix app"))
		b.WriteString(ingress("always", "always.example", "auth-url: "+o.url+"/oauth2/auth\nauth-always-set-cookie: true", "/ prefix app"))
		s := serve(t, profile, map[string]http.Handler{"app": nil}, b.String())

		a := s.get("http://auth.example/")
		s.wants(a, 401, `WWW-Authenticate: Bearer realm="a", Basic realm="b"`, "Set-Cookie: ", "X-Backend: ")
		s.wants(s.get("http://always.example/"), 401, "Set-Cookie: csrf=1")
		s.wants(s.do(request{url: "http://auth.example/", fields: "Cookie: session=bob"}), 403, "WWW-Authenticate: ")
		s.wants(s.do(request{method: "POST", url: "http://auth.example/", body: "text"}), 401)
		for _, name := range []string{"redirects", "none", "down", "names"} {
			s.wants(s.do(request{url: "http://" + name + ".example/", fields: "Cookie: session=ann"}), 500, "X-Backend: ", "Location: ")
		}
		begin := time.Now()
		s.wants(s.do(request{url: "http://slow.example/", fields: "Cookie: session=ann"}), 500)
		if d := time.Since(begin); d > 6*time.Second {
			t.Errorf("a slow service held a client for %v", d)
		}
		s.wants(s.get("http://broken.example/"), 503)
		s.wants(s.get("http://any.example/any"), 503)
	})
}

// A client that leaves is not asked about any more.
func TestAuthEndsWithTheClient(t *testing.T) {
	gone := make(chan struct{})
	port := startBackend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			close(gone)
		case <-time.After(20 * time.Second):
		}
	}))
	s := serve(t, nginx, map[string]http.Handler{"app": nil}, ingress("app", "app.example", fmt.Sprintf("auth-url: http://127.0.0.1:%d/", port), "/ prefix app"))
	nc, err := net.Dial("tcp", s.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = nc.Write([]byte("GET / HTTP/1.1\r\nHost: app.example\r\n\r\n"))
	time.Sleep(300 * time.Millisecond)
	_ = nc.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the service is still asked for a client that has left")
	}
	s.logs(" 499 ")
}

func TestAuthCaches(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		var mu sync.Mutex
		asked := 0
		port := startBackend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked++
			mu.Unlock()
			c, _ := r.Cookie("session")
			if c == nil {
				w.WriteHeader(401)
				return
			}
			w.Header().Set("X-User", c.Value)
		}))
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", fmt.Sprintf("auth-url: http://127.0.0.1:%d/\nauth-response-headers: X-User\nauth-cache-key: $cookie_session\nauth-cache-duration: 200 401 1m", port), "/ prefix app"))
		expect := func(cookie string, status, times int, user string) {
			t.Helper()
			mu.Lock()
			asked = 0
			mu.Unlock()
			for range 3 {
				a := s.do(request{url: "http://app.example/", fields: cookie})
				s.wants(a, status)
				if a.echo.Fields.Get("X-User") != user {
					t.Errorf("%q is the user %q", cookie, a.echo.Fields.Get("X-User"))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if asked != times {
				t.Errorf("%q was asked about %d times, want %d", cookie, asked, times)
			}
		}
		expect("Cookie: session=ann", 200, 1, "ann")
		expect("Cookie: session=bob", 200, 1, "bob")
		expect("", 401, 3, "") // those without what the key is about have nothing in common
		expect("Cookie: session=ann", 200, 0, "ann")
	})
}

// Global authentication is asked about everybody who does not opt out.
// TestAuthCacheKeepsValuesApart has a client put the beginning of a path at the end of its
// token: what the service has said of one path is nothing that it has said of another.
func TestAuthCacheKeepsValuesApart(t *testing.T) {
	port := startBackend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		original, _ := url.Parse(r.Header.Get("X-Original-Url"))
		if r.Header.Get("Authorization") != "Bearer ann" || !strings.HasPrefix(original.Path, "/public/") {
			w.WriteHeader(403)
		}
	}))
	s := serve(t, nginx, map[string]http.Handler{"app": nil},
		ingress("app", "app.example", fmt.Sprintf("auth-url: http://127.0.0.1:%d/\nauth-cache-key: $http_authorization$request_uri\nauth-cache-duration: 200 403 1m", port), "/ prefix app"))
	s.wants(s.do(request{url: "http://app.example/public/admin", fields: "Authorization: Bearer ann"}), 200)
	s.wants(s.do(request{url: "http://app.example/admin", fields: "Authorization: Bearer ann/public"}), 403)
	s.wants(s.do(request{url: "http://app.example/admin", fields: "Authorization: Bearer ann"}), 403)
}

func TestGlobalAuth(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			configMap("global-auth-url: "+o.url+"/oauth2/auth\nglobal-auth-signin: http://login.example/?a=b\nglobal-auth-signin-redirect-param: next")+
				ingress("app", "app.example", "", "/ prefix app")+
				ingress("open", "open.example", "enable-global-auth: false", "/ prefix app")+
				ingress("own", "own.example", "auth-url: "+o.url+"/none", "/ prefix app"),
			withConfigMap)
		s.wants(s.get("http://app.example/x"), 302, "Location: http://login.example/?a=b&next=http://app.example%2Fx")
		s.wants(s.do(request{url: "http://app.example/x", fields: "Cookie: session=ann"}), 200)
		s.wants(s.get("http://open.example/"), 200)
		s.wants(s.get("http://own.example/"), 500)
	})
}

// T2: whoever verifies a domain is not asked, on a route of its own; below a protected
// route that path is protected as all others.
func TestT2AuthSparesTheChallenge(t *testing.T) {
	o := startOAuth(t)
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "solver": nil},
		ingress("app", "app.example", "auth-url: "+o.url+"/oauth2/auth", "/ prefix app\n/.well-known/acme-challenge/token exact solver")+
			ingress("whole", "whole.example", "auth-url: "+o.url+"/oauth2/auth", "/ prefix app"))
	s.wants(s.get("http://app.example/.well-known/acme-challenge/token"), 200, "X-Backend: solver")
	s.wants(s.get("http://app.example/"), 401)
	s.wants(s.get("http://whole.example/.well-known/acme-challenge/token"), 401)
}

// Clients of HTTP/2 are asked about in the same way; their cookie comes in parts.
func TestAuthOverHTTP2(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", "auth-url: "+o.url+"/oauth2/auth\nauth-signin: https://$host/oauth2/start\nauth-response-headers: X-Auth-Request-User", "/ prefix app"))
		client := http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http2.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // certificates are not what is tested
				DialTLSContext: func(ctx context.Context, network, _ string, config *tls.Config) (net.Conn, error) {
					return (&tls.Dialer{Config: config}).DialContext(ctx, network, s.HTTPS)
				},
			},
		}
		ask := func(cookies ...string) (*http.Response, string) {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://app.example/a", strings.NewReader("text"))
			req.Header["Cookie"] = cookies
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			return res, string(body)
		}
		if res, body := ask(); res.StatusCode != 302 || res.Header.Get("Location") != "https://app.example/oauth2/start?rd=https://app.example%2Fa" {
			t.Errorf("%d, %v, %s", res.StatusCode, res.Header, body)
		}
		res, body := ask("other=1; session=ann")
		if res.StatusCode != 200 || !strings.Contains(body, `"X-Auth-Request-User":["ann"]`) || !strings.Contains(body, `"Body":"text"`) {
			t.Errorf("%d, %v, %s", res.StatusCode, res.Header, body)
		}
		if _, q := o.asked(); strings.Join(q.Header["Cookie"], "|") != "other=1; session=ann" || q.Header.Get("X-Original-Url") != "https://app.example/a" {
			t.Errorf("the service got %v", q.Header)
		}
	})
}

// $host asks a service at the request's own host, at a port that no client chooses.
func TestAuthOfTheOwnHost(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		to, _ := url.Parse(o.url)
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("host", "localhost", "auth-url: http://$host:"+to.Port()+"/oauth2/auth", "/host prefix app")+
				ingress("authority", "localhost", "auth-url: http://$http_host/oauth2/auth", "/authority prefix app"))
		s.wants(s.do(request{url: "http://localhost:1/host", fields: "Cookie: session=ann"}), 200)
		s.wants(s.get("http://localhost:1/host"), 401)
		o.asked()
		s.wants(s.do(request{url: "http://localhost:" + to.Port() + "/authority", fields: "Cookie: session=ann"}), 500)
		if n, _ := o.asked(); n != 0 {
			t.Errorf("a service at a port that the client chose was asked %d times", n)
		}
	})
}

// A service behind the proxy is asked through it; one behind a route that asks it ends
// the round.
func TestAuthThroughTheProxy(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		o := startOAuth(t)
		to, _ := url.Parse(o.url)
		port, _ := strconv.Atoi(to.Port())
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			service("oauth", port)+
				ingress("app", "localhost", "auth-url: http://$http_host/oauth2/auth", "/ prefix app")+
				ingress("oauth", "localhost", "", "/oauth2 prefix oauth")+
				ingress("round", "localhost", "auth-url: http://$http_host/round", "/round prefix app"))
		at := "http://localhost:" + s.HTTP[strings.LastIndex(s.HTTP, ":")+1:]
		s.wants(s.do(request{url: at + "/", fields: "Cookie: session=ann"}), 200, "X-Backend: app")
		s.wants(s.get(at+"/"), 401)
		s.wants(s.get(at+"/round"), 500)
	})
}
