package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
)

// What loads are in proportion to what the slowest server can do.
const (
	openShare = .4
	// During collections a server has much less of its core.
	cyclesShare = .2
)

// bench is a comparison that runs.
type bench struct {
	options
	ctx context.Context // of the program; it ends on a signal
	dir string
}

// child is a server that runs.
type child struct {
	*load.Process
	*remote
	name string
	addr string
}

// start starts a server for a kind of work, on a Unix socket if that is asked for.
func (b *bench) start(name string, kind cases.Kind, onUnix bool) (c *child, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		inW.Close()
		return nil, err
	}
	defer outW.Close()
	args := []string{"serve", name, strconv.Itoa(int(kind))}
	if onUnix {
		args = append(args, fmt.Sprintf("@shockwave-bench-%d-%s", os.Getpid(), name)) // it has no file
	}
	p, err := load.Start(load.Command{
		Core: b.serverCore, Dir: b.dir, Program: self, Args: args,
		Stdin: inR, Stdout: outW,
	})
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, err
	}
	c = &child{Process: p, remote: &remote{inW, bufio.NewReader(outR)}, name: name}
	if c.addr, err = load.ReadAnnounced(c.out); err != nil {
		c.Stop()
		return nil, fmt.Errorf("%s: %w; its errors:\n%s", name, err, c.Complaint())
	}
	return c, nil
}

