package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// report writes two tables: what each proxy needed, and Shockwave, which is the
// first, in proportion to each of the others. results[i] are the rounds of the
// proxy names[i].
func report(w io.Writer, names []string, results [][]result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "proxy\trequests/s\tCPU µs\tuser µs\tsystem µs\tp50\tp99\tp99.9\tRSS MB\tconns/request\tmallocs/request\t")
	for i, name := range names {
		rounds := results[i]
		over := func(f func(*result) float64) float64 { return spreadOf(rounds, f).Median }
		latency := func(f func(*result) time.Duration) time.Duration {
			return time.Duration(over(func(r *result) float64 { return float64(f(r)) })).Round(time.Microsecond)
		}
		mallocs := "-"
		if n := over(func(r *result) float64 { return r.Mallocs }); n >= 0 {
			mallocs = fmt.Sprintf("%.3f", n)
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%.1f\t%.5f\t%s\t\n",
			name, over(throughput), over(allCPU), over(userCPU), over(systemCPU),
			latency(func(r *result) time.Duration { return r.P50 }),
			latency(func(r *result) time.Duration { return r.P99 }),
			latency(func(r *result) time.Duration { return r.P999 }),
			over(func(r *result) float64 { return float64(r.RSS) / 1e6 }),
			over(func(r *result) float64 { return r.UpstreamConnections }),
			mallocs)
	}
	t.Flush()
	if len(names) < 2 {
		return
	}
	fmt.Fprintf(w, "\nRatios to each peer, round by round: median [least, most]\n\n")
	fmt.Fprintln(t, "peer\tCPU/request\tuser CPU/request\trequests/s\tp99\t")
	for i, name := range names[1:] {
		fmt.Fprint(t, name)
		for _, f := range []func(*result) float64{
			allCPU, userCPU, throughput,
			func(r *result) float64 { return float64(r.P99) },
		} {
			fmt.Fprintf(t, "\t%s", ratios(results[0], results[i+1], f))
		}
		fmt.Fprintln(t, "\t")
	}
	t.Flush()
}

func allCPU(r *result) float64     { all, _, _ := r.cpu(); return all }
func throughput(r *result) float64 { return r.Throughput() }
func userCPU(r *result) float64    { _, user, _ := r.cpu(); return user }
func systemCPU(r *result) float64  { _, _, system := r.cpu(); return system }

// spreadOf is the spread of a figure of each round; there must be one.
func spreadOf(rounds []result, f func(*result) float64) load.Spread {
	return load.SpreadOf(figures(rounds, f))
}

// ratios is the spread of ours/theirs, each of the same round.
func ratios(ours, theirs []result, f func(*result) float64) load.Spread {
	return load.Ratios(figures(ours, f), figures(theirs, f))
}

func figures(rounds []result, f func(*result) float64) []float64 {
	values := make([]float64, len(rounds))
	for i := range rounds {
		values[i] = f(&rounds[i])
	}
	return values
}

// slowest is the throughput of the slowest proxy.
func slowest(results [][]result) float64 {
	least := 0.0
	for _, rounds := range results {
		if t := spreadOf(rounds, throughput).Median; least == 0 || t < least {
			least = t
		}
	}
	return least
}
