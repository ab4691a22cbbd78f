package hitless

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/binary"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/internal/wholefile"
)

func TestMain(m *testing.M) { binary.Main(m) }

// site is a running shockwave with its manifests.
type site struct {
	*binary.Process
	t   *testing.T
	dir string
}

const siteHost = "app.example"

// manifests are files by name.
type manifests map[string]string

// startSiteWith writes an Ingress for siteHost and more manifests, starts the
// binary on them, and waits until it answers.
func startSiteWith(t *testing.T, more manifests, flags ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.write("class.yaml", `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
`)
	s.write("service.yaml", service("app"))
	s.write("ingress.yaml", ingress("app", siteHost, "/"))
	for name, text := range more {
		s.write(name, text)
	}
	s.Process = binary.Start(t, append([]string{"--manifests", s.dir}, flags...)...)
	s.Ready()
	return s
}

// get asks the site over a fresh connection.
func (s *site) get(host, path string) (body string, status int) {
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.HTTP+path, nil)
	req.Host = host
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error(), 0
	}
	defer res.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(res.Body)
	return b.String(), res.StatusCode
}

// write replaces one manifest in one step, as kubectl and editors do.
func (s *site) write(name, text string) {
	s.t.Helper()
	wholefile.Write(s.t, filepath.Join(s.dir, name), text)
}

// until waits for what, and returns how long that took.
func (s *site) until(what string, ok func() bool) time.Duration {
	s.t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > 5*time.Second {
			s.t.Fatalf("after 5 s still not: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begin)
}

// backend answers every request with its name.
func backend(t *testing.T, name string) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(name)) })}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	return netip.MustParseAddrPort(ln.Addr().String())
}

func service(name string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %s, namespace: default}
spec:
  ports: [{name: http, port: 80, targetPort: 8080}]
`, name)
}

func ingress(name, host, path string) string {
	return fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %[1]s, namespace: default}
spec:
  ingressClassName: shockwave
  tls: [{hosts: [%[2]s], secretName: %[1]s-tls}]
  rules:
  - host: %[2]s
    http:
      paths:
      - {path: %[3]s, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}
`, name, host, path)
}

// slicesOf writes one EndpointSlice per backend: their addresses are equal and
// their ports differ.
func slicesOf(name string, backends ...netip.AddrPort) string {
	var b strings.Builder
	for i, a := range backends {
		fmt.Fprintf(&b, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %[1]s-%[2]d
  namespace: default
  labels: {kubernetes.io/service-name: %[1]s}
addressType: IPv4
ports: [{name: http, port: %[3]d}]
endpoints:
- addresses: [%[4]s]
  conditions: {ready: true}
`, name, i, a.Port(), a.Addr())
	}
	return b.String()
}

// secret is a TLS Secret with a fresh certificate that has the serial number.
func secret(t *testing.T, name, host string, serial int64) string {
	t.Helper()
	return keypair.Like(t, x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{host}}).Secret("default", name)
}
