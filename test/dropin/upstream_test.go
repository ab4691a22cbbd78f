package dropin

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

func TestProxyReadTimeout(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s := serve(t, profile, map[string]http.Handler{"slow": slow}, ingress("shop", "", "proxy-read-timeout: 1", "/ prefix slow"))
		s.wants(s.get("http://shop.example/"), 504)
	})
}

// Bodies of requests are collected before an endpoint is asked, and responses are not
// held back, in the profile of ingress-nginx: a client that sends the half of a body
// reaches nobody, and the first bytes of an answer come before the last ones. (Short
// bodies are collected in either profile.)
func TestU1RequestsAreBufferedAndResponsesAreNot(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		asked, finish := make(chan bool, 8), make(chan bool)
		app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- true
			if r.Method == http.MethodGet {
				_, _ = fmt.Fprint(w, "first")
				_ = http.NewResponseController(w).Flush()
				<-finish
			}
		})
		s := serve(t, profile, map[string]http.Handler{"app": app}, ingress("app", "", "", "/ prefix app"))
		conn, err := net.Dial("tcp", s.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\nhalf-")
		wait := map[string]time.Duration{nginx: 300 * time.Millisecond, kubernetes: 10 * time.Second}[profile]
		select {
		case <-asked:
			if profile == nginx {
				t.Error("the endpoint was asked with half of a body")
			}
		case <-time.After(wait):
			if profile == kubernetes {
				t.Error("the endpoint was not asked while the body comes")
			}
		}

		other, err := net.Dial("tcp", s.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		defer close(finish)
		_, _ = fmt.Fprint(other, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
		_ = other.SetReadDeadline(time.Now().Add(5 * time.Second))
		var got strings.Builder
		buffer := make([]byte, 4096)
		for !strings.Contains(got.String(), "first") {
			n, err := other.Read(buffer)
			if err != nil {
				t.Fatalf("%v after %q", err, got.String())
			}
			got.Write(buffer[:n])
		}
	})
}

// The limits that hold where nobody has set any are those of the profile.
func TestU2Limits(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/head" {
				w.Header().Set("X-Large", strings.Repeat("x", 5<<10))
			}
		})
		s := serve(t, profile, map[string]http.Handler{"app": app}, ingress("app", "", "", "/ prefix app"))
		body, head := 413, 502
		if profile == kubernetes {
			body, head = 200, 200
		}
		s.wants(s.do(request{method: "POST", url: "http://a.example/", body: strings.Repeat("x", 1<<20)}), 200)
		s.wants(s.do(request{method: "POST", url: "http://a.example/", body: strings.Repeat("x", 1<<20+1)}), body)
		s.wants(s.get("http://a.example/head"), head)
	})
}

// Connections to endpoints are kept and used again.
func TestU3ConnectionsAreKept(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		var connections atomic.Int32
		app := httptest.NewUnstartedServer(echoes("app"))
		app.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		app.Start()
		t.Cleanup(app.Close)
		s := serve(t, profile, nil, ingress("app", "", "", "/ prefix app")+"---"+service("app", app.Listener.Addr().(*net.TCPAddr).Port))
		for range 20 {
			s.wants(s.get("http://a.example/"), 200)
		}
		// One may still be on its way back when the next request comes.
		if n := connections.Load(); n > 3 {
			t.Errorf("%d connections for 20 requests one after the other", n)
		}
	})
}

// A request that cannot be sent to one endpoint is sent to the next; one that an
// endpoint has seen is repeated only if that does no harm.
func TestU4Retries(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		nobody := closed.Addr().(*net.TCPAddr).Port
		closed.Close()
		var seen atomic.Int32
		hangsUp := startBackend(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			seen.Add(1)
			panic(http.ErrAbortHandler)
		}))
		good := startBackend(t, echoes("good"))
		s := serve(t, profile, nil, ingress("refused", "refused.example", "", "/ prefix refused")+
			ingress("broken", "broken.example", "", "/ prefix broken")+
			"---"+service("refused", nobody, good)+"---"+service("broken", hangsUp))
		for _, method := range []string{"GET", "POST"} {
			for range 4 {
				s.wants(s.do(request{method: method, url: "http://refused.example/", body: "x"}), 200, "X-Backend: good")
			}
		}
		s.wants(s.do(request{method: "POST", url: "http://broken.example/", body: "x"}), 502)
		if n := seen.Load(); n != 1 {
			t.Errorf("a POST was sent %d times", n)
		}
	})
}

// A port is meant by its number, its name or its targetPort.
func TestU7PortsAreFound(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		manifest := ""
		for host, port := range map[string]string{"number": "number: 80", "name": "name: http", "target": "number: 8080"} {
			manifest += strings.Replace(ingress(host, host+".example", "", "/ prefix app"), "number: 80", port, 1)
		}
		manifest += strings.Replace(ingress("none", "none.example", "", "/ prefix app"), "number: 80", "number: 81", 1)
		s := serve(t, profile, map[string]http.Handler{"app": nil}, manifest)
		for host, status := range map[string]int{"number": 200, "name": 200, "target": 200, "none": 503} {
			if a := s.get("http://" + host + ".example/"); a.status != status {
				t.Errorf("%s: %d, want %d", host, a.status, status)
			}
		}
	})
}

