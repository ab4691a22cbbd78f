package dropin

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// status answers with the status that the path tells, such as /404.
func status(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			code = 200
		}
		w.Header().Set("X-Backend", name)
		if code == 401 {
			w.Header().Set("WWW-Authenticate", `Basic realm="app"`)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "the application's own words\n")
	})
}

// pages is a backend for errors: it answers with the status X-Code, but 410 for 404,
// and with what it received.
func pages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		code, _ := strconv.Atoi(r.Header.Get("X-Code"))
		switch code {
		case 0:
			code = 418
		case 404:
			code = 410
		}
		w.Header().Set("X-Backend", "pages")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(echo{"pages", r.Method, r.RequestURI, r.Host, r.Header, string(body)})
	})
}

func TestCustomErrorsAreThoseOfTheDefaultBackend(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": status("app"), "pages": pages()},
			ingress("app", "app.example", "custom-http-errors: 401,404,503,502\ndefault-backend: pages", "/ prefix app"))
		s.wants(s.get("http://app.example/ok"), 200, "X-Backend: app")
		s.wants(s.get("http://app.example/403"), 403, "X-Backend: app")
		a := s.do(request{method: "POST", url: "http://app.example/404?a=b", body: "text", fields: strings.Join([]string{
			"Accept: application/json", "X-Code: 200", "Range: bytes=0-1", "If-None-Match: *", "X-Request-ID: 0123456789abcdef", "Content-Type: text/plain",
		}, "\n")})
		s.wants(a, 410, "X-Backend: pages") // the status is that of the backend for errors
		e := a.echo
		if e.Method != "POST" || e.Target != "/?a=b" || e.Host != "app.example" || e.Body != "" {
			t.Errorf("pages was asked %+v", e)
		}
		for name, want := range map[string]string{
			"X-Code": "404", "X-Format": "application/json", "X-Original-Uri": "/404?a=b", "X-Namespace": "default", "X-Ingress-Name": "app",
			"X-Service-Name": "app", "X-Service-Port": "80", "X-Request-Id": "0123456789abcdef", "Range": "", "If-None-Match": "", "Content-Type": "", "Content-Length": "0",
		} {
			if got := strings.Join(e.Fields.Values(name), "|"); got != want {
				t.Errorf("pages got %s %q, want %q", name, got, want)
			}
		}
		a = s.do(request{method: "HEAD", url: "http://app.example/503"})
		if s.wants(a, 503, "X-Backend: pages"); a.body != "" {
			t.Errorf("HEAD has a body: %q", a.body)
		}
		s.wants(s.get("http://app.example/401"), 401, "X-Backend: pages", `Www-Authenticate: Basic realm="app"`)
	})
}

func TestCustomErrorsReplaceAnswersOfTheProxy(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": status("app"), "pages": pages()},
			ingress("app", "app.example", "custom-http-errors: 413,502,503\ndisable-proxy-intercept-errors: true\ndefault-backend: pages\nproxy-body-size: 10", "/ prefix app\n/dead prefix dead")+
				"---"+service("dead", closedPort(t)))
		s.wants(s.get("http://app.example/503"), 503, "X-Backend: app")
		a := s.do(request{method: "POST", url: "http://app.example/", body: strings.Repeat("x", 100)})
		s.wants(a, 413, "X-Backend: pages")
		a = s.get("http://app.example/dead")
		if s.wants(a, 502, "X-Backend: pages"); a.echo.Fields.Get("X-Service-Name") != "dead" {
			t.Errorf("pages got %v", a.echo.Fields)
		}
	})
}

// TestCustomErrorsTellNoSecretsAndNoLies has somebody refused: who draws the page for that
// gets neither the password nor what the client says of itself.
func TestCustomErrorsTellNoSecretsAndNoLies(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"app": nil, "pages": pages()}, usersSecret+
		ingress("basic", "basic.example", "auth-type: basic\nauth-secret: users\ncustom-http-errors: 401\ndefault-backend: pages", "/ prefix app")+
		ingress("ext", "ext.example", "auth-url: http://127.0.0.1:1/\nauth-response-headers: X-User\ncustom-http-errors: 500\ndefault-backend: pages", "/ prefix app"))
	a := s.do(request{url: "http://basic.example/", fields: login("jane", "s3crt")})
	s.wants(a, 401, "X-Backend: pages")
	if got := a.echo.Fields.Get("Authorization"); got != "" {
		t.Errorf("pages got the credentials %q", got)
	}
	a = s.do(request{url: "http://ext.example/", fields: "X-User: root"})
	s.wants(a, 500, "X-Backend: pages")
	if got := a.echo.Fields.Get("X-User"); got != "" {
		t.Errorf("pages was told that the client is %q", got)
	}
}

