package proxy_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// usualFilters are what routes are often given, each of which makes one filter.
var usualFilters = []func(f *model.Filters, p *model.Policy){
	func(f *model.Filters, _ *model.Policy) {
		f.ResponseFields.Set = "X-Frame-Options: DENY\nX-Content-Type-Options: nosniff\nX-Id: $req_id"
	},
	func(f *model.Filters, _ *model.Policy) {
		f.CORS = model.CORS{On: true, Origins: "https://*.test", Methods: "GET, POST", MaxAge: 5}
	},
	func(f *model.Filters, _ *model.Policy) { f.Access.Allow = "10.0.0.0/8,127.0.0.0/8" },
	func(f *model.Filters, _ *model.Policy) {
		f.Limits = model.Limits{PerSecond: 1e6, PerMinute: 1e8, Connections: 100, Burst: 1000}
	},
	func(f *model.Filters, _ *model.Policy) {
		f.Block = model.Block{Networks: "192.0.2.0/24", Agents: "badbot,~^curl/7"}
	},
	func(f *model.Filters, _ *model.Policy) { f.Rewrite.Target = "/shop/$1" },
	func(f *model.Filters, _ *model.Policy) { f.RequestFields.Host = "shop.internal" },
	func(f *model.Filters, _ *model.Policy) {
		f.RequestFields.Set = "X-Real-IP: $remote_addr\nX-Original: $request_uri\nDNT: "
	},
	func(_ *model.Filters, p *model.Policy) { p.Balance.Sticky.Cookie = "route" }, // which clients here do not send: each gets one
	func(f *model.Filters, _ *model.Policy) { f.HSTS = model.HSTS{On: true, MaxAge: 31536000} },
}

// filtered returns the first n of usualFilters.
func filtered(n int) (f model.Filters, p model.Policy) {
	p = model.DefaultPolicy()
	for _, set := range usualFilters[:n] {
		set(&f, &p)
	}
	return f, p
}

// startFiltered is startProxy for one route, a pattern, with the first n of
// usualFilters.
func startFiltered(t testing.TB, mode alloc.Mode, n int) string {
	return startProxyWith(t, mode, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello", func(cfg *model.Config) {
		filters, policy := filtered(n)
		route := cfg.Hosts[0].Routes[0]
		route.Path, route.Match, route.Options.Filters = "/(.*)", model.Pattern, filters.Set()
		cfg.Hosts[0].Routes = []model.Route{route}
		for i := range cfg.Upstreams {
			cfg.Upstreams[i].Policy = policy
		}
	})
}

// An exchange allocates nothing however many filters its route has.
func TestFiltersDoNotAllocate(t *testing.T) {
	for n := range len(usualFilters) + 1 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			filters, policy := filtered(n)
			chain, err := filter.Compile(&filter.Settings{
				Filters: filters, Path: "/(.*)", Pattern: true, Sticky: policy.Balance.Sticky, Shared: new(filter.Shared),
			})
			if err != nil || len(chain.Names) != n {
				t.Fatalf("the route has the filters %v, error %v; want %d", chain.Names, err, n)
			}
			addr := startFiltered(t, inmodes.Mode(), n)
			if n := allocations(t, dial(t, addr, browserGet, "200")); n > 0.1 && !race.Enabled {
				t.Errorf("%.2f allocations per exchange, want 0", n)
			}
		})
	}
}

// BenchmarkFilters is BenchmarkExchange with filters, in each allocation mode. Processor
// time, of client and upstream too, says more than time on a machine that is shared.
func BenchmarkFilters(b *testing.B) {
	for mode := range alloc.Mode(alloc.Modes) {
		for _, n := range []int{0, 1, 5, 10} {
			b.Run(fmt.Sprintf("%s/%d", mode, n), func(b *testing.B) {
				c := dial(b, startFiltered(b, mode, n), browserGet, "200")
				for range 2000 {
					c.exchange(b)
				}
				b.ReportAllocs()
				begin := cpuTime()
				for b.Loop() {
					c.exchange(b)
				}
				b.ReportMetric(float64(cpuTime()-begin)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// cpuTime is the processor time of the process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
