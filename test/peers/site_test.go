package peers

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/binary"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

func TestMain(m *testing.M) { binary.Main(m) }

// host is where the application is, under a certificate of its own.
const host = "app.example"

// app is an application that an Ingress leads to.
type app struct {
	addr        netip.AddrPort
	annotations string // of the Ingress, as lines "name: value"
	settings    string // of the ConfigMap, likewise
}

// start runs the program in front of an application.
func start(t *testing.T, a app) *binary.Process {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: default}
spec:
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: app
  namespace: default
  labels: {kubernetes.io/service-name: app}
addressType: IPv4
ports: [{name: http, port: %[3]d}]
endpoints:
- addresses: [%[2]s]
  conditions: {ready: true}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app
  namespace: default
  annotations:
    nginx.ingress.kubernetes.io/ssl-redirect: "false"
%[4]s
spec:
  ingressClassName: shockwave
  tls: [{hosts: [%[1]s], secretName: app-tls}]
  rules:
  - host: %[1]s
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shockwave, namespace: default}
data:
%[5]s
---
%[6]s`, host, a.addr.Addr(), a.addr.Port(), indent(a.annotations), indent(cmp.Or(a.settings, `proxy-body-size: "0"`)),
		keypair.New(t, host).Secret("default", "app-tls"))
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := binary.Start(t, "--manifests", dir, "--configmap", "default/shockwave")
	p.Ready()
	return p
}

func indent(lines string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n    ")
}

// serve starts an application of ours.
func serve(t *testing.T, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().(*net.TCPAddr).AddrPort()
}

// tell is an application that tells about the request: its fields, and how long the
// body was.
func tell(t *testing.T) netip.AddrPort {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %s %s\nbody: %d %v\nHost: %s\n", r.Method, r.URL, r.Proto, n, err, r.Host)
		_ = r.Header.Write(w)
	})
}

// line returns the value of one line of what tell told.
func line(text, name string) string {
	for l := range strings.Lines(text) {
		if key, value, ok := strings.Cut(l, ": "); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// client asks at addr, whatever the host, from an address of its own if from is set.
func client(t *testing.T, addr, from string) *http.Client {
	t.Helper()
	d := new(net.Dialer)
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	transport := &http.Transport{DialContext: dialTo(d, addr), TLSClientConfig: insecure(), DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// get returns what is at a path of the host.
func get(t *testing.T, c *http.Client, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	return do(t, c, http.MethodGet, url, nil, fields...)
}

func do(t *testing.T, c *http.Client, method, url string, body io.Reader, fields ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
