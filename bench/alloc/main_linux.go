package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/report"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// options are what the command line says.
type options struct {
	page, save, from string
	merge            string
	short            bool
	servers          list
	only             list
	rounds           int
	warm, window     time.Duration
	rest             time.Duration
	serverCore       int
	loadCore         int
}

// list is a flag of names separated by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *list) Set(text string) error {
	*l = strings.Split(text, ",")
	return nil
}

// The parts of a run that are no scenarios.
const (
	partGC    = "GC"
	partBurst = "Burst"
)

// pinned is set for the process that runs on the load's core.
const pinned = "SHOCKWAVE_BENCH_PINNED"

func main() {
	// The kernel ends children with the thread that started them: this one.
	runtime.LockOSThread()
	if err := dispatch(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "\nbench:", err)
		}
		os.Exit(1)
	}
}

func dispatch(args []string) error {
	if len(args) > 0 && args[0] == "serve" {
		return serveRole(args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.from != "" {
		r, err := readResults(o.from)
		if err != nil {
			return err
		}
		return o.publish(r)
	}
	if os.Getenv(pinned) == "" {
		return pin(o.loadCore)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := runAll(ctx, o, args)
	if err != nil {
		return err
	}
	if o.merge != "" {
		saved, err := readResults(o.merge)
		if err != nil {
			return err
		}
		saved.merge(r)
		r = saved
	}
	return o.publish(r)
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.page, "page", "", "`file` to write the page to")
	flags.StringVar(&o.save, "save", "", "`file` to save the figures in, as JSON")
	flags.StringVar(&o.from, "from", "", "run nothing, but show the figures of a `file` that was saved")
	flags.StringVar(&o.merge, "merge", "", "replace cases in the figures of a `file` that was saved")
	flags.BoolVar(&o.short, "short", false, "one round of short windows, to see that everything works")
	flags.Var(&o.servers, "servers", "`names` of the servers, separated by commas (default "+strings.Join(names, ",")+")")
	flags.Var(&o.only, "cases", "`names` of the cases, separated by commas; GC and Burst are two (default all)")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each case")
	flags.DurationVar(&o.warm, "warm", 200*time.Millisecond, "time before each window")
	flags.DurationVar(&o.window, "window", 1200*time.Millisecond, "time that is measured; three times as long for the collector")
	flags.DurationVar(&o.rest, "rest", 5*time.Second, "time after a burst")
	flags.IntVar(&o.serverCore, "server-core", 0, "core of the servers")
	flags.IntVar(&o.loadCore, "load-core", 1, "core of the load")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.short {
		o.rounds, o.warm, o.window, o.rest = 1, 50*time.Millisecond, 150*time.Millisecond, time.Second
	}
	if o.servers == nil {
		o.servers = names
	}
	for _, name := range o.servers {
		if !slices.Contains(names, name) {
			return o, fmt.Errorf("-servers: there is no server %q", name)
		}
	}
	if o.page != "" && o.from == "" && o.merge == "" && (o.only != nil || len(o.servers) != len(names)) {
		return o, errors.New("-page wants all cases and all servers")
	}
	if o.rounds < 1 || o.window < 10*time.Millisecond {
		return o, errors.New("-rounds and -window must be positive")
	}
	return o, nil
}

// pin replaces this process by one that runs on the core of the load.
func pin(core int) error {
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"taskset", "-c", strconv.Itoa(core), self}, os.Args[1:]...)
	return syscall.Exec(taskset, args, append(os.Environ(), "GOMAXPROCS=1", pinned+"=1"))
}

// runAll runs what o asks for.
func runAll(ctx context.Context, o options, args []string) (*results, error) {
	dir, err := os.MkdirTemp("", "shockwave-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, ctx: ctx, dir: dir}
	started := time.Now()
	r := &results{Machine: describe(o, args)}
	all, err := scenarios()
	if err != nil {
		return nil, err
	}
	if err := o.checkOnly(all); err != nil {
		return nil, err
	}
	for _, s := range all {
		if !o.wants(s.Name) {
			continue
		}
		got, err := b.compare(s)
		if err != nil {
			return nil, err
		}
		r.Outcomes = append(r.Outcomes, got)
	}
	if o.wants(partGC) {
		s, err := mixedScenario("Sustained", "the mixed set on 64 connections", 64)
		if err != nil {
			return nil, err
		}
		sustained, err := b.sustained(s)
		if err != nil {
			return nil, err
		}
		cycles, err := b.cycles(s, cyclesShare*sustained.slowest())
		if err != nil {
			return nil, err
		}
		r.Sustained, r.Cycles = &sustained, &cycles
	}
	if o.wants(partBurst) {
		if r.Burst, err = b.bursts(); err != nil {
			return nil, err
		}
		r.BurstRest = o.rest.String()
	}
	progress("")
	fmt.Fprint(os.Stderr, "\r")
	r.Machine.Took = time.Since(started).Round(time.Second).String()
	return r, nil
}

func (o *options) wants(name string) bool {
	return o.only == nil || slices.Contains(o.only, name)
}

func (o *options) checkOnly(all []scenario) error {
	known := []string{partGC, partBurst}
	for _, s := range all {
		known = append(known, s.Name)
	}
	for _, name := range o.only {
		if !slices.Contains(known, name) {
			return fmt.Errorf("-cases: there is no %q, only %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// publish prints the tables, and writes the page and the figures where o says so.
func (o *options) publish(r *results) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	fmt.Print(text)
	if o.page != "" {
		page, err := r.page()
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.page, []byte(page), 0o644); err != nil {
			return err
		}
	}
	if o.save != "" {
		return r.save(o.save)
	}
	return nil
}

// describe tells about this machine and run.
func describe(o options, args []string) machine {
	m := machine{Machine: report.ThisMachine(), Chunks: alloc.Built().ArenaSource}
	m.Command = report.Command("bench-alloc", "ALLOC_ARGS", args, "page", "save", "from", "merge")
	m.Rounds, m.Window = o.rounds, o.window.String()
	return m
}
