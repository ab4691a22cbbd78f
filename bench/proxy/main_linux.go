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
	"github.com/shockwave-ingress/shockwave/bench/report"
)

// options are what the command line says.
type options struct {
	shockwave               string
	page, save, from, merge string
	cases, peers            list
	profile                 string
	rounds                  int
	hosts                   int
	warm                    time.Duration
	window                  time.Duration
	proxyCore               int
	otherCore               int
}

// list is a flag of names separated by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *list) Set(text string) error {
	*l = strings.Split(text, ",")
	return nil
}

// wants tells whether a name is asked for: any is when none is named.
func (l list) wants(name string) bool { return l == nil || slices.Contains(l, name) }

// check tells which of l is not known.
func (l list) check(flag string, known []string) error {
	for _, name := range l {
		if !slices.Contains(known, name) {
			return fmt.Errorf("-%s: there is no %q, only %s", flag, name, strings.Join(known, ", "))
		}
	}
	return nil
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
	"hold":     holdRole,
	"httputil": httputilRole,
	"relay":    relayRole,
	"fasthttp": fasthttpRole,
}

func dispatch(args []string) error {
	if len(args) > 0 {
		if role, ok := roles[args[0]]; ok {
			return role(args[1:])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.from != "" {
		r := new(results)
		if err := report.Read(o.from, r); err != nil {
			return err
		}
		return o.publish(r)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return compare(ctx, o, args)
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.shockwave, "shockwave", "", "the controller's `binary`")
	flags.StringVar(&o.page, "page", "", "`file` to write the page to")
	flags.StringVar(&o.save, "save", "", "`file` to save the figures in, as JSON, after each case")
	flags.StringVar(&o.from, "from", "", "run nothing, but show the figures of a `file` that was saved")
	flags.StringVar(&o.merge, "merge", "", "put the cases into the figures of a `file` that was saved")
	flags.Var(&o.cases, "cases", "`names` of the cases, separated by commas (default all)")
	flags.Var(&o.peers, "peers", "`names` of the peers, separated by commas (default all that are installed)")
	flags.StringVar(&o.profile, "profile", "", "compare nothing, but write a CPU profile of Shockwave under load to a `file`")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of each case")
	flags.IntVar(&o.hosts, "hosts", 10000, "hosts in Shockwave's table")
	flags.DurationVar(&o.warm, "warm", 500*time.Millisecond, "time before each window")
	flags.DurationVar(&o.window, "window", 3*time.Second, "time that is measured")
	flags.IntVar(&o.proxyCore, "proxy-core", 0, "core of the proxies")
	flags.IntVar(&o.otherCore, "other-core", 1, "core of the backend and the load")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var known []string
	for _, s := range scenarios {
		known = append(known, s.Name)
	}
	if err := errors.Join(o.cases.check("cases", known), o.peers.check("peers", peers)); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1 || o.hosts < 1 || o.window < 10*time.Millisecond:
		return o, errors.New("-rounds, -hosts and -window must be positive")
	case o.from != "":
		return o, nil
	case o.shockwave == "":
		return o, errors.New("-shockwave: name the controller's binary")
	case o.page != "" && (o.peers != nil || o.cases != nil && o.merge == ""):
		return o, errors.New("-page wants all peers, and all cases or a file to put them into (-merge)")
	case o.cases.wants(half) && !o.cases.wants(capacity):
		return o, fmt.Errorf("-cases: %s follows from %s: name both", half, capacity)
	}
	return o, nil
}

// compare runs what o asks for.
func compare(ctx context.Context, o options, args []string) error {
	dir, err := os.MkdirTemp("", "shockwave-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.cases.wants(idle) && o.profile == "" {
		if err := load.AllowFiles(openFiles); err != nil {
			return fmt.Errorf("%w; or leave the case %s out (-cases)", err, idle)
		}
	}
	b := &bench{options: o, dir: dir, ctx: ctx}
	defer b.stop()
	if err := b.prepare(); err != nil {
		return err
	}
	if o.profile != "" {
		return b.record()
	}
	started := time.Now()
	r := &results{Machine: machine{Machine: report.ThisMachine(), Peers: versions(ctx), Hosts: o.hosts}}
	m := &r.Machine
	m.Command = report.Command("bench-proxy", "PROXY_ARGS", args, "shockwave", "page", "save", "from", "merge")
	m.Rounds, m.Window = o.rounds, o.window.String()
	for i := range scenarios {
		s := &scenarios[i]
		if !o.cases.wants(s.Name) {
			continue
		}
		got, err := b.run(s, r)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		r.Outcomes = append(r.Outcomes, got)
		m.Took = time.Since(started).Round(time.Second).String()
		// A run is long: what there is may be merged with another.
		if o.save != "" && o.merge == "" {
			if err := report.Save(o.save, r); err != nil {
				return err
			}
		}
	}
	progress("")
	fmt.Fprint(os.Stderr, "\r")
	if o.merge != "" {
		saved := new(results)
		if err := report.Read(o.merge, saved); err != nil {
			return err
		}
		saved.merge(r)
		r = saved
	}
	return o.publish(r)
}

// publish prints the tables, and writes the page and the figures where o says so.
func (o *options) publish(r *results) error {
	fmt.Print(r.text())
	if o.save != "" {
		if err := report.Save(o.save, r); err != nil {
			return err
		}
	}
	if o.page == "" {
		return nil
	}
	page, err := r.page()
	if err != nil {
		return err
	}
	return os.WriteFile(o.page, []byte(page), 0o644)
}

// progress tells on the standard error what is being done.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r%-60s", fmt.Sprintf(format, args...))
}