// A Service of type ExternalName must not lead to this host.
func TestU8ExternalNamesOfThisHostAreRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		port := startBackend(t, echoes("secret"))
		manifest := ""
		for i, name := range []string{"localhost", "127.0.0.1", "169.254.169.254", "localhost.", "127.1"} {
			service := fmt.Sprintf("out%d", i)
			manifest += strings.Replace(ingress(service, service+".example", "", "/ prefix "+service), "number: 80", fmt.Sprintf("number: %d", port), 1) +
				fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {type: ExternalName, externalName: %q}\n", service, name)
		}
		s := serve(t, profile, nil, manifest)
		for i := range 5 {
			s.wants(s.get(fmt.Sprintf("http://out%d.example/", i)), 503)
		}
	})
}

// What an endpoint's certificate says does not matter, until proxy-ssl-verify is on.
func TestU12CertificatesOfEndpointsAreNotVerified(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		app := httptest.NewTLSServer(echoes("app"))
		t.Cleanup(app.Close)
		s := serve(t, profile, nil, ingress("app", "app.example", "backend-protocol: HTTPS", "/ prefix app")+
			ingress("strict", "strict.example", "backend-protocol: HTTPS\nproxy-ssl-verify: on", "/ prefix app")+
			"---"+service("app", app.Listener.Addr().(*net.TCPAddr).Port))
		s.wants(s.get("http://app.example/"), 200)
		s.wants(s.get("http://strict.example/"), 502)
	})
}

// A cookie that is set over https is Secure, whatever session-cookie-secure says under
// the prefix of ingress-nginx.
func TestR4CookiesOverHTTPSAreSecure(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			ingress("app", "app.example", "affinity: cookie\nsession-cookie-secure: false", "/ prefix app"))
		for scheme, want := range map[string]bool{"http": false, "https": true} {
			cookie := s.get(scheme + "://app.example/").fields.Get("Set-Cookie")
			if !strings.HasPrefix(cookie, "INGRESSCOOKIE=") || strings.Contains(cookie, "Secure") != want {
				t.Errorf("over %s: %q", scheme, cookie)
			}
		}
	})
}

// Which Ingresses are ours: by spec.ingressClassName, or else by the annotation, or
// else by a flag; and a default class is a matter of admission.
func TestC1Classes(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		of := func(name, class, annotation string) string {
			text := ingress(name, name+".example", "", "/ prefix app")
			text = strings.Replace(text, "  ingressClassName: nginx\n", class, 1)
			return strings.Replace(text, "    example.com/none: \"\"\n", "    example.com/none: \"\"\n"+annotation, 1)
		}
		manifests := of("field", "  ingressClassName: nginx\n", "") +
			of("annotation", "", "    kubernetes.io/ingress.class: nginx\n") +
			of("other-field", "  ingressClassName: traefik\n", "    kubernetes.io/ingress.class: nginx\n") +
			of("other-annotation", "", "    kubernetes.io/ingress.class: traefik\n") +
			of("missing", "  ingressClassName: no-such-class\n", "") +
			of("none", "", "")
		for _, c := range []struct {
			flag string
			none int
		}{{"--watch-ingress-without-class=false", 404}, {"--watch-ingress-without-class", 200}} {
			s := serve(t, profile, map[string]http.Handler{"app": nil}, manifests, c.flag)
			for name, want := range map[string]int{
				"field": 200, "annotation": 200, "other-field": 404, "other-annotation": 404, "missing": 404, "none": c.none,
			} {
				if a := s.get("http://" + name + ".example/"); a.status != want {
					t.Errorf("%s, %s: %d, want %d", c.flag, name, a.status, want)
				}
			}
		}
	})
}

// What operators ask on port 10254.
func TestC8HealthAndMetrics(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, ingress("app", "app.example", "", "/ prefix app"))
		s.wants(s.get("http://app.example/"), 200)
		for path, want := range map[string]string{
			"/healthz": "ok", "/metrics": `nginx_ingress_controller_requests{`,
		} {
			// An exchange is counted once its answer has left.
			s.eventually(path+" with "+want, func() bool { return strings.Contains(s.admin(path), want) })
		}
	})
}

// A certificate without the host among its alternative names is not shown, whatever
// its common name is.
func TestR6CommonNamesDoNotCount(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		named := keypair.Like(t, x509.Certificate{Subject: pkix.Name{CommonName: "app.example"}})
		listed := keypair.New(t, "good.example")
		tlsOf := func(name string) string {
			return ingress(name, name+".example", "", "/ prefix app") + "  tls: [{secretName: " + name + "}]\n"
		}
		s := serve(t, profile, map[string]http.Handler{"app": nil},
			tlsOf("app")+tlsOf("good")+named.Secret("default", "app")+listed.Secret("default", "good"))
		for host, want := range map[string]bool{"app.example": false, "good.example": true} {
			conn, err := tls.Dial("tcp", s.HTTPS, &tls.Config{ServerName: host, InsecureSkipVerify: true}) //nolint:gosec // what is shown is looked at
			if err != nil {
				t.Fatal(err)
			}
			shown := conn.ConnectionState().PeerCertificates[0].Subject.CommonName
			conn.Close()
			if (shown == host) != want {
				t.Errorf("%s is shown the certificate of %s", host, shown)
			}
		}
	})
}
