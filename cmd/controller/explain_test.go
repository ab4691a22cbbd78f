package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const explained = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {shockwave.dev/allocation-mode: arena}
spec:
  ingressClassName: shockwave
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}
      - {path: /cart, pathType: Exact, backend: {service: {name: nobody, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [127.0.0.1]}]
`

func TestExplainManifests(t *testing.T) {
	out, err := shockwave(t, explained, "explain", "GET", "http://127.0.0.1/cart/7", "-H", "Host: SHOP.example", "-f", "-", "--allocation-mode=greentea")
	want := `GET http://127.0.0.1/cart/7
  asks shop.example for /cart/7
  is forwarded to default/cart:80

host shop.example
  exact: it is the host that was asked for

route  /  prefix
  it is the longest prefix that covers the path
  Ingress default/shop  standard input:6

upstream default/cart:80
  127.0.0.1:8080

allocation mode
  connection  greentea  (--allocation-mode)
  exchange  arena  (annotation shockwave.dev/allocation-mode of Ingress default/shop)

other routes of the host
  /cart  exact  -  Ingress default/shop  standard input:6: exact path differs

there is 1 problem in the manifests: see ` + "`shockwave check`\n"
	if err != nil || out != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(explained), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = shockwave(t, "", "explain", "GET", "shop.example/cart", "-f", filepath.Dir(file), "-o", "json")
	var form struct {
		Answer       struct{ Status int }
		MatchedRoute struct {
			Route struct{ Ingress struct{ File string } }
		}
	}
	if e := json.Unmarshal([]byte(out), &form); err != nil || e != nil {
		t.Fatalf("%v, %v\n%s", err, e, out)
	}
	if form.Answer.Status != 503 || !strings.HasSuffix(form.MatchedRoute.Route.Ingress.File, "shop.yaml") {
		t.Errorf("%+v", form)
	}
}

// The class that is meant is found as check finds it, so that manifests for ingress-nginx
// need no flags.
func TestExplainFindsTheClass(t *testing.T) {
	manifest := strings.Replace(explained, "ingressClassName: shockwave", "ingressClassName: nginx", 1)
	if manifest == explained {
		t.Fatal("the Ingress has another class")
	}
	out, err := shockwave(t, manifest, "explain", "GET", "http://shop.example/cart/7", "-f", "-")
	if err != nil || !strings.Contains(out, "is forwarded to default/cart:80") || !strings.Contains(out, "note: The IngressClass nginx is not in these files") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = shockwave(t, manifest, "explain", "GET", "http://shop.example/cart/7", "-f", "-", "--ingress-class=shockwave")
	if err != nil || !strings.Contains(out, "is answered 404") {
		t.Errorf("with a flag: %v\n%s", err, out)
	}
}

func TestExplainMistakes(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	_ = free.Close()
	page := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = fmt.Fprintln(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	starting, other, elsewhere := page(503, "no configuration is served yet"), page(404, "404 page not found"), page(302, "")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "say what to explain: a method and a URL, as in `shockwave explain GET http://shop.example/cart`"},
		{[]string{"GET"}, "say what to explain: a method and a URL, as in `shockwave explain GET http://shop.example/cart`"},
		{[]string{"GET", "/cart", "-f", "-"}, `URL "/cart" has no host: write http://HOST/PATH, or say it with -H 'Host: NAME'`},
		{[]string{"GET", "http://a/", "-H", "Host"}, `"Host" is no field: write -H 'Name: value'`},
		{[]string{"GET", "http://a/", "-o", "xml"}, `--output: "xml" is neither text nor json`},
		{[]string{"GET", "http://a/", "-f", "/does/not/exist"}, "--filename: stat /does/not/exist: no such file or directory"},
		{[]string{"GET", "http://a/", "-f", "-", "--address", "http://a"}, "--address: a running controller is asked, or manifests are read with -f, not both"},
		{[]string{"GET", "http://a/", "-f", "-", "--allocation-mode=arenas"}, `--allocation-mode: "arenas": want standard, arena or greentea: did you mean arena?`},
		{[]string{"GET", "http://a/", "--ingress-class=x"}, "--ingress-class says how manifests are read: it needs -f, as a running controller has its own flags"},
		{[]string{"GET", "http://a/", "--address", "unix:///x"}, `--address: "unix:///x" is not of the form http://HOST:PORT`},
		{[]string{"GET", "http://a/", "--address", nobody}, "no controller answers at http://" + nobody + ": dial tcp " + nobody + ": connect: connection refused: say with --address where one is, or read manifests with -f"},
		{[]string{"GET", "http://a/", "--address", starting}, "the controller at " + starting + " says: no configuration is served yet"},
		{[]string{"GET", "http://a/", "--address", other}, other + " is no controller that explains: /explain is 404 Not Found there"},
		{[]string{"GET", "http://a/", "--address", elsewhere}, elsewhere + " is no controller that explains: /explain is 302 Found there"},
	} {
		if out, err := shockwave(t, "", append([]string{"explain"}, c.args...)...); err == nil || err.Error() != c.want || out != "" {
			t.Errorf("%q: %v, want %s\n%s", c.args, err, c.want, out)
		}
	}
}

