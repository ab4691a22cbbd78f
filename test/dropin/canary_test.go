package dropin

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// canaries are a primary "main" and a canary "next" on app.example, with these
// annotations.
func canaries(primary, canary string) string {
	return ingress("main", "app.example", primary, "/ prefix main") +
		ingress("next", "app.example", "canary: true\n"+canary, "/ prefix next")
}

var mainAndNext = map[string]http.Handler{"main": nil, "next": nil}

// count asks n times, with these fields, and counts the answers of the backends.
func (s *site) count(n int, fields string) map[string]int {
	s.t.Helper()
	got := make(map[string]int)
	for range n {
		a := s.do(request{url: "http://app.example/", fields: fields})
		s.wants(a, 200)
		got[a.echo.Backend]++
	}
	return got
}

// backendOf asks once.
func (s *site) backendOf(url, fields string) string {
	s.t.Helper()
	a := s.do(request{url: url, fields: fields})
	s.wants(a, 200)
	return a.echo.Backend
}

func TestCanaryRulesDecideInTheirOrder(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, canaries("",
			"canary-by-header: X-Canary\ncanary-by-cookie: canary\ncanary-weight: 0\n"))
		for fields, want := range map[string]string{
			"":                                       "main",
			"X-Canary: always":                       "next",
			"x-canary: always":                       "next",
			"X-Canary: never":                        "main",
			"X-Canary: other":                        "main",
			"Cookie: canary=always":                  "next",
			"Cookie: a=b; canary=always":             "next",
			"Cookie: canary=never":                   "main",
			"Cookie: canary=alwaysnot":               "main",
			"X-Canary: other\nCookie: canary=always": "next", // falls through
			"X-Canary: never\nCookie: canary=always": "main",
			"X-Canary: always\nCookie: canary=never": "next",
		} {
			if got := s.backendOf("http://app.example/a", fields); got != want {
				t.Errorf("%q goes to %s, want %s", fields, got, want)
			}
		}
	})
}

func TestCanaryHeaderValueAndPattern(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext,
			canaries("", "canary-by-header: X-User\ncanary-by-header-value: ann\ncanary-by-header-pattern: bob\n")+
				ingress("main2", "two.example", "", "/ prefix main")+
				ingress("next2", "two.example", "canary: true\ncanary-by-header: X-User\ncanary-by-header-pattern: ^b[aeiou]b$\n", "/ prefix next")+
				ingress("main3", "three.example", "", "/ prefix third")+
				ingress("next3", "three.example", "canary: true\ncanary-by-header: X-User\ncanary-by-header-pattern: ^(?=a)\n", "/ prefix next")+
				"---"+service("third", startBackend(t, echoes("third"))))
		for _, c := range []struct{ host, user, want string }{
			{"app.example", "ann", "next"},
			{"app.example", "annette", "main"},
			{"app.example", "bob", "main"}, // the value goes before the pattern
			{"app.example", "always", "main"},
			{"three.example", "always", "third"}, // an expression that is not understood matches nothing
			{"three.example", "a", "third"},
		} {
			if got := s.backendOf("http://"+c.host+"/", "X-User: "+c.user); got != c.want {
				t.Errorf("%s of %s goes to %s, want %s", c.user, c.host, got, c.want)
			}
		}
		if profile == kubernetes { // in the other one the first canary of a Service is that of all hosts (U10)
			for user, want := range map[string]string{"bob": "next", "bib": "next", "bobby": "main", "always": "main"} {
				if got := s.backendOf("http://two.example/", "X-User: "+user); got != want {
					t.Errorf("%s goes to %s, want %s", user, got, want)
				}
			}
		}
	})
}

func TestCanaryWeightIsAShare(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, canaries("", "canary-weight: 60\ncanary-weight-total: 200\n"))
		const n = 600 // 180 expected, standard deviation 11
		if got := s.count(n, "")["next"]; got < 120 || got > 240 {
			t.Errorf("%d of %d went to the canary, want about 180", got, n)
		}
	})
}

