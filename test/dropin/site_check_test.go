package dropin

import (
	"net/http"
	"strings"
	"testing"
)

// The site does what the tests of this package rely on.
func TestSiteServes(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, map[string]http.Handler{"app": nil}, ingress("app", "app.example", "", "/ prefix app"))
		a := s.do(request{method: "POST", url: "http://app.example/a?b", fields: "X-Some: thing", body: "text"})
		s.wants(a, 200, "X-Backend: app")
		if e := a.echo; e.Target != "/a?b" || e.Body != "text" || e.Fields.Get("X-Some") != "thing" || e.Host != "app.example" || e.Method != "POST" {
			t.Errorf("the backend got %+v", e)
		}
		s.wants(s.get("http://other.example/"), 404)
		if text := s.configuration(); !strings.Contains(text, "default/app:80") {
			t.Errorf("/configuration has no default/app:80:\n%s", text)
		}
	})
}
