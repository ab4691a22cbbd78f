package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// settle is the time that connections are idle before memory is looked at.
const settle = 2 * time.Second

// openFiles is what a process may have open that has the idle connections, and those
// to the backend besides.
const openFiles = 20000

// idle starts each proxy anew in each round and looks at its memory with and without
// idle connections.
func (b *bench) idle(s *scenario) (outcome, error) {
	o := outcome{Name: s.Name, Series: map[string]series{}}
	for round := range b.rounds {
		if err := b.startAll(s); err != nil {
			return o, err
		}
		for _, p := range b.proxies {
			progress("%s: round %d of %d: %s", s.Name, round+1, b.rounds, p.name)
			f, err := b.hold(p, s)
			if err != nil {
				return o, fmt.Errorf("%s: %s: %w; its errors:\n%s", s.Name, p.name, err, p.Complaint())
			}
			o.Series[p.name] = append(o.Series[p.name], f)
		}
		b.stopAll()
	}
	return o, nil
}

// hold has a child open connections, and leaves them idle.
func (b *bench) hold(p *proxy, s *scenario) (f figures, err error) {
	before, err := load.RSS(p.PID())
	if err != nil {
		return f, err
	}
	inR, inW, err := os.Pipe()
	if err != nil {
		return f, err
	}
	defer inW.Close()
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return f, err
	}
	defer outR.Close()
	defer outW.Close()
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	o := loadOptions{scenario: s.Name, addr: p.addr, hosts: b.hosts}
	child, err := load.Start(load.Command{
		Core: b.otherCore, Dir: b.dir, Program: self, Args: append([]string{"hold"}, o.args()...), Stdin: inR, Stdout: outW,
	})
	if err != nil {
		return f, err
	}
	defer child.Stop()
	outW.Close()
	stop := context.AfterFunc(b.ctx, func() { outR.Close() })
	defer stop()
	lines := bufio.NewReader(outR)
	for _, want := range []string{held, answered} {
		line, err := lines.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != want {
			return f, fmt.Errorf("its connections: %q, %w; errors:\n%s", line, err, child.Complaint())
		}
		if want == answered {
			break
		}
		after, err := load.RSS(p.PID())
		if err != nil {
			return f, err
		}
		f = figures{Before: float64(before), RSS: float64(after), Allocs: -1}
		if _, err := io.WriteString(inW, "\n"); err != nil {
			return f, err
		}
	}
	return f, nil
}

// What the child says: the connections have been idle, and all answered once more.
const (
	held     = "held"
	answered = "answered"
)

// holdRole opens connections, and tells when they have been idle. It goes on when it
// is told a line.
func holdRole(args []string) error {
	var o loadOptions
	flags := flag.NewFlagSet("hold", flag.ContinueOnError)
	o.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, ok := find(o.scenario)
	if !ok {
		return errNoScenario
	}
	requests := s.requests(o.hosts)
	err := load.Hold(context.Background(), o.addr, s.Connections, func(i int) *load.Request { return &requests[i] }, func() error {
		time.Sleep(settle)
		fmt.Println(held)
		_, err := bufio.NewReader(os.Stdin).ReadString('\n')
		return err
	})
	if err == nil {
		fmt.Println(answered)
	}
	return err
}
