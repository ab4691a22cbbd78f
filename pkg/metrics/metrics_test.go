package metrics_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var labels = metrics.Labels{ControllerClass: "k8s.io/ingress-nginx", Namespace: "ingress", Pod: "pod-0"}

// scrape returns the page that Prometheus reads.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// exchange is one that was proxied.
func exchange(method string, status int) *message.Exchange {
	ex := &message.Exchange{}
	ex.Request.Method = []byte(method)
	ex.Request.MethodID = message.LookupMethod([]byte(method))
	ex.Trace.Status = status
	ex.Trace.Received = 35
	ex.Trace.Sent = 250
	a := ex.Trace.NextAttempt(ex.Remote)
	a.Status, a.Connect, a.Head, a.Total = status, time.Millisecond, 20*time.Millisecond, 30*time.Millisecond
	return ex
}

func wantLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	have := strings.Split(page, "\n")
	for _, line := range lines {
		if !slices.Contains(have, line) {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for _, l := range have {
				if strings.HasPrefix(l, name) {
					near = append(near, l)
				}
			}
			t.Errorf("missing\n  %s\nthere are\n  %s", line, strings.Join(near, "\n  "))
		}
	}
}

var shop = metrics.RouteLabels{Namespace: "default", Ingress: "shop", Service: "cart", Path: "/cart", Host: "shop.example"}

// Dashboards of ingress-nginx select these series by these labels.
func TestExchangesUnderTheNamesOfIngressNginx(t *testing.T) {
	m := metrics.New(labels)
	m.Route(shop).Observe(exchange("GET", 200), 40*time.Millisecond)
	m.Route(shop).Observe(exchange("GET", 200), 40*time.Millisecond)
	m.Route(shop).Observe(exchange("BREW", 502), 3*time.Second)
	const rest = `controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",controller_pod="pod-0",` +
		`host="shop.example",ingress="shop",`
	const get = `{canary="",` + rest + `method="GET",namespace="default",path="/cart",service="cart",status="200"`
	const other = `{canary="",` + rest + `method="OTHER",namespace="default",path="/cart",service="cart",status="502"`
	wantLines(t, scrape(t, m),
		`nginx_ingress_controller_requests`+get+`} 2`,
		`nginx_ingress_controller_requests`+other+`} 1`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+get+`,le="0.025"} 0`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+get+`,le="0.05"} 2`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+get+`,le="+Inf"} 2`,
		`nginx_ingress_controller_request_duration_seconds_sum`+get+`} 0.08`,
		`nginx_ingress_controller_request_duration_seconds_count`+get+`} 2`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+other+`,le="2.5"} 0`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+other+`,le="5"} 1`,
		`nginx_ingress_controller_response_duration_seconds_sum`+get+`} 0.06`,
		`nginx_ingress_controller_header_duration_seconds_sum`+get+`} 0.04`,
		`nginx_ingress_controller_connect_duration_seconds_sum`+get+`} 0.002`,
		`nginx_ingress_controller_request_size_bucket`+get+`,le="30"} 0`,
		`nginx_ingress_controller_request_size_bucket`+get+`,le="40"} 2`,
		`nginx_ingress_controller_request_size_sum`+get+`} 70`,
		`nginx_ingress_controller_response_size_bucket`+get+`,le="100"} 0`,
		`nginx_ingress_controller_response_size_bucket`+get+`,le="+Inf"} 2`,
		`nginx_ingress_controller_response_size_sum`+get+`} 500`,
	)
}

func TestExchangeWithoutUpstreamOrAnswer(t *testing.T) {
	m := metrics.New(labels)
	ex := &message.Exchange{}
	ex.Trace.Refusal = "two lengths"
	ex.Trace.Status = 400
	m.Unrouted().Observe(ex, time.Millisecond)
	m.Unrouted().Observe(&message.Exchange{}, time.Millisecond)
	page := scrape(t, m)
	for _, want := range []string{
		`requests{.*ingress="",method="OTHER",namespace="",path="",service="",status="400"} 1`,
		`requests{.*status="499"} 1`,
		`shockwave_requests_refused_total{.*reason="two lengths"} 1`,
	} {
		if !regexp.MustCompile(want).MatchString(page) {
			t.Errorf("no line matches %s", want)
		}
	}
	if strings.Contains(page, "nginx_ingress_controller_header_duration_seconds") {
		t.Error("durations of an upstream that was never asked")
	}
}

