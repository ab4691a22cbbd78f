package metrics_test

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
)

func TestAllocations(t *testing.T) {
	const pod = `controller_class="k8s.io/ingress-nginx",controller_namespace="ingress",controller_pod="pod-0"`
	page := scrape(t, everything())
	wantLines(t, page,
		`shockwave_alloc_build_info{arena_source="mmap",`+pod+`,debug="true",default="standard"} 1`,
		`shockwave_alloc_routes{`+pod+`,mode="standard"} 2`,
		`shockwave_alloc_routes{`+pod+`,mode="arena"} 0`,
		`shockwave_alloc_exchanges_total{`+pod+`,mode="standard"} 7`,
		`shockwave_alloc_exchanges_total{`+pod+`,mode="greentea"} 4`,
		`shockwave_alloc_slab_misses_total{`+pod+`,mode="standard"} 0`,
		`shockwave_alloc_slab_misses_total{`+pod+`,mode="greentea"} 1`,
		`shockwave_alloc_overflows_total{`+pod+`,mode="standard"} 1`,
		`shockwave_alloc_overflows_total{`+pod+`,mode="greentea"} 2`,
		`shockwave_alloc_bytes_in_use{`+pod+`,mode="standard"} 512`,
		`shockwave_alloc_bytes_in_use{`+pod+`,mode="greentea"} 4096`,
		`shockwave_alloc_bytes_kept{`+pod+`,mode="greentea"} 8192`,
		`shockwave_alloc_chunks{`+pod+`,mode="greentea"} 3`,
		`shockwave_alloc_greentea_hit_ratio{`+pod+`} 0.75`,
	)
}

// A ratio of nothing is not shown, and the counters, which are read one after the
// other, never make one below 0.
func TestHitRatio(t *testing.T) {
	for _, c := range []struct {
		exchanges, misses uint64
		want              string
	}{{0, 0, ""}, {8, 0, "1"}, {8, 8, "0"}, {8, 9, "0"}} {
		m := metrics.New(labels)
		m.SetSources(metrics.Sources{Allocations: func() [alloc.Modes]alloc.Stats {
			return [alloc.Modes]alloc.Stats{
				alloc.Arena:    {Exchanges: 5},
				alloc.GreenTea: {Exchanges: c.exchanges, Misses: c.misses},
			}
		}})
		line := regexp.MustCompile(`(?m)^shockwave_alloc_greentea_hit_ratio\{.*\} (.*)$`).FindStringSubmatch(scrape(t, m))
		switch {
		case c.want == "" && line != nil:
			t.Errorf("%d of %d: shown as %s", c.misses, c.exchanges, line[1])
		case c.want != "" && (line == nil || line[1] != c.want):
			t.Errorf("%d of %d: %v, want %s", c.misses, c.exchanges, line, c.want)
		}
	}
}

func TestRuntime(t *testing.T) {
	runtime.GC()
	page := scrape(t, metrics.New(labels))
	for _, name := range []string{
		"go_cpu_classes_gc_total_cpu_seconds_total", "go_cpu_classes_gc_mark_idle_cpu_seconds_total",
		"go_cpu_classes_total_cpu_seconds_total", "go_cpu_classes_idle_cpu_seconds_total",
		"go_sched_pauses_total_gc_seconds_bucket", "go_sched_pauses_total_gc_seconds_count",
		"go_gc_heap_live_bytes", "go_gc_heap_goal_bytes", "go_gc_cycles_total_gc_cycles_total",
		"go_goroutines", "go_memstats_heap_inuse_bytes",
	} {
		if !strings.Contains(page, "\n"+name+" ") && !strings.Contains(page, "\n"+name+"{") {
			t.Errorf("no series %s", name)
		}
	}
	line := regexp.MustCompile(`(?m)^shockwave_gc_cpu_share\{.*\} (.*)$`).FindStringSubmatch(page)
	if line == nil {
		t.Fatal("no series shockwave_gc_cpu_share")
	}
	if share, err := strconv.ParseFloat(line[1], 64); err != nil || share < 0 || share > 1 {
		t.Errorf("the garbage collector has a share of %s", line[1])
	}
}
