package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/admin"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// start serves the pages and returns where.
func start(t *testing.T, c admin.Config) (url string) {
	t.Helper()
	if c.Readiness == nil {
		c.Readiness = new(admin.Readiness)
	}
	if c.Configuration == nil {
		c.Configuration = func() *admin.Configuration { return nil }
	}
	if c.Explain == nil {
		c.Explain = func(snapshot.Question) *snapshot.Explanation { return nil }
	}
	c.Logger = slog.New(slog.DiscardHandler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- admin.Serve(ctx, ln, c) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Serve does not end with its context")
		}
	})
	return "http://" + ln.Addr().String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestReadiness(t *testing.T) {
	r := new(admin.Readiness)
	url := start(t, admin.Config{Readiness: r})
	for _, step := range []struct {
		change func()
		status int
		says   string
	}{
		{func() {}, 503, "starting"},
		{r.Serving, 200, "ok"},
		{r.Serving, 200, "ok"},
		{r.Draining, 503, "draining"},
		{r.Serving, 503, "draining"}, // a late snapshot changes nothing
	} {
		step.change()
		if status, body := get(t, url+"/readyz"); status != step.status || !strings.HasPrefix(body, step.says) {
			t.Errorf("/readyz is %d %q, want %d %q", status, body, step.status, step.says)
		}
		if status, _ := get(t, url+"/healthz"); status != 200 {
			t.Errorf("/healthz is %d: the process lives all the while", status)
		}
	}
}

func TestHealthCheckPath(t *testing.T) {
	url := start(t, admin.Config{HealthCheckPath: "/live"})
	for path, want := range map[string]int{"/live": 200, "/healthz": 200, "/": 200, "/other": 404} {
		if status, _ := get(t, url+path); status != want {
			t.Errorf("%s is %d, want %d", path, status, want)
		}
	}
	// Paths of other pages stay theirs.
	for _, path := range []string{"/", "/healthz", "/metrics", "/debug/pprof/"} {
		start(t, admin.Config{HealthCheckPath: path})
	}
}

func TestPagesThatAreOff(t *testing.T) {
	url := start(t, admin.Config{})
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars"} {
		if status, _ := get(t, url+path); status != 404 {
			t.Errorf("%s is %d, want 404", path, status)
		}
	}
}

func TestPagesThatAreOn(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })
	url := start(t, admin.Config{Metrics: metrics, Profiling: true})
	if status, body := get(t, url+"/metrics"); status != 200 || body != "metrics" {
		t.Errorf("/metrics is %d %q", status, body)
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars"} {
		if status, _ := get(t, url+path); status != 200 {
			t.Errorf("%s is %d, want 200", path, status)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	url := start(t, admin.Config{})
	res, err := http.Post(url+"/healthz", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST is %d", res.StatusCode)
	}
}

func TestConfiguration(t *testing.T) {
	var current *admin.Configuration
	url := start(t, admin.Config{Configuration: func() *admin.Configuration { return current }})
	if status, _ := get(t, url+"/configuration"); status != 503 {
		t.Errorf("/configuration is %d before there is one", status)
	}
	cart := model.UpstreamKey{Namespace: "default", Service: "cart", Port: "80"}
	current = &admin.Configuration{
		Generation: 3,
		Published:  time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC),
		Model: &model.Config{
			Hosts:        []model.Host{{Name: "shop.example", Routes: []model.Route{{Path: "/cart", Upstream: cart, Options: model.DefaultOptions()}}}},
			Certificates: []model.Certificate{{Name: "default/shop", Cert: []byte("x"), Key: []byte("very-private")}},
			Listener:     model.DefaultListener(),
		},
		Endpoints: model.Endpoints{cart: {{Addr: netip.MustParseAddrPort("10.0.0.1:8080")}}},
		Problems:  []model.Problem{{Object: model.ObjectRef{Kind: "Ingress", Name: "a"}, Reason: "Denied", Message: "A sentence."}},
		Failed:    "why",
	}
	status, text := get(t, url+"/configuration")
	if status != 200 {
		t.Errorf("/configuration is %d", status)
	}
	for _, want := range []string{
		"# snapshot 3, in use since 2026-03-14T15:09:26Z\n", "host shop.example\n  /cart  prefix  default/cart:80\n",
		"# endpoints\ndefault/cart:80\n  10.0.0.1:8080\n", "# problems\nIngress a  Denied  A sentence.\n",
		"# a newer configuration could not be put to use\nwhy\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	_, body := get(t, url+"/configuration?format=json")
	var parsed struct {
		Generation int
		Config     struct{ Hosts []struct{ Name string } }
		Endpoints  map[string][]struct{ Address string }
		Problems   []struct{ Reason string }
		Failed     string
	}
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.Generation != 3 || parsed.Config.Hosts[0].Name != "shop.example" || parsed.Problems[0].Reason != "Denied" ||
		parsed.Endpoints["default/cart:80"][0].Address != "10.0.0.1:8080" || parsed.Failed != "why" {
		t.Errorf("%+v", parsed)
	}
	if strings.Contains(text+body, "private") || strings.Contains(text+body, "dmVyeS1wcml2YXRl") {
		t.Error("a private key is shown")
	}
	if status, _ := get(t, url+"/configuration?format=xml"); status != 400 {
		t.Errorf("an unknown format is %d", status)
	}
}

// A client that sends nothing does not hold the listener's end up.
func TestEndWithOpenConnections(t *testing.T) {
	url := start(t, admin.Config{})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET /healthz"); err != nil {
		t.Fatal(err)
	}
}