// A running controller explains what it does: each request is sent, too.
func TestExplainAgreesWithTheProxy(t *testing.T) {
	s := newSite(t)
	s.write("more.yaml", `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: lonely}
spec:
  rules:
  - host: lonely.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: nobody, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: guarded
  annotations: {nginx.ingress.kubernetes.io/auth-snippet: "deny all;"}
spec:
  rules:
  - host: "*.guarded.example"
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: home, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: small
  annotations: {shockwave.dev/proxy-body-size: "4", shockwave.dev/allocation-mode: greentea}
spec:
  rules:
  - host: small.example
    http: {paths: [{path: /a, pathType: Exact, backend: {service: {name: home, port: {number: 80}}}}]}
`)
	p := controllerOn(t, s.dir)
	for _, c := range []struct {
		method, host, path string
		fields             []string
		status             int
		says               string // in the body, and in the explanation
		explained          string
	}{
		{"GET", "shop.example", "/", nil, 200, "This is home.", "is forwarded to default/home:80"},
		{"GET", "SHOP.Example.:80", "/cart/7?x=1", nil, 200, "This is cart.", "is forwarded to default/cart:80"},
		{"GET", "shop.example", "/x/%2e%2e/c%61rt", nil, 200, "This is cart.", "asks shop.example for /cart\n"},
		{"GET", "shop.example", "/cartoon", nil, 200, "This is home.", "prefix /cart covers whole path elements only"},
		{"OPTIONS", "shop.example", "*", nil, 200, "", "is forwarded to default/home:80"},
		{"GET", "unknown.example", "/", nil, 404, "", "no host is called unknown.example"},
		{"GET", "small.example", "/a/", nil, 404, "", "exact path differs by the slash at its end"},
		{"GET", "small.example", "/a", nil, 200, "This is home.", "exchange  greentea  (annotation shockwave.dev/allocation-mode of Ingress default/small)"},
		{"POST", "small.example", "/a", []string{"Content-Length: 5"}, 413, "", "is answered 413"},
		{"GET", "lonely.example", "/", nil, 503, "", "there is no such Service or port"},
		{"GET", "a.guarded.example", "/", nil, 503, "", "auth-snippet is not supported"},
		{"GET", "guarded.example", "/", nil, 404, "", "and not the name without it"},
		{"GET", "a.b.guarded.example", "/", nil, 404, "", "a wildcard covers exactly one more label\n"},
		{"GET", "shop.example", "/%zz", nil, 400, "", "malformed percent-encoding"},
		{"GET", "shop..example", "/", nil, 400, "", "malformed Host"},
		{"TRACE", "shop.example", "/", nil, 405, "", "is answered 405"},
		{"CONNECT", "shop.example", "/", nil, 501, "", "is answered 501"},
		{"GET", "shop.example", "/cart", []string{"Connection: close, Host"}, 400, "", "is answered 400"},
	} {
		url := "http://" + c.host + c.path
		args := []string{"explain", c.method, url, "--address", p.admin}
		if c.path == "*" {
			args[2] = "*"
			args = append(args, "-H", "Host: "+c.host)
		}
		for _, field := range c.fields {
			args = append(args, "-H", field)
		}
		out, err := shockwave(t, "", args...)
		if err != nil || !strings.Contains(out, c.explained) {
			t.Errorf("%.80s: %v, %q is not in\n%.2000s", url, err, c.explained, out)
		}
		status, body := p.raw(c.method, c.path, append(c.fields, "Host: "+c.host)...)
		if status != c.status || !strings.HasPrefix(body, c.says) {
			t.Errorf("%.80s is %d %q", url, status, body)
		}
		want := fmt.Sprintf("is answered %d: ", c.status)
		if c.status == 200 {
			want = "is forwarded to "
		}
		if !strings.Contains(out, want) {
			t.Errorf("%.80s is %d, and the explanation says otherwise:\n%s", url, status, out)
		}
	}
}
