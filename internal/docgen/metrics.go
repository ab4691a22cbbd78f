package main

import (
	"fmt"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/metrics"
)

// metricsPage is the reference of metrics.
func metricsPage() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Metrics

What `+"`/metrics`"+` on `+"`--healthz-port`"+` shows, besides what the Go runtime (`+"`go_*`"+`) and the process
(`+"`process_*`"+`, `+"`nginx_ingress_controller_nginx_process_*`"+`) report by themselves. Among the former are the CPU
time of the garbage collector (`+"`go_cpu_classes_gc_*`"+`), its pauses (`+"`go_sched_pauses_total_gc_seconds`"+`) and the
heap's size and goal (`+"`go_gc_heap_live_bytes`, `go_gc_heap_goal_bytes`"+`). Each also has the labels
%s, unless it is marked *bare*. Names and labels that begin with `+"`nginx_ingress_controller_`"+` are those of ingress-nginx.

`, codes(metrics.ConstantLabels))
	var rows [][]string
	for _, m := range metrics.Table {
		kind := string(m.Kind)
		if m.Scope == metrics.Bare {
			kind += ", *bare*"
		}
		rows = append(rows, []string{m.Name, kind, codes(m.Labels), m.Help})
	}
	table(&b, []string{"name", "type", "labels", "meaning"}, rows)
	b.WriteString("\n`host` is left out with `--metrics-per-host=false`. Hosts and paths are those of the rule, never what a client sent.\n")
	return b.String()
}
