package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/wholefile"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// site is a directory of manifests with two applications.
type site struct {
	t          *testing.T
	dir        string
	home, cart *application
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	var err error
	if s.home, err = startApplication("home"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.home.stop)
	if s.cart, err = startApplication("cart"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.cart.stop)
	if err := writeDemo(s.dir, s.home.address, s.cart.address); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// write replaces a file as editors and kubectl do: whole, by renaming.
func (s *site) write(name, text string) {
	s.t.Helper()
	wholefile.Write(s.t, filepath.Join(s.dir, name), text)
}

func TestRouting(t *testing.T) {
	s := newSite(t)
	s.write("lonely.yaml", `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: lonely}
spec:
  rules:
  - host: lonely.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: nobody, port: {number: 80}}}}]}
`)
	p := controllerOn(t, s.dir)
	for _, c := range []struct {
		host, path string
		status     int
		says       string
	}{
		{"shop.example", "/", 200, "This is home.\nGET / for shop.example, from 127.0.0.1 over http"},
		{"shop.example", "/cart", 200, "This is cart."},
		{"shop.example", "/cart/7?x=1", 200, "This is cart.\nGET /cart/7?x=1 for"},
		{"shop.example", "/cartoon", 200, "This is home."},
		{"SHOP.example:80", "/", 200, "This is home."},
		{"cart.example", "/any", 200, "This is cart."},
		{"unknown.example", "/", 404, ""},
		{"lonely.example", "/", 503, ""},
	} {
		if status, body := p.get(c.host, c.path); status != c.status || !strings.HasPrefix(body, c.says) {
			t.Errorf("%s%s is %d %q, want %d %q", c.host, c.path, status, body, c.status, c.says)
		}
	}
}

// A change of a file is served within a tenth of a second.
func TestLiveEdits(t *testing.T) {
	s := newSite(t)
	p := controllerOn(t, s.dir)
	toCart := s.read("shop.yaml")
	toHome := strings.ReplaceAll(toCart, "name: cart", "name: home")
	var took []time.Duration
	for i := range 10 {
		text, want := toHome, "This is home."
		if i%2 == 1 {
			text, want = toCart, "This is cart."
		}
		s.write("shop.yaml", text)
		took = append(took, p.eventually("/cart is served anew", 10*time.Second, func() bool {
			status, body := p.get("shop.example", "/cart")
			if status != 200 {
				t.Errorf("a request failed during a change: %d %q", status, body)
			}
			return strings.HasPrefix(body, want)
		}))
	}
	slices.Sort(took)
	t.Logf("from write to served: %v", took)
	if median := took[len(took)/2]; median > 100*time.Millisecond {
		t.Errorf("half of the changes took more than %v", median)
	}
}

// A file that does not parse leaves everything as it is, and says where.
func TestBrokenFileChangesNothing(t *testing.T) {
	s := newSite(t)
	p := controllerOn(t, s.dir)
	s.write("shop.yaml", "kind: [")
	p.eventually("the problem is logged", 10*time.Second, func() bool {
		return strings.Contains(p.log.String(), `"file":"shop.yaml"`)
	})
	if status, body := p.get("shop.example", "/cart"); status != 200 || !strings.HasPrefix(body, "This is cart.") {
		t.Errorf("%d %q", status, body)
	}
	if _, page := p.page("/configuration"); !strings.Contains(page, "# problems\nshop.yaml:2: File shop.yaml  ParseError") {
		t.Errorf("the problem is not in\n%s", page)
	}
	s.write("shop.yaml", strings.NewReplacer("cart.example", "new.example", "name: cart\n  ann", "name: new\n  ann").Replace(s.read("cart.yaml")))
	p.eventually("the file is served again", 10*time.Second, func() bool {
		status, _ := p.get("new.example", "/")
		return status == 200
	})
}

// shown returns the certificate that is shown for a name.
func (p *program) shown(name string) *x509.Certificate {
	p.t.Helper()
	c, err := tls.Dial("tcp", p.https, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func TestCertificates(t *testing.T) {
	s := newSite(t)
	p := controllerOn(t, s.dir)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.read("shop.crt")))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "shop.example"}}}
	t.Cleanup(client.CloseIdleConnections)
	ask := func() (int, string) {
		req, err := http.NewRequest(http.MethodGet, "https://"+p.https+"/cart", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.example"
		return p.do(client, req)
	}
	if status, body := ask(); status != 200 || !strings.Contains(body, "over https") {
		t.Fatalf("%d %q", status, body)
	}
	if cn := p.shown("other.example").Subject.CommonName; cn != "Kubernetes Ingress Controller Fake Certificate" {
		t.Errorf("an unknown name gets the certificate of %s", cn)
	}

	before := p.shown("shop.example").SerialNumber
	certificate, key, err := selfSigned("shop.example")
	if err != nil {
		t.Fatal(err)
	}
	s.write("certificate.yaml", string(secretManifest("shop-tls", certificate, key)))
	p.eventually("the new certificate is shown", 10*time.Second, func() bool {
		return p.shown("shop.example").SerialNumber.Cmp(before) != 0
	})
	if status, _ := ask(); status != 200 { // over the connection that is open
		t.Errorf("an open connection ended with its certificate: %d", status)
	}
}

