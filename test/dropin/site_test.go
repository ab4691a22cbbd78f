package dropin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/binary"
	"github.com/shockwave-ingress/shockwave/internal/wholefile"
)

func TestMain(m *testing.M) { binary.Main(m) }

// The profiles, as --compatibility takes them.
const (
	nginx      = "ingress-nginx"
	kubernetes = "kubernetes"
)

// inBoth runs a test in both profiles.
func inBoth(t *testing.T, test func(t *testing.T, profile string)) {
	for _, profile := range []string{nginx, kubernetes} {
		t.Run(profile, func(t *testing.T) { test(t, profile) })
	}
}

// site is a running shockwave with its manifests and its backends.
type site struct {
	*binary.Process
	t   *testing.T
	dir string
}

// echo is what an echo backend answers: what it received.
type echo struct {
	Backend string
	Method  string
	Target  string // path and query as they came
	Host    string
	Fields  http.Header
	Body    string
}

// serve starts shockwave with the class "nginx", in a profile, with an echo backend
// for each Service that a name is given for, and with manifests, of which all that
// name no namespace are in "default". It returns when it serves.
func serve(t *testing.T, profile string, backends map[string]http.Handler, manifests string, flags ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	s.write("class.yaml", `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
`)
	for name, handler := range backends {
		if handler == nil {
			handler = echoes(name)
		}
		s.write("service-"+name+".yaml", service(name, startBackend(t, handler)))
	}
	s.write("manifests.yaml", manifests)
	s.Process = binary.Start(t, append([]string{
		"--manifests", s.dir, "--controller-class", "k8s.io/ingress-nginx", "--ingress-class", "nginx",
		"--compatibility", profile, "--access-log-path", filepath.Join(s.dir, "access.log"),
	}, flags...)...)
	s.Ready()
	return s
}

// write puts a manifest in place in one step.
func (s *site) write(name, text string) {
	s.t.Helper()
	wholefile.Write(s.t, filepath.Join(s.dir, name), text)
}

// echoes answers 200 with what it received.
func echoes(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Backend", name)
		_ = json.NewEncoder(w).Encode(echo{name, r.Method, r.RequestURI, r.Host, r.Header, string(body)})
	})
}

// startBackend serves on loopback until the test ends, and returns its port.
func startBackend(t *testing.T, handler http.Handler) int {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// service is a Service with port 80, and its endpoints on loopback.
func service(name string, ports ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {clusterIP: 127.0.0.1, ports: [{name: http, port: 80, targetPort: 8080}]}
`, name)
	for i, port := range ports {
		fmt.Fprintf(&b, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-%[2]d, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: http, port: %[3]d}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
`, name, i, port)
	}
	return b.String()
}

// ingress is an Ingress of the class "nginx" with one rule. Annotations are lines
// "name: value" without the prefix of ingress-nginx; paths are lines
// "PATH TYPE SERVICE", where the type may be exact, prefix or any.
func ingress(name, host, annotations, paths string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: %s\n  annotations:\n    example.com/none: \"\"\n", name)
	for line := range strings.Lines(annotations) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			fmt.Fprintf(&b, "    nginx.ingress.kubernetes.io/%s: %q\n", key, value)
		}
	}
	b.WriteString("spec:\n  ingressClassName: nginx\n  rules:\n  - http:\n      paths:\n")
	for line := range strings.Lines(paths) {
		words := strings.Fields(line)
		if len(words) != 3 {
			continue
		}
		kind := map[string]string{"exact": "Exact", "prefix": "Prefix", "any": "ImplementationSpecific"}[words[1]]
		fmt.Fprintf(&b, "      - {path: %q, pathType: %s, backend: {service: {name: %s, port: {number: 80}}}}\n", words[0], kind, words[2])
	}
	if host != "" {
		fmt.Fprintf(&b, "    host: %q\n", host)
	}
	return b.String()
}

// entries is a ConfigMap in "default", with entries "key: value" on lines.
func entries(name, list string) string {
	text := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata:\n"
	for line := range strings.Lines(list) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			text += fmt.Sprintf("  %s: %q\n", key, strings.TrimSpace(value))
		}
	}
	return text
}

// configMap is the controller's, with keys "key: value" on lines, for a process with
// the flag withConfigMap.
func configMap(keys string) string { return entries("controller", keys) }

const withConfigMap = "--configmap=default/controller"

// request is what a client asks.
type request struct {
	method string // GET by default
	url    string // http://HOST/PATH or https://HOST/PATH
	fields string // lines "Name: value"
	body   string
}

// answer is what it got.
type answer struct {
	status int
	fields http.Header
	body   string
	echo   echo // where the body is one
}

// get asks for a URL.
func (s *site) get(url string) answer { return s.do(request{url: url}) }

// do sends a request over a connection of its own and follows no redirect.
func (s *site) do(r request) answer {
	s.t.Helper()
	a, err := s.try(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.url, err)
	}
	return a
}

// try is do where the connection may fail.
func (s *site) try(r request) (a answer, err error) {
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(s.t.Context(), r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return a, err
	}
	for line := range strings.Lines(r.fields) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			req.Header.Add(name, value)
			if strings.EqualFold(name, "Host") {
				req.Host = value
			}
		}
	}
	return s.send(req, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // certificates are not what is tested
}

// send sends a request over a connection of its own.
func (s *site) send(req *http.Request, config *tls.Config) (a answer, err error) {
	to := s.HTTP
	if req.URL.Scheme == "https" {
		to = s.HTTPS
	}
	client := http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true,
			TLSClientConfig: config,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, to)
			},
		},
	}
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	a = answer{status: res.StatusCode, fields: res.Header, body: string(body)}
	if bytes.HasPrefix(body, []byte(`{"Backend"`)) {
		_ = json.Unmarshal(body, &a.echo)
	}
	return a, err
}

// raw sends bytes as they are, over a connection of its own in clear text.
func (s *site) raw(parts ...string) answer {
	s.t.Helper()
	nc, err := net.Dial("tcp", s.HTTP)
	if err != nil {
		s.t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	for _, part := range parts {
		if _, err := io.WriteString(nc, part); err != nil {
			s.t.Fatal(err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode, fields: res.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.echo)
	return a
}

// wants checks a status and, where they are given, fields "Name: value".
func (s *site) wants(a answer, status int, fields ...string) {
	s.t.Helper()
	if a.status != status {
		s.t.Errorf("status %d, want %d; fields %v; body %.300s", a.status, status, a.fields, a.body)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if got := a.fields.Get(name); got != value {
			s.t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

// eventually waits until something is so.
func (s *site) eventually(what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s: it did not come to that; configuration:\n%s", what, s.configuration())
		}
	}
}

// becomes waits until the answer for a URL is right.
func (s *site) becomes(url string, right func(answer) bool) {
	s.t.Helper()
	s.eventually(url, func() bool { return right(s.get(url)) })
}

// soon waits until the answer has a status.
func (s *site) soon(r request, status int) {
	s.t.Helper()
	s.eventually(fmt.Sprint(r.url, " ", status), func() bool { return s.do(r).status == status })
}

// admin is what the process says of itself under a path, empty unless with status 200.
func (s *site) admin(path string) string {
	s.t.Helper()
	res, err := http.Get("http://" + s.Admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

// configuration is the printed form of what is served.
func (s *site) configuration() string { return s.admin("/configuration") }

// metrics are those of the process.
func (s *site) metrics() string { return s.admin("/metrics") }

// explain is what the process says of a request.
func (s *site) explain(asked string) string {
	return s.admin("/explain?method=GET&url=" + url.QueryEscape(asked))
}