func TestDefaultBackendIsToldWhatTheClientNominates(t *testing.T) {
	s := serve(t, nginx, map[string]http.Handler{"pages": pages()},
		ingress("app", "app.example", "default-backend: pages", "/ prefix none")+"---"+service("none"))
	a := s.raw("GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close, X-Code\r\n\r\n")
	if a.status != 503 || !strings.Contains(a.body, `"X-Code":["503"]`) {
		t.Errorf("%d: %s", a.status, a.body)
	}
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestCustomErrorsWithoutABackendAreOurPages(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		garbage := startRaw(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "nonsense\r\n\r\n")
		})
		s := serve(t, profile, map[string]http.Handler{"app": status("app")},
			ingress("none", "none.example", "custom-http-errors: 404", "/ prefix app")+
				ingress("dead", "dead.example", "custom-http-errors: 404\ndefault-backend: dead", "/ prefix app")+
				ingress("bad", "bad.example", "custom-http-errors: 404\ndefault-backend: bad", "/ prefix app")+
				"---"+service("dead", closedPort(t))+"---"+service("bad", garbage, garbage))
		for _, host := range []string{"none", "dead", "bad"} {
			a := s.get("http://" + host + ".example/404")
			if s.wants(a, 404, "X-Backend: "); !strings.Contains(a.body, "<h1>404 Not Found</h1>") {
				t.Errorf("%s: the body is %q", host, a.body)
			}
		}
	})
}

func TestDefaultBackendServesWhileThereAreNoEndpoints(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"pages": nil},
			ingress("app", "app.example", "default-backend: pages", "/ prefix app\n/missing prefix missing")+
				ingress("none", "none.example", "", "/ prefix app")+"---"+service("app"))
		s.wants(s.get("http://none.example/a"), 503)
		for path, name := range map[string]string{"/a?b": "app", "/missing": ""} {
			a := s.do(request{method: "PUT", url: "http://app.example" + path, body: "text", fields: "X-Code: 1"})
			s.wants(a, 200, "X-Backend: pages")
			e := a.echo
			if e.Target != path || e.Body != "text" || e.Fields.Get("X-Service-Name") != name || strings.Join(e.Fields.Values("X-Code"), "|") != "503" {
				t.Errorf("pages got %+v", e)
			}
		}
		s.write("app.yaml", service("app", startBackend(t, echoes("app"))))
		s.eventually("endpoints", func() bool { return s.get("http://app.example/").fields.Get("X-Backend") == "app" })
	})
}

func TestU5NobodysHostIsNotFoundAndNoEndpointsAreUnavailable(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", "", "/a prefix app\n/empty prefix empty\n/missing prefix missing")+"---"+service("empty"))
		s.wants(s.get("http://app.example/a"), 200)
		s.wants(s.get("http://app.example/empty"), 503)
		s.wants(s.get("http://app.example/missing"), 503)
		s.wants(s.get("http://app.example/b"), 404)
		s.wants(s.get("http://other.example/"), 404)
	})
}

func TestCustomErrorsOfTheConfigMap(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": status("app"), "pages": pages()},
			configMap("custom-http-errors: 404,500")+ingress("app", "app.example", "", "/ prefix app")+ingress("own", "own.example", "custom-http-errors: 501", "/ prefix app"),
			withConfigMap, "--default-backend-service", "default/pages")
		s.wants(s.get("http://app.example/404"), 410, "X-Backend: pages")
		s.wants(s.get("http://app.example/500"), 500, "X-Backend: pages")
		s.wants(s.get("http://app.example/501"), 501, "X-Backend: app")
		s.wants(s.get("http://own.example/404"), 404, "X-Backend: app")
		s.wants(s.get("http://own.example/501"), 501, "X-Backend: pages")
		// The default backend's own errors are its pages: it is not asked twice.
		s.wants(s.get("http://other.example/"), 418, "X-Backend: pages")
	})
}