func TestOptionsOfExchanges(t *testing.T) {
	m := metrics.New(labels, metrics.WithoutHost(), metrics.StatusClasses(),
		metrics.TimeBuckets([]float64{1}), metrics.LengthBuckets([]float64{300}), metrics.Exclude("response_duration_seconds"))
	m.Route(shop).Observe(exchange("GET", 201), 40*time.Millisecond)
	m.Route(shop).Observe(exchange("GET", 204), 40*time.Millisecond)
	page := scrape(t, m)
	const rest = `{canary="",controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",controller_pod="pod-0",` +
		`ingress="shop",method="GET",namespace="default",path="/cart",service="cart",status="2xx"`
	wantLines(t, page,
		`nginx_ingress_controller_requests`+rest+`} 2`,
		`nginx_ingress_controller_request_duration_seconds_bucket`+rest+`,le="1"} 2`,
		`nginx_ingress_controller_response_size_bucket`+rest+`,le="300"} 2`)
	if strings.Contains(page, "response_duration_seconds") {
		t.Error("an excluded metric is shown")
	}
}

// An upstream that answers with ever new statuses costs a bounded memory.
func TestSeriesOfARouteAreBounded(t *testing.T) {
	m := metrics.New(labels)
	r := m.Route(shop)
	for status := 100; status < 600; status++ {
		for _, method := range []string{"GET", "POST", "PUT"} {
			r.Observe(exchange(method, status), time.Millisecond)
		}
	}
	page := scrape(t, m)
	if n := strings.Count(page, "\nnginx_ingress_controller_requests{"); n > 70 {
		t.Errorf("%d series for one route", n)
	}
	sum := 0
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "nginx_ingress_controller_requests{") {
			var n int
			fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
			sum += n
		}
	}
	if sum != 1500 {
		t.Errorf("%d requests are counted of 1500", sum)
	}
	if !strings.Contains(page, `method="OTHER",namespace="default",path="/cart",service="cart",status="5xx"`) {
		t.Error("those beyond the bound are not counted by class")
	}
}

func TestReasonsAreBounded(t *testing.T) {
	m := metrics.New(labels)
	for i := range 1000 {
		ex := exchange("GET", 400)
		ex.Trace.Refusal = fmt.Sprintf("reason %d", i)
		m.Unrouted().Observe(ex, 0)
	}
	if n := strings.Count(scrape(t, m), "\nshockwave_requests_refused_total{"); n > 101 {
		t.Errorf("%d reasons", n)
	}
}

func TestSeriesOfRemovedRoutesEndAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New(labels)
		kept, gone := m.Route(shop), m.Route(metrics.RouteLabels{Ingress: "gone"})
		kept.Observe(exchange("GET", 200), 0)
		gone.Observe(exchange("GET", 200), 0)
		m.Retain(slices.Values([]*metrics.Route{kept}))
		if !strings.Contains(scrape(t, m), `ingress="gone"`) {
			t.Error("the series of a removed route ended at once")
		}
		time.Sleep(9 * time.Minute)
		if m.Route(metrics.RouteLabels{Ingress: "gone"}) != gone {
			t.Error("a route that came back has another handle")
		}
		m.Retain(slices.Values([]*metrics.Route{kept}))
		time.Sleep(11 * time.Minute)
		page := scrape(t, m)
		if strings.Contains(page, `ingress="gone"`) {
			t.Error("the series of a removed route never end")
		}
		if m.Route(shop) != kept || !strings.Contains(page, `ingress="shop"`) {
			t.Error("a route in use lost its handle")
		}
	})
}

