package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// options are what the command line says.
type options struct {
	shockwave   string
	only        string
	loads       string
	profile     string
	rounds      int
	connections int
	hosts       int
	warm        time.Duration
	window      time.Duration
	proxyCore   int
	otherCore   int
}

func main() {
	// The kernel ends children with the thread that started them: this one.
	runtime.LockOSThread()
	if err := dispatch(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

// roles are what this program does as a child of itself.
var roles = map[string]func(args []string) error{
	"backend":  backendRole,
	"load":     loadRole,
	"httputil": httputilRole,
	"fasthttp": fasthttpRole,
}

func dispatch(args []string) error {
	if len(args) > 0 {
		if role, ok := roles[args[0]]; ok {
			return role(args[1:])
		}
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.shockwave, "shockwave", "", "the controller's `binary`")
	flags.StringVar(&o.only, "peers", "", "`names` of the peers to compare with, separated by commas (default: all that are installed)")
	flags.StringVar(&o.loads, "load", "saturation,half", "`loads` to run")
	flags.StringVar(&o.profile, "profile", "", "compare nothing, but write a CPU profile of Shockwave under load to a `file`")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each load")
	flags.IntVar(&o.connections, "connections", 64, "keep-alive connections")
	flags.IntVar(&o.hosts, "hosts", 10000, "hosts in Shockwave's table")
	flags.DurationVar(&o.warm, "warm", time.Second, "time before each window")
	flags.DurationVar(&o.window, "window", 4*time.Second, "time that is measured")
	flags.IntVar(&o.proxyCore, "proxy-core", 0, "core of the proxies")
	flags.IntVar(&o.otherCore, "other-core", 1, "core of the backend and the load generator")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return compare(ctx, o)
}

// compare starts everything, runs the loads and prints the tables.
func compare(ctx context.Context, o options) (err error) {
	if o.shockwave == "" {
		return errors.New("-shockwave: name the controller's binary")
	}
	if o.rounds < 1 || o.connections < 1 || o.hosts < 1 || o.window < 10*time.Millisecond {
		return errors.New("-rounds, -connections, -hosts and -window must be positive")
	}
	dir, err := os.MkdirTemp("", "shockwave-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir, ctx: ctx}
	defer b.stop()
	if err := b.start(); err != nil {
		return err
	}
	if o.profile != "" {
		return b.record()
	}
	rate := 0.0
	for load := range strings.SplitSeq(o.loads, ",") {
		switch load {
		case "saturation":
			results, err := b.run(0)
			if err != nil {
				return err
			}
			fmt.Printf("\nSaturation: %d connections, closed loop, %d rounds of %s\n\n", o.connections, o.rounds, o.window)
			report(os.Stdout, b.names(), results)
			rate = slowest(results) / 2
		case "half":
			if rate == 0 {
				return errors.New(`the load "half" follows from "saturation": name that first`)
			}
			results, err := b.run(rate)
			if err != nil {
				return err
			}
			fmt.Printf("\nHalf load: %.0f requests per second over %d connections, open loop, %d rounds of %s\n\n",
				rate, o.connections, o.rounds, o.window)
			report(os.Stdout, b.names(), results)
		default:
			return fmt.Errorf("-load: there is no load %q", load)
		}
	}
	return nil
}

// bench is a comparison that runs.
type bench struct {
	options
	ctx      context.Context // of the program; it ends on a signal
	dir      string
	backend  *process
	proxies  []*proxy // Shockwave first
	children []*process
}

func (b *bench) names() []string {
	var names []string
	for _, p := range b.proxies {
		names = append(names, p.name)
	}
	return names
}

// start starts the backend and all proxies, and checks that they work.
func (b *bench) start() error {
	var err error
	if b.backend, err = b.spawnRole(b.otherCore, "backend"); err != nil {
		return err
	}
	wanted := strings.FieldsFunc(b.only, func(r rune) bool { return r == ',' })
	for _, name := range wanted {
		if !slices.ContainsFunc(contenders, func(c contender) bool { return c.name == name }) {
			return fmt.Errorf("-peers: there is no peer %q", name)
		}
	}
	for i, c := range contenders {
		if i > 0 && (b.profile != "" || len(wanted) > 0 && !slices.Contains(wanted, c.name)) {
			continue
		}
		p, err := c.start(b)
		if errors.Is(err, errNotInstalled) {
			fmt.Printf("%s is not installed and is left out\n", c.name)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		p.name = c.name
		if err := p.check(b.ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		b.proxies = append(b.proxies, p)
	}
	return nil
}

// stop ends the children, the last first.
func (b *bench) stop() {
	for _, p := range slices.Backward(b.children) {
		p.Stop()
	}
}

// run makes all rounds of one load, at a rate per second or as fast as can be.
// results[i] are the rounds of the i-th proxy.
func (b *bench) run(rate float64) (results [][]result, err error) {
	results = make([][]result, len(b.proxies))
	for round := range b.rounds {
		for i, p := range b.proxies {
			fmt.Fprintf(os.Stderr, "\rround %d of %d: %-10s", round+1, b.rounds, p.name)
			r, err := b.measure(p, rate)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	fmt.Fprintf(os.Stderr, "\r%40s\r", "")
	return results, nil
}

// measure loads one proxy once.
func (b *bench) measure(p *proxy, rate float64) (result, error) {
	mallocs, err := p.mallocs(b.ctx)
	if err != nil {
		return result{}, err
	}
	before, err := b.backendStats()
	if err != nil {
		return result{}, err
	}
	r, err := b.load(p, rate)
	if err != nil {
		return result{}, err
	}
	after, err := b.backendStats()
	if err != nil {
		return result{}, err
	}
	if n := after.requests - before.requests; n > 0 {
		r.UpstreamConnections = float64(after.connections-before.connections) / float64(n)
	}
	if r.RSS, err = load.RSS(p.PID()); err != nil {
		return result{}, err
	}
	if r.Mallocs, err = mallocs(r.Total); err != nil {
		return result{}, err
	}
	return r, nil
}