// An endpoint that answers with an error before it has read the request: the page comes,
// although the client has not sent all, and the connection of the client is not misused.
func TestCustomErrorsWhileTheClientStillSends(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		early := startRaw(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n")
			_, _ = io.Copy(io.Discard, c)
		})
		s := serve(t, profile, map[string]http.Handler{"pages": pages()},
			ingress("app", "app.example", "custom-http-errors: 404\ndefault-backend: pages\nproxy-request-buffering: off", "/ prefix app")+"---"+service("app", early))
		for range 3 {
			c, err := net.Dial("tcp", s.HTTP)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(c, "POST /a HTTP/1.1\r\nHost: app.example\r\nContent-Length: 500000\r\n\r\n%s", strings.Repeat("x", 50000))
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(a.Body)
			if err != nil || a.StatusCode != 410 || a.Header.Get("X-Backend") != "pages" {
				t.Errorf("got %d %v %.200s, error %v", a.StatusCode, a.Header, body, err)
			}
			_ = c.Close()
		}
	})
}

// startRaw serves connections until the test ends, and returns its port.
func startRaw(t *testing.T, serve func(net.Conn)) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// Nothing of a response that was replaced is left on a connection of the client.
func TestCustomErrorsLeaveConnectionsInOrder(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": status("app"), "pages": pages()},
			ingress("app", "app.example", "custom-http-errors: 404,503\ndefault-backend: pages", "/ prefix app"))
		c, err := net.Dial("tcp", s.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		r := bufio.NewReader(c)
		for i := range 5 {
			for _, step := range []struct {
				head, body string
				status     int
				from       string
			}{
				{"GET /404", "", 410, "pages"},
				{"GET /200", "", 200, "app"},
				{"POST /503", "text", 503, "pages"},
				{"POST /503", strings.Repeat("x", 100000), 503, "pages"},
				{"PUT /200", "text", 200, "app"},
				{"HEAD /404", "", 410, "pages"},
				{"GET /403", "", 403, "app"},
			} {
				fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: app.example\r\nContent-Length: %d\r\n\r\n%s", step.head, len(step.body), step.body)
				method, _, _ := strings.Cut(step.head, " ")
				a, err := http.ReadResponse(r, &http.Request{Method: method})
				if err != nil {
					t.Fatalf("%d: %s: %v", i, step.head, err)
				}
				_, err = io.Copy(io.Discard, a.Body)
				if err != nil || a.StatusCode != step.status || a.Header.Get("X-Backend") != step.from {
					t.Errorf("%d: %s: %d from %s, want %d from %s; error %v", i, step.head, a.StatusCode, a.Header.Get("X-Backend"), step.status, step.from, err)
				}
				if a.Close {
					t.Fatalf("%d: %s: the connection ends", i, step.head)
				}
			}
		}
	})
}

// Endpoints that speak HTTP/2, with a request that is still being sent when they answer.
func TestCustomErrorsOfHTTP2Endpoints(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		server := httptest.NewUnstartedServer(status("app"))
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
		t.Cleanup(server.Close)
		s := serve(t, profile, map[string]http.Handler{"pages": pages()},
			ingress("app", "app.example", "backend-protocol: GRPC\ncustom-http-errors: 404\ndefault-backend: pages\nproxy-request-buffering: off", "/ prefix app")+
				"---"+service("app", server.Listener.Addr().(*net.TCPAddr).Port))
		s.wants(s.get("http://app.example/200"), 200, "X-Backend: app")
		s.wants(s.get("http://app.example/404"), 410, "X-Backend: pages")
		for range 3 {
			c, err := net.Dial("tcp", s.HTTP)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(c, "POST /404 HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, a.Body)
			if err != nil || a.StatusCode != 410 || a.Header.Get("X-Backend") != "pages" {
				t.Errorf("got %d %v, error %v", a.StatusCode, a.Header, err)
			}
			_ = c.Close()
		}
	})
}

// A client that leaves while its page is waited for leaves nothing behind.
func TestCustomErrorsForAClientThatLeaves(t *testing.T) {
	asked, left := make(chan struct{}, 1), make(chan struct{}, 1)
	slow := startRaw(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
		left <- struct{}{}
	})
	s := serve(t, nginx, map[string]http.Handler{"app": status("app")},
		ingress("app", "app.example", "custom-http-errors: 404\ndefault-backend: slow", "/ prefix app")+"---"+service("slow", slow))
	c, err := net.Dial("tcp", s.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /404 HTTP/1.1\r\nHost: app.example\r\n\r\n")
	<-asked
	_ = c.Close()
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the backend for errors is still waited for")
	}
	s.wants(s.get("http://app.example/200"), 200)
}