func TestWhatOperatorsRead(t *testing.T) {
	s := newSite(t)
	p := controllerOn(t, s.dir)
	if status, _ := p.get("shop.example", "/cart/7"); status != 200 {
		t.Fatalf("%d", status)
	}
	line := regexp.MustCompile(`(?m)^127\.0\.0\.1 - - \[[^\]]+\] "GET /cart/7 HTTP/1\.1" 200 \d+ "-" "Go-http-client/1\.1" \d+ 0\.\d{3} ` +
		`\[default-cart-80\] \[\] 127\.0\.0\.1:\d+ \d+ 0\.\d{3} 200 [0-9a-f]{32}$`)
	p.eventually("the line is in the access log", 5*time.Second, func() bool { return line.MatchString(p.out.String()) })
	for path, want := range map[string]string{
		"/healthz":                   "ok",
		"/readyz":                    "ok",
		"/configuration":             "host shop.example\n  tls  default/shop-tls\n",
		"/configuration?format=json": `"name": "shop.example"`,
		"/explain?method=GET&url=http://shop.example/cart/7": "  is forwarded to default/cart:80\n",
	} {
		if status, body := p.page(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s is %d\n%s", path, status, body)
		}
	}
	_, metrics := p.page("/metrics")
	for _, want := range []string{
		`nginx_ingress_controller_requests\{.*host="shop.example",ingress="shop",method="GET",namespace="default",path="/cart",service="cart",status="200"\} 1`,
		`nginx_ingress_controller_config_last_reload_successful\{.*\} 1`,
		`nginx_ingress_controller_ssl_expire_time_seconds\{.*host="shop.example".*\} 1`,
		`shockwave_upstream_connections_created_total\{.*upstream="default-cart-80"\} 1`,
		`shockwave_snapshot_generation\{.*\} 1`,
		`shockwave_access_log_lines_total\{.*\} 1`,
		`shockwave_alloc_build_info\{arena_source="` + alloc.Built().ArenaSource + `".*default="` + alloc.Built().Default.String() + `"\} 1`,
		`shockwave_alloc_routes\{.*mode="` + alloc.Built().Default.String() + `"\} 3`,
		`shockwave_alloc_exchanges_total\{.*mode="` + alloc.Built().Default.String() + `"\} 1`,
		`shockwave_alloc_bytes_kept\{.*mode="greentea"\} \d`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(metrics) {
			t.Errorf("no line matches %s", want)
		}
	}
	if strings.Contains(p.log.String(), "BEGIN") {
		t.Error("the log has a key")
	}
}

func TestC6EndOnSignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := controllerOn(t, newSite(t).dir, "--shutdown-grace-period=1")
		p.signal(s)
		p.eventually("it is not ready", 900*time.Millisecond, func() bool {
			status, _ := p.page("/readyz")
			return status == 503
		})
		req, err := http.NewRequest(http.MethodGet, "http://"+p.http+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.example"
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("within the grace period: %v", err)
		}
		res.Body.Close()
		if res.StatusCode != 200 || !res.Close {
			t.Errorf("within the grace period: %d, and the connection is to end: %v", res.StatusCode, res.Close)
		}
		if status := p.wait(10 * time.Second); status != 0 {
			t.Errorf("exit status %d after %v", status, s)
		}
		if !strings.Contains(p.out.String(), `"GET / HTTP/1.1" 200`) {
			t.Error("the last line of the access log is lost")
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := controllerOn(t, newSite(t).dir, "--shutdown-grace-period=60")
	p.signal(syscall.SIGTERM)
	p.eventually("it drains", 5*time.Second, func() bool { return strings.Contains(p.log.String(), `"msg":"draining"`) })
	p.signal(syscall.SIGTERM)
	if status := p.wait(5 * time.Second); status != 1 {
		t.Errorf("exit status %d", status)
	}
}

