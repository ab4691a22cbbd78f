package hitless

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The annotation of a live Ingress, and then the mode of connections, change under
// load: no request fails, no connection ends, and the exchanges that follow use
// the new memory on the connections that are open.
func TestAllocationModesChangeUnderLoad(t *testing.T) {
	s := startSiteWith(t, manifests{
		"class.yaml":  endlessClass("", ""),
		"slices.yaml": slicesOf("app", backend(t, "a")),
		"tls.yaml":    secret(t, "app-tls", siteHost, 1),
	})
	plain := startLoad(s.HTTP, siteHost, false, 8)
	secure := startLoad(s.HTTPS, siteHost, true, 2)
	progress := func(n int64) {
		t.Helper()
		p, q := plain.requests.Load()+n, secure.requests.Load()+n
		s.until("the load goes on", func() bool { return plain.requests.Load() >= p && secure.requests.Load() >= q })
	}
	s.until("all clients are connected", func() bool { return s.metric(acceptedConnections) >= 10 })
	progress(20)
	// From here on a connection that ends is not replaced.
	close(plain.leave)
	close(secure.leave)
	accepted := s.metric(acceptedConnections)

	for _, mode := range []string{"arena", "greentea", "standard", "greentea", "arena", "standard"} {
		s.write("ingress.yaml", withMode(ingress("app", siteHost, "/"), mode))
		s.until("the route has mode "+mode, func() bool {
			return strings.Contains(s.explain(siteHost),
				"exchange  "+mode+"  (annotation shockwave.dev/allocation-mode of Ingress default/app)\n")
		})
		before := s.exchanges()
		progress(100)
		after := s.exchanges()
		for m := range after {
			grown := after[m] - before[m]
			// An exchange that had begun with each of the connections may end late.
			if m == mode && grown < 200-10 || m != mode && grown > 10 {
				t.Errorf("with mode %s, %v exchanges of mode %s ended", mode, grown, m)
			}
		}
	}

	// The Ingress has mode standard by now, so what is served in other modes are
	// the requests that no route takes: their memory is the connection's.
	for _, c := range []struct{ file, text, mode, from string }{
		{"listener.yaml", listenerConfig("arena"), "arena", "spec.allocationMode of ListenerConfig edge"},
		{"listener.yaml", listenerConfig("greentea"), "greentea", "spec.allocationMode of ListenerConfig edge"},
		{"class.yaml", endlessClass("arena", "edge"), "arena", "annotation shockwave.dev/allocation-mode of IngressClass shockwave"},
		{"class.yaml", endlessClass("", "edge"), "greentea", "spec.allocationMode of ListenerConfig edge"},
	} {
		if c.file == "listener.yaml" {
			s.write("class.yaml", endlessClass("", "edge"))
		}
		s.write(c.file, c.text)
		s.until("connections have mode "+c.mode, func() bool {
			return strings.Contains(s.explain(siteHost), "connection  "+c.mode+"  ("+c.from+")\n")
		})
		before := s.exchanges()
		if _, status := s.get("nobody.example", "/"); status != http.StatusNotFound {
			t.Errorf("an unknown host is %d", status)
		}
		accepted++
		s.until("the exchange is counted as "+c.mode, func() bool { return s.exchanges()[c.mode] > before[c.mode] })
		progress(20)
		if after := s.exchanges(); after[c.mode] != before[c.mode]+1 {
			t.Errorf("connections of mode %s: %v exchanges ended, want 1", c.mode, after[c.mode]-before[c.mode])
		}
	}

	if got := s.metric(acceptedConnections); got != accepted {
		t.Errorf("%v connections were accepted, want %v: the load did not stay on its own", got, accepted)
	}
	if n := plain.closed.Load() + secure.closed.Load(); n > 0 {
		t.Errorf("%d connections were closed", n)
	}
	plain.end(t)
	secure.end(t)
}

const acceptedConnections = `nginx_ingress_controller_nginx_process_connections_total\{.*state="accepted"`

// page returns a page of the admin listener.
func (s *site) page(path string) string {
	s.t.Helper()
	res, err := http.Get("http://" + s.Admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// metric returns the value of the series that a pattern matches, 0 for none.
func (s *site) metric(pattern string) float64 {
	s.t.Helper()
	return value(s.t, s.page("/metrics"), pattern)
}

func value(t *testing.T, page, pattern string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + pattern + `.*\} (.*)$`).FindStringSubmatch(page)
	if found == nil {
		return 0
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// exchanges are those that have ended, by mode.
func (s *site) exchanges() map[string]float64 {
	s.t.Helper()
	page := s.page("/metrics")
	ended := make(map[string]float64)
	for _, mode := range []string{"standard", "arena", "greentea"} {
		ended[mode] = value(s.t, page, `shockwave_alloc_exchanges_total\{.*mode="`+mode+`"`)
	}
	return ended
}

// explain returns what the site says of a request for a host.
func (s *site) explain(host string) string {
	s.t.Helper()
	return s.page("/explain?" + url.Values{"method": {"GET"}, "url": {"http://" + host + "/"}}.Encode())
}

// endlessClass is the IngressClass, with a mode and the name of a ListenerConfig
// where they are not empty. Its connections carry any number of requests.
func endlessClass(mode, config string) string {
	var annotation, parameters string
	if mode != "" {
		annotation = ", shockwave.dev/allocation-mode: " + mode
	}
	if config != "" {
		parameters = ", parameters: {apiGroup: shockwave.dev, kind: ListenerConfig, name: " + config + "}"
	}
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: shockwave
  annotations: {shockwave.dev/keep-alive-requests: "2000000000"%s}
spec: {controller: shockwave.dev/ingress-controller%s}
`, annotation, parameters)
}

func listenerConfig(mode string) string {
	return fmt.Sprintf(`
apiVersion: shockwave.dev/v1alpha1
kind: ListenerConfig
metadata: {name: edge}
spec: {allocationMode: %s}
`, mode)
}

// withMode is an Ingress with the annotation.
func withMode(ingress, mode string) string {
	return strings.Replace(ingress, "namespace: default}", "namespace: default, annotations: {shockwave.dev/allocation-mode: "+mode+"}}", 1)
}