func TestRemovedRoutesAreBounded(t *testing.T) {
	m := metrics.New(labels)
	for i := range 25000 {
		m.Route(metrics.RouteLabels{Ingress: fmt.Sprint(i)})
		if i%5000 == 0 {
			m.Retain(slices.Values([]*metrics.Route(nil)))
		}
	}
	m.Retain(slices.Values([]*metrics.Route(nil)))
	if page := scrape(t, m); !regexp.MustCompile(`shockwave_metrics_routes{.*state="removed"} 10000\n`).MatchString(page) {
		t.Error("removed routes are not bounded to 10000")
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	m := metrics.New(labels)
	r := m.Route(shop)
	ex, refused := exchange("GET", 200), exchange("GET", 400)
	refused.Trace.Refusal = "two lengths"
	observe := func() {
		r.Observe(ex, time.Millisecond)
		m.Unrouted().Observe(refused, time.Millisecond)
	}
	observe()
	if n := testing.AllocsPerRun(100, observe); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNothingIsLostAmongGoroutines(t *testing.T) {
	m := metrics.New(labels)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 1000 {
				m.Route(shop).Observe(exchange("GET", 200+(i+j)%10), time.Millisecond)
				if j%100 == 0 {
					m.Retain(slices.Values([]*metrics.Route{m.Route(shop)}))
				}
			}
		})
	}
	wg.Wait()
	page := scrape(t, m)
	for status := 200; status < 210; status++ {
		if !strings.Contains(page, fmt.Sprintf(`service="cart",status="%d"} 800`, status)) {
			t.Errorf("status %d does not count 800", status)
		}
	}
}

// everything returns counters of which each metric of the table has a value.
func everything() *metrics.Metrics {
	runtime.GC() // the runtime counts the time of collections once one has ended
	m := metrics.New(labels)
	ex := exchange("GET", 200)
	ex.Trace.Refusal = "none"
	m.Route(shop).Observe(ex, time.Millisecond)
	m.SetBuild(metrics.Build{Release: "v1", Commit: "abc", Repository: "here", DefaultMode: "standard", ArenaSource: "mmap", Debug: true})
	m.SetCertificates([]metrics.Certificate{{Host: "shop.example", Secret: "shop", Identifier: "CA-1", NotAfter: time.Unix(1e9, 0)}})
	m.SetLeader("lease", func() bool { return true })
	m.Published(metrics.Publication{Generation: 7, Hash: func() uint64 { return 1 << 20 }, Compile: time.Second,
		Hosts: 1, Routes: 2, RoutesByMode: map[string]int{"standard": 2, "arena": 0}, Problems: map[string]int{"ParseError": 3}})
	m.EndpointsPublished()
	m.SetSources(metrics.Sources{
		Connections: func() metrics.Connections { return metrics.Connections{Open: 5, Accepted: 9, Refused: 2} },
		AccessLog:   func() (uint64, uint64) { return 10, 1 },
		Allocations: func() [alloc.Modes]alloc.Stats {
			return [alloc.Modes]alloc.Stats{
				alloc.Standard: {Exchanges: 7, Overflows: 1, BytesInUse: 512},
				alloc.GreenTea: {Exchanges: 4, Misses: 1, Overflows: 2, BytesInUse: 4096, BytesKept: 8192, Chunks: 3},
			}
		},
		Streams: func() []metrics.Stream { return []metrics.Stream{{Name: "tcp/5432"}} },
		Upstreams: func() []metrics.Upstream {
			return []metrics.Upstream{{
				Name: "default-cart-80", Endpoints: 3, Created: 1,
				Closed: map[string]uint64{"idle": 4}, Ejections: map[string]uint64{"check": 5},
			}}
		},
	})
	return m
}

func declared(name string) bool {
	return slices.ContainsFunc(metrics.Table, func(m *metrics.Metric) bool { return m.Name == name })
}

// The names and labels are read by dashboards and alerts: a change shows here.
func TestNamesAndLabels(t *testing.T) {
	families, err := everything().Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		// Those of the runtime belong to the library and change with it.
		if !declared(f.GetName()) {
			continue
		}
		var names []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			names = append(names, l.GetName())
		}
		fmt.Fprintf(&b, "%s %s %s\n", strings.ToLower(f.GetType().String()), f.GetName(), strings.Join(names, " "))
	}
	const file = "testdata/names.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, []byte(b.String())) {
		t.Errorf("the names have changed; -update rewrites them\n%s", b.String())
	}
}

func TestEachMetricOfTheTableIsShown(t *testing.T) {
	page := scrape(t, everything())
	for _, metric := range metrics.Table {
		if !strings.Contains(page, "\n# TYPE "+metric.Name+" "+string(metric.Kind)+"\n") {
			t.Errorf("%s is declared and not shown", metric.Name)
		}
		if !strings.HasSuffix(metric.Help, ".") {
			t.Errorf("%s: the help is not a sentence", metric.Name)
		}
	}
}