// startAll starts all servers, which are stopped with stopAll.
func (b *bench) startAll(kind cases.Kind, onUnix bool) (all []*child, err error) {
	for _, name := range b.servers {
		c, err := b.start(name, kind, onUnix)
		if err != nil {
			stopAll(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func stopAll(all []*child) {
	for _, c := range all {
		c.Stop()
	}
}

// progress tells on the standard error what is being done.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r%-60s", fmt.Sprintf(format, args...))
}

// compare runs one scenario: each round loads each server once in a closed and once
// in an open loop.
func (b *bench) compare(s scenario) (outcome, error) {
	o := outcome{Name: s.Name, Text: s.Text, Series: map[string]series{}}
	all, err := b.startAll(s.Kind, s.Unix)
	if err != nil {
		return o, err
	}
	defer stopAll(all)
	for round := range b.rounds {
		for _, c := range all {
			progress("%s: round %d of %d: %s", s.Name, round+1, b.rounds, c.name)
			f, err := b.closedLoop(c, s, b.window)
			if err != nil {
				return o, fmt.Errorf("%s: %w", s.Name, err)
			}
			o.Series[c.name] = append(o.Series[c.name], f)
		}
		if o.Rate == 0 {
			o.Rate = openShare * o.slowest()
		}
		for _, c := range all {
			progress("%s: round %d of %d: %s, open loop", s.Name, round+1, b.rounds, c.name)
			f := &o.Series[c.name][round]
			if err := b.openLoop(c, s, o.Rate, b.window, f); err != nil {
				return o, fmt.Errorf("%s: %w", s.Name, err)
			}
		}
	}
	return o, nil
}

// slowest is the throughput of the slowest server in its slowest round.
func (o *outcome) slowest() float64 {
	most := 0.0
	for _, s := range o.Series {
		most = max(most, slices.Max(s.of(timeOf)))
	}
	return 1e6 / most
}

// run loads a server and returns what it counted in the window.
func (b *bench) run(c *child, o load.Options) (r load.Result, n counts, err error) {
	if err := b.ctx.Err(); err != nil {
		return r, n, err
	}
	var marks []counts
	o.Addr, o.PID = c.addr, c.PID()
	o.Mark = func() error {
		n, err := c.counts()
		marks = append(marks, n)
		return err
	}
	r, err = load.Generate(o)
	if err == nil {
		err = r.Err()
	}
	if err == nil && len(marks) != 2 {
		err = errors.New("the window did not end")
	}
	if err != nil {
		return r, n, fmt.Errorf("%s: %w; its errors:\n%s", c.name, err, c.Complaint())
	}
	return r, marks[1].minus(marks[0]), nil
}

func (b *bench) load(s scenario, rate float64, window time.Duration) load.Options {
	return load.Options{
		Connections: s.Connections, Request: s.request, Batch: s.Batch, Fresh: s.Fresh,
		Rate: rate, Warm: b.warm, Window: window,
	}
}

// closedLoop measures what a server needs for a scenario.
func (b *bench) closedLoop(c *child, s scenario, window time.Duration) (f figures, err error) {
	r, n, err := b.run(c, b.load(s, 0, window))
	if err != nil {
		return f, err
	}
	rss, err := load.RSS(c.PID())
	if err != nil {
		return f, err
	}
	f = costs(&r, n)
	f.RSS = float64(rss)
	return f, nil
}

// costs are the figures of a load but for memory and latency.
func costs(r *load.Result, n counts) figures {
	requests := float64(r.Requests)
	f := figures{
		CPU:       r.Clock.Seconds() * 1e6 / requests,
		Time:      r.Elapsed.Seconds() * 1e6 / requests,
		Bytes:     float64(n.bytes) / requests,
		Allocs:    float64(n.mallocs) / requests,
		GC:        n.gc.Seconds(),
		Busy:      r.Clock.Seconds(),
		Cycles:    float64(n.cycles),
		Exchanges: float64(n.exchanges),
		Misses:    float64(n.misses),
	}
	if sum := r.CPU.User + r.CPU.System; sum > 0 {
		f.User = f.CPU * r.CPU.User.Seconds() / sum.Seconds()
	}
	return f
}

// openLoop adds the latency of a scenario to f.
func (b *bench) openLoop(c *child, s scenario, rate float64, window time.Duration, f *figures) error {
	r, _, err := b.run(c, b.load(s, rate, window))
	if err != nil {
		return err
	}
	f.latency(&r)
	return nil
}

func (f *figures) latency(r *load.Result) {
	f.P50, f.P99, f.P999 = micros(r.P50), micros(r.P99), micros(r.P999)
}

func micros(d time.Duration) float64 { return d.Seconds() * 1e6 }

// sustained loads each server for a longer time, for what the collector takes of
// it.
func (b *bench) sustained(s scenario) (o outcome, err error) {
	o = outcome{Name: s.Name, Text: s.Text, Series: map[string]series{}}
	err = b.byTurns(&o, s, "sustained load", func(c *child) (figures, error) {
		return b.closedLoop(c, s, longer*b.window)
	})
	return o, err
}

// byTurns starts all servers and measures each once in each round.
func (b *bench) byTurns(o *outcome, s scenario, what string, measure func(*child) (figures, error)) error {
	all, err := b.startAll(s.Kind, s.Unix)
	if err != nil {
		return err
	}
	defer stopAll(all)
	for round := range b.rounds {
		for _, c := range all {
			progress("%s: round %d of %d: %s", what, round+1, b.rounds, c.name)
			f, err := measure(c)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			o.Series[c.name] = append(o.Series[c.name], f)
		}
	}
	return nil
}

// longer is how many windows the collector's part of a run takes.
const longer = 3

// cycles loads each server in an open loop while its live objects are replaced and
// collections forced.
func (b *bench) cycles(s scenario, rate float64) (o outcome, err error) {
	o = outcome{Name: s.Name, Text: s.Text, Rate: rate, Series: map[string]series{}}
	err = b.byTurns(&o, s, "collections", func(c *child) (f figures, err error) {
		if _, err := c.do(cmdChurn); err != nil {
			return f, err
		}
		r, n, err := b.run(c, b.load(s, rate, longer*b.window))
		if err != nil {
			return f, err
		}
		if _, err := c.do(cmdCalm); err != nil {
			return f, err
		}
		f = costs(&r, n)
		f.latency(&r)
		return f, nil
	})
	return o, err
}