// What Argo Rollouts and Flagger do: they raise canary-weight in steps, route testers by a
// header, and go back to 0.
func TestCanaryWeightsChangeInSteps(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, ingress("app", "app.example", "proxy-read-timeout: 30", "/ prefix main"))
		step := func(annotations string) {
			// Both copy what the primary has, and add canary-*.
			s.write("canary.yaml", ingress("app-canary", "app.example", "proxy-read-timeout: 30\n"+annotations, "/ prefix next"))
		}
		wants := func(what string, least, most int) {
			t.Helper()
			s.eventually(what, func() bool {
				got := s.count(40, "")["next"]
				return got >= least && got <= most
			})
		}
		step("canary: true\ncanary-weight: 0")
		wants("weight 0", 0, 0)
		step("canary: true\ncanary-weight: 50")
		wants("weight 50", 5, 35)
		step("canary: true\ncanary-weight: 100")
		wants("weight 100", 40, 40)
		step("canary: true\ncanary-by-header: X-Canary\ncanary-by-header-value: insider\ncanary-weight: 0")
		wants("testers only", 0, 0)
		s.eventually("testers", func() bool { return s.count(5, "X-Canary: insider")["next"] == 5 })
		step("canary: true\ncanary-weight: 0")
		s.eventually("back to 0", func() bool { return s.count(5, "X-Canary: insider")["next"] == 0 })
		if text := s.metrics(); !strings.Contains(text, `canary="default-next-80"`) || !strings.Contains(text, `canary=""`) {
			t.Error("metrics tell no canary")
		}
		for line := range strings.Lines(s.metrics()) {
			if strings.HasPrefix(line, "nginx_ingress_controller_requests{") && strings.Contains(line, "default-next-80") && !strings.Contains(line, `ingress="app"`) {
				t.Errorf("not of the primary: %s", line)
			}
		}
	})
}

func TestR5CanaryWithoutEndpointsLeavesAllToItsPrimary(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"main": nil}, canaries("", "canary-weight: 100\n")+"---"+service("next"))
		if got := s.count(10, ""); got["main"] != 10 {
			t.Errorf("got %v", got)
		}
	})
}

func TestU10CanaryLeaksToHostsOfTheSameService(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, canaries("", "canary-weight: 100\n")+
			ingress("other", "other.example", "", "/b prefix main"))
		want := map[string]string{nginx: "next", kubernetes: "main"}[profile]
		if got := s.backendOf("http://app.example/", ""); got != "next" {
			t.Errorf("app.example goes to %s", got)
		}
		if got := s.backendOf("http://other.example/b", ""); got != want {
			t.Errorf("other.example goes to %s, want %s", got, want)
		}
	})
}

// Values that cannot be used never give a canary all requests.
func TestCanaryThatIsMalformedTakesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		for _, annotations := range []string{
			"canary: maybe\ncanary-weight: 100", "canary: true\ncanary-weight: 50%", "canary: true\ncanary-weight: -1",
			"canary: true\ncanary-weight: 101", "canary: true\ncanary-weight-total: 0\ncanary-weight: 200", "canary: true",
			"canary: true\ncanary-by-header: X Y\ncanary-by-header-value: z", "canary: true\ncanary-by-header-pattern: .*",
			"canary: true\ncanary-weight: 100\nbackend-protocol: NONE",
			"canary: true\ncanary-weight: 100\nmodsecurity-snippet: x",
		} {
			t.Run("", func(t *testing.T) {
				s := serve(t, profile, mainAndNext,
					// The name makes it win where both are equally old.
					ingress("z-next", "app.example", annotations, "/ prefix next")+ingress("main", "app.example", "", "/ prefix main"))
				if got := s.count(5, "X-Canary: always"); got["main"] != 5 {
					t.Errorf("%q: got %v", annotations, got)
				}
			})
		}
	})
}

