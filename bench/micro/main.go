// Command micro runs the benchmarks that have peers beside ours, several times by
// turns, and prints what each costs in proportion to ours. Absolute times say
// little on a shared machine; the ratios of one run do.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/tools/benchmark/parse"
)

// compared are the packages with benchmarks whose sub-benchmarks are ours and
// peers.
var compared = []string{"./pkg/http11", "./pkg/downstream", "./pkg/server"}

// pattern are those benchmarks.
const pattern = "^Benchmark(RequestHead|KeepAliveGet|KeepAlive|JSON|Headers20|POST4K|Pipelined16)$"

// ours is the name of our sub-benchmark.
const ours = "shockwave"

// benchmark is one result of go test.
type benchmark = parse.Benchmark

func main() {
	rounds := flag.Int("rounds", 10, "how often each benchmark runs")
	benchtime := flag.String("benchtime", "200ms", "how long each runs, as for go test")
	flag.Parse()
	results := make(map[string]map[string][]*benchmark) // by benchmark and peer
	for i := range *rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, *rounds)
		out, err := run(*benchtime)
		if err == nil {
			err = collect(results, out)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "micro:", err)
			os.Exit(1)
		}
	}
	if err := report(os.Stdout, results); err != nil {
		fmt.Fprintln(os.Stderr, "micro:", err)
		os.Exit(1)
	}
}

func run(benchtime string) ([]byte, error) {
	args := append([]string{"test", "-run", "^$", "-bench", pattern, "-benchtime", benchtime, "-benchmem"}, compared...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go test: %w\n%s", err, out)
	}
	return out, nil
}

// collect adds the figures of one round.
func collect(results map[string]map[string][]*benchmark, out []byte) error {
	set, err := parse.ParseSet(bytes.NewReader(out))
	if err != nil {
		return fmt.Errorf("read the output of go test: %w", err)
	}
	for _, list := range set {
		for _, b := range list {
			what, peer, ok := strings.Cut(strings.TrimPrefix(b.Name, "Benchmark"), "/")
			if !ok {
				continue
			}
			if i := strings.LastIndexByte(peer, '-'); i >= 0 {
				peer = peer[:i] // the number of processors
			}
			if results[what] == nil {
				results[what] = make(map[string][]*benchmark)
			}
			results[what][peer] = append(results[what][peer], b)
		}
	}
	return nil
}

// report prints the table. The ratio of a peer is the median over the rounds of
// its time by ours, with the least and the most: above 1, ours is faster.
func report(w io.Writer, results map[string]map[string][]*benchmark) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "benchmark\tpeer\tns/op\tB/op\tallocs/op\ttime by ours [least, most]")
	for _, what := range sorted(results) {
		peers := results[what]
		base, ok := peers[ours]
		if !ok {
			return fmt.Errorf("benchmark %s has no %q to compare with", what, ours)
		}
		for _, peer := range sorted(peers) {
			runs := peers[peer]
			ratios := make([]float64, min(len(runs), len(base)))
			for i := range ratios {
				ratios[i] = runs[i].NsPerOp / base[i].NsPerOp
			}
			slices.Sort(ratios)
			times := make([]float64, len(runs))
			for i, b := range runs {
				times[i] = b.NsPerOp
			}
			slices.Sort(times)
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%d\t%d\t%.2f [%.2f, %.2f]\n", what, peer, times[len(times)/2],
				runs[0].AllocedBytesPerOp, runs[0].AllocsPerOp, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
		}
	}
	return t.Flush()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
