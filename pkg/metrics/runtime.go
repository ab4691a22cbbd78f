package metrics

import (
	"regexp"
	"runtime/metrics"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// goCollector reports on the Go runtime. Besides the usual metrics it shows where
// the garbage collector spends CPU, how long it stops the program, and how
// large the heap is and may become.
func goCollector() prometheus.Collector {
	return collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
		collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(
			`^/cpu/classes/|^/sched/pauses/total/gc:|^/gc/heap/(live|goal):|^/gc/cycles/total:`)},
	))
}

// The CPU time of the program by what it was spent on, as package runtime/metrics
// calls it.
const (
	cpuTotal  = "/cpu/classes/total:cpu-seconds"
	cpuIdle   = "/cpu/classes/idle:cpu-seconds"
	cpuGC     = "/cpu/classes/gc/total:cpu-seconds"
	cpuGCIdle = "/cpu/classes/gc/mark/idle:cpu-seconds"
)

// gcShare is the share of the garbage collector in the CPU time that was used
// since the start. ok is false as long as no collection has ended, because the
// runtime adds up with each.
func gcShare() (share float64, ok bool) {
	samples := []metrics.Sample{{Name: cpuTotal}, {Name: cpuIdle}, {Name: cpuGC}, {Name: cpuGCIdle}}
	metrics.Read(samples)
	var seconds [4]float64
	for i, s := range samples {
		if s.Value.Kind() != metrics.KindFloat64 {
			return 0, false // a runtime without this metric
		}
		seconds[i] = s.Value.Float64()
	}
	return shareOf(seconds[0], seconds[1], seconds[2], seconds[3])
}

// shareOf is what gc has of total. Marking that was done only because a CPU had
// nothing else to do costs nobody anything: it counts as idle.
func shareOf(total, idle, gc, gcIdle float64) (share float64, ok bool) {
	used := total - idle - gcIdle
	if used <= 0 {
		return 0, false
	}
	return min(max((gc-gcIdle)/used, 0), 1), true
}