func TestCanaryKeepsClientsOnTheirSide(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		for _, mode := range []string{"balanced", "persistent"} {
			t.Run(mode, func(t *testing.T) {
				s := serve(t, profile, mainAndNext, canaries("affinity: cookie\naffinity-mode: "+mode,
					"canary-by-header: X-Canary\ncanary-weight: 50\n"))
				for header, want := range map[string]string{"always": "next", "never": "main"} {
					first := s.do(request{url: "http://app.example/", fields: "X-Canary: " + header})
					s.wants(first, 200, "X-Backend: "+want)
					cookie, _, _ := strings.Cut(first.fields.Get("Set-Cookie"), ";")
					if !strings.HasPrefix(cookie, "INGRESSCOOKIE=") {
						t.Fatalf("%s: no cookie: %v", mode, first.fields)
					}
					if got := s.count(20, "Cookie: "+cookie); got[want] != 20 {
						t.Errorf("%s: with the cookie of %s: %v", mode, want, got)
					}
					// The side goes before the header.
					if got := s.backendOf("http://app.example/", "X-Canary: always\nCookie: "+cookie); got != want {
						t.Errorf("%s: with cookie of %s and header: %s", mode, want, got)
					}
				}
				stranger := "Cookie: INGRESSCOOKIE=" + strings.Repeat("a", 32) + "|" + strings.Repeat("b", 16)
				a := s.do(request{url: "http://app.example/", fields: stranger})
				if s.wants(a, 200); a.fields.Get("Set-Cookie") == "" {
					t.Errorf("%s: whose endpoint is gone got no cookie", mode)
				}
			})
		}
	})
}

func TestCanaryLegacyDecidesForEachRequest(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, canaries("affinity: cookie",
			"canary-by-header: X-Canary\ncanary-weight: 0\naffinity-canary-behavior: legacy\n"))
		a := s.do(request{url: "http://app.example/", fields: "X-Canary: always"})
		s.wants(a, 200, "X-Backend: next", "Set-Cookie: ")
		a = s.get("http://app.example/")
		cookie, _, _ := strings.Cut(a.fields.Get("Set-Cookie"), ";")
		if got := s.backendOf("http://app.example/", "X-Canary: always\nCookie: "+cookie); got != "next" || cookie == "" {
			t.Errorf("with %q it goes to %s", cookie, got)
		}
	})
}

func TestU7PodsAreAskedUnlessServiceUpstreamIsOn(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		port := startBackend(t, echoes("cluster"))
		clusterIP := fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {clusterIP: 127.0.0.1, ports: [{name: http, port: %[1]d, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-0, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
ports: [{name: http, port: %[2]d}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
`, port, startBackend(t, echoes("pod")))
		rules := func(name, host, annotations string) string {
			return strings.ReplaceAll(ingress(name, host, annotations, "/ prefix app"), "number: 80}", fmt.Sprintf("number: %d}", port))
		}
		s := serve(t, profile, nil, clusterIP+rules("pods", "pods.example", "")+rules("cluster", "cluster.example", "service-upstream: true"))
		s.wants(s.get("http://pods.example/"), 200, "X-Backend: pod")
		s.wants(s.get("http://cluster.example/"), 200, "X-Backend: cluster")
	})
}

// A canary may speak what its primary does not.
func TestCanaryMaySpeakAnotherProtocol(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		server := httptest.NewUnstartedServer(echoes("next"))
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
		t.Cleanup(server.Close)
		s := serve(t, profile, map[string]http.Handler{"main": nil},
			canaries("", "canary-by-header: X-Canary\nbackend-protocol: GRPC\n")+
				"---"+service("next", server.Listener.Addr().(*net.TCPAddr).Port))
		for range 3 {
			for header, want := range map[string]string{"always": "next", "never": "main"} {
				a := s.do(request{method: "POST", url: "http://app.example/a?b", body: "text", fields: "X-Canary: " + header})
				s.wants(a, 200, "X-Backend: "+want)
				if a.echo.Target != "/a?b" || a.echo.Body != "text" || a.echo.Host != "app.example" {
					t.Errorf("%s got %+v", want, a.echo)
				}
			}
		}
	})
}

func TestCanaryIsLogged(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, mainAndNext, canaries("", "canary-by-header: X-Canary\n"))
		s.wants(s.do(request{url: "http://app.example/one", fields: "X-Canary: always"}), 200)
		s.wants(s.do(request{url: "http://app.example/two"}), 200)
		s.logs(`"GET /one HTTP/1\.1" 200 .* \[default-main-80\] \[default-next-80\] 127`)
		s.logs(`"GET /two HTTP/1\.1" 200 .* \[default-main-80\] \[\] 127`)
	})
}