// A mistake that keeps it from starting is one sentence and exit status 1.
func TestWhyItDoesNotStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	port := busy.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()
	free := "--bind-address=127.0.0.1 --healthz-host=127.0.0.1 --http-port=0 --https-port=0 --healthz-port=0 "
	for _, c := range []struct{ args, want string }{
		{free + fmt.Sprintf("--manifests=%s --http-port=%d", dir, port), fmt.Sprintf("port %d is in use by another program: stop it, or choose another port with --http-port", port)},
		{free + fmt.Sprintf("--manifests=%s --https-port=%d", dir, port), fmt.Sprintf("port %d is in use by another program: stop it, or choose another port with --https-port", port)},
		{free + fmt.Sprintf("--manifests=%s --healthz-port=%d", dir, port), fmt.Sprintf("port %d is in use by another program: stop it, or choose another port with --healthz-port", port)},
		{fmt.Sprintf("demo --http-port=%d --https-port=0", port), fmt.Sprintf("port %d is in use by another program: stop it, or choose another port with --http-port", port)},
		{free + "--manifests=/does/not/exist", "the manifest directory /does/not/exist does not exist"},
		{free + "--manifests=" + dir + " --bind-address=192.0.2.1", "192.0.2.1 is no address of this machine: there is nothing to listen on for --http-port"},
		{free + "--manifests=" + dir + " --access-log-path=/does/not/exist", "--access-log-path: open /does/not/exist: no such file or directory"},
		{free, "this is no pod of a cluster: say with --kubeconfig how to reach one, serve a directory with --manifests, or try `shockwave demo`"},
		{free + "--kubeconfig=/does/not/exist", "--kubeconfig: stat /does/not/exist: no such file or directory"},
		{"--log-format=xml --http-port=-1", "--http-port: -1 is not a port\nshockwave: --log-format: \"xml\" is neither text nor json"},
		{"--tcp-services-configmap=tcp", "--tcp-services-configmap: \"tcp\" is not of the form namespace/name"},
		{"--disable-catch-all", "--disable-catch-all is not supported: Ingresses without a host are always served"},
		{"--no-such-flag", "unknown flag: --no-such-flag: see `shockwave --help`"},
		{"no-such-command", "there is no command \"no-such-command\": see `shockwave --help`"},
		{"chek", `there is no command "chek": did you mean check?`},
	} {
		p := start(t, strings.Fields(c.args)...)
		if status := p.wait(20 * time.Second); status != 1 {
			t.Errorf("%s: exit status %d", c.args, status)
		}
		if got := p.log.String(); got != "shockwave: "+c.want+"\n" {
			t.Errorf("%s\nsays %q\nwant %q", c.args, got, "shockwave: "+c.want+"\n")
		}
	}
}

// An args list of ingress-nginx begins with the program's name.
func TestArgumentsOfIngressNginx(t *testing.T) {
	s := newSite(t)
	p := start(t, "/nginx-ingress-controller", "--manifests="+s.dir, "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1",
		"--http-port=0", "--https-port=0", "--healthz-port=0", "--validating-webhook=:8443", "--election-id=ingress-nginx-leader")
	p.eventually("it serves", 20*time.Second, func() bool { return strings.Contains(p.log.String(), "msg=serving") })
	if !strings.Contains(p.log.String(), "flag=validating-webhook") {
		t.Error("nothing says that --validating-webhook has no effect")
	}
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "--version"} {
		p := start(t, args)
		if status := p.wait(20 * time.Second); status != 0 || !strings.HasPrefix(p.out.String(), "shockwave ") ||
			!strings.HasSuffix(p.out.String(), "\nallocation modes: "+modes(alloc.Built())+"\n") {
			t.Errorf("%s: %d %q", args, status, p.out.String())
		}
	}
}

func TestModesOfTheVersion(t *testing.T) {
	for _, c := range []struct {
		built alloc.BuildInfo
		want  string
	}{
		{alloc.BuildInfo{Default: alloc.Standard, ArenaSource: "mmap"}, "standard (default), arena (mmap), greentea"},
		{alloc.BuildInfo{Default: alloc.Arena, ArenaSource: "arena"}, "standard, arena (arena, default), greentea"},
		{alloc.BuildInfo{Default: alloc.GreenTea, ArenaSource: "heap", Debug: true}, "standard, arena (heap), greentea (default), pooldebug"},
	} {
		if got := modes(c.built); got != c.want {
			t.Errorf("%+v: %s, want %s", c.built, got, c.want)
		}
	}
}

// An API server that is away is waited for: alive, not ready, and told to end in
// the usual way.
func TestWaitingForTheAPIServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {}}]
current-context: c
`), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin := ln.Addr().(*net.TCPAddr)
	_ = ln.Close()
	p := start(t, "--kubeconfig="+file, "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1",
		"--http-port=0", "--https-port=0", fmt.Sprintf("--healthz-port=%d", admin.Port))
	p.admin = admin.String()
	p.eventually("it lives", 20*time.Second, func() bool {
		status, _ := p.page("/healthz")
		return status == 200
	})
	if status, body := p.page("/readyz"); status != 503 || !strings.HasPrefix(body, "starting") {
		t.Errorf("/readyz is %d %q", status, body)
	}
	p.signal(syscall.SIGTERM)
	if status := p.wait(20 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestListenErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.EACCES, "there is no permission to listen on port 80: run with the capability NET_BIND_SERVICE, or choose a port above 1023 with --http-port"},
		{syscall.EMFILE, "listen for --http-port: too many open files"},
	} {
		if got := listenError(c.err, "", 80, "http-port").Error(); got != c.want {
			t.Errorf("%v: %s", c.err, got)
		}
	}
}

func TestAccessLogToAFile(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := controllerOn(t, s.dir, "--access-log-path="+file)
	p.get("shop.example", "/")
	p.signal(syscall.SIGTERM)
	if status := p.wait(20 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "before\n127.0.0.1 - - [") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%q", text)
	}

	p = controllerOn(t, s.dir, "--disable-access-log")
	p.get("shop.example", "/")
	p.signal(syscall.SIGTERM)
	if status := p.wait(20 * time.Second); status != 0 || p.out.String() != "" {
		t.Errorf("exit status %d, standard output %q", status, p.out.String())
	}
}