// The series that ingress-nginx's two dashboards and Flagger read.
func TestSeriesOfDashboards(t *testing.T) {
	page := scrape(t, everything())
	for _, name := range []string{
		"nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds_bucket",
		"nginx_ingress_controller_request_duration_seconds_count", "nginx_ingress_controller_response_duration_seconds_bucket",
		"nginx_ingress_controller_response_duration_seconds_sum", "nginx_ingress_controller_response_size_sum",
		"nginx_ingress_controller_request_size_sum", "nginx_ingress_controller_config_hash",
		"nginx_ingress_controller_config_last_reload_successful",
		"nginx_ingress_controller_config_last_reload_successful_timestamp_seconds", "nginx_ingress_controller_success",
		"nginx_ingress_controller_ssl_expire_time_seconds", "nginx_ingress_controller_nginx_process_connections",
		"nginx_ingress_controller_nginx_process_cpu_seconds_total", "nginx_ingress_controller_nginx_process_resident_memory_bytes",
		"nginx_ingress_controller_nginx_process_requests_total", "nginx_ingress_controller_build_info", "go_goroutines",
		"process_cpu_seconds_total",
	} {
		if !strings.Contains(page, "\n"+name+"{") && !strings.Contains(page, "\n"+name+" ") {
			t.Errorf("no series %s", name)
		}
	}
}

func TestPublications(t *testing.T) {
	m := metrics.New(labels)
	const pod = `{controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",controller_pod="pod-0"} `
	wantLines(t, scrape(t, m), "nginx_ingress_controller_config_last_reload_successful"+pod+"0")
	m.Published(metrics.Publication{Generation: 1, Hash: func() uint64 { return 5 << 11 }})
	wantLines(t, scrape(t, m),
		"nginx_ingress_controller_config_hash"+pod+"5",
		"nginx_ingress_controller_config_last_reload_successful"+pod+"1", "shockwave_snapshot_generation"+pod+"1")
	m.PublishFailed()
	wantLines(t, scrape(t, m),
		"nginx_ingress_controller_config_last_reload_successful"+pod+"0", "nginx_ingress_controller_errors"+pod+"1",
		"nginx_ingress_controller_success"+pod+"1", "shockwave_snapshot_generation"+pod+"1")
}

// Service b-c of namespace a and service c of namespace a-b have the same name in
// metrics. That must not take the page away from everybody.
func TestUpstreamsOfOneNameAreAddedUp(t *testing.T) {
	m := metrics.New(labels)
	closed := map[string]uint64{"idle": 4}
	m.SetSources(metrics.Sources{Upstreams: func() []metrics.Upstream {
		return []metrics.Upstream{
			{Name: "a-b-c-80", Endpoints: 3, Created: 10, Closed: closed},
			{Name: "other-80", Endpoints: 1},
			{Name: "a-b-c-80", Endpoints: 2, Created: 5, Closed: map[string]uint64{"idle": 1, "failed": 2}},
		}
	}})
	for range 2 {
		families, err := m.Registry().Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, metric := range f.GetMetric() {
				got := map[string]string{}
				for _, l := range metric.GetLabel() {
					got[l.GetName()] = l.GetValue()
				}
				var want float64
				switch {
				case got["upstream"] != "a-b-c-80":
					continue
				case f.GetName() == "shockwave_upstream_endpoints" && got["state"] == "all":
					want = 5
				case got["reason"] == "idle":
					want = 5
				case got["reason"] == "failed":
					want = 2
				default:
					continue
				}
				if v := metric.GetGauge().GetValue() + metric.GetCounter().GetValue(); v != want {
					t.Errorf("%s%v is %v, want %v", f.GetName(), got, v, want)
				}
			}
		}
	}
	if closed["idle"] != 4 {
		t.Error("what the source handed over was changed")
	}
}

func BenchmarkObserve(b *testing.B) {
	r := metrics.New(labels).Route(shop)
	ex := exchange("GET", 200)
	b.ReportAllocs()
	for b.Loop() {
		r.Observe(ex, time.Millisecond)
	}
}
