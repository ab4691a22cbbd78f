package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// bench is a comparison that runs.
type bench struct {
	options
	ctx     context.Context // of the program; it ends on a signal
	dir     string
	cert    certificate
	backend *process
	proxies []*proxy   // that run, Shockwave first
	running []*process // their processes
	missing list       // what is not installed
}

// prepare makes what all cases need: a certificate, manifests, and the backend.
func (b *bench) prepare() (err error) {
	if b.cert, err = newCertificate(b.dir); err != nil {
		return err
	}
	if b.backend, err = b.spawnRole(b.otherCore, "backend"); err != nil {
		return err
	}
	b.running = nil // it is no proxy
	return writeManifests(b.manifests(), b.hosts, b.backend.addr, &b.cert)
}

// stop ends all children.
func (b *bench) stop() {
	b.stopAll()
	if b.backend != nil {
		b.backend.Stop()
	}
}

// startAll starts the proxies that take part in a scenario, and checks that they work.
// They are stopped with stopAll.
func (b *bench) startAll(s *scenario) error {
	for _, c := range contenders {
		ours := slices.Contains(ours, c.name)
		switch {
		case !s.takesPart(c.name) || slices.Contains(b.missing, c.name):
			continue
		case b.profile != "" && c.name != shockwave:
			continue
		case !ours && !b.peers.wants(c.name):
			continue
		}
		progress("%s: starting %s", s.Name, c.name)
		p, err := c.start(b)
		if errors.Is(err, errNotInstalled) {
			fmt.Fprintf(os.Stderr, "\r%s is not installed and is left out\n", c.name)
			b.missing = append(b.missing, c.name)
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

// stopAll ends the proxies, the last first.
func (b *bench) stopAll() {
	for _, p := range slices.Backward(b.running) {
		p.Stop()
	}
	b.proxies, b.running = nil, nil
}

// run runs one scenario; r has the outcomes of those before.
func (b *bench) run(s *scenario, r *results) (o outcome, err error) {
	defer b.stopAll()
	if s.Idle {
		return b.idle(s)
	}
	o = outcome{Name: s.Name, Series: map[string]series{}}
	if err := b.startAll(s); err != nil {
		return o, err
	}
	loaded := b.proxies
	if s.Half {
		o.Rate = r.find(capacity).slowest() / 2
		loaded = append(slices.Clone(loaded), &proxy{name: direct, addr: b.backend.addr})
	}
	for round := range b.rounds {
		for _, p := range loaded {
			progress("%s: round %d of %d: %s", s.Name, round+1, b.rounds, p.name)
			f, err := b.measure(p, s, o.Rate)
			if err != nil {
				return o, fmt.Errorf("%s: %w; its errors:\n%s", p.name, err, p.complaint())
			}
			o.Series[p.name] = append(o.Series[p.name], f)
		}
	}
	return o, nil
}

// complaint is what a proxy wrote to its standard error, if it is a process.
func (p *proxy) complaint() string {
	if p.process == nil {
		return ""
	}
	return p.Complaint()
}

// measure loads one proxy once.
func (b *bench) measure(p *proxy, s *scenario, rate float64) (f figures, err error) {
	before, err := askBackend(b.ctx, b.backend.addr)
	if err != nil {
		return f, err
	}
	r, err := b.load(p, s, rate)
	if err != nil {
		return f, err
	}
	after, err := askBackend(b.ctx, b.backend.addr)
	if err != nil {
		return f, err
	}
	f = costs(s, &r)
	if n := after.requests - before.requests; n > 0 {
		f.Upstream = float64(after.connections-before.connections) / float64(n)
	}
	if p.process != nil {
		rss, err := load.RSS(p.PID())
		if err != nil {
			return f, err
		}
		f.RSS = float64(rss)
	}
	return f, nil
}

// costs are the figures of a load.
func costs(s *scenario, r *loaded) figures {
	n := float64(r.Requests)
	f := figures{
		Rate:   r.Throughput(),
		User:   micros(r.CPU.User) / n,
		System: micros(r.CPU.System) / n,
		P50:    micros(r.P50), P99: micros(r.P99), P999: micros(r.P999),
		Allocs: -1,
	}
	if r.Mallocs >= 0 {
		f.Allocs = r.Mallocs / n
	}
	if s.perMiB() {
		bytes := r.Received
		if s.Body > s.Size {
			bytes = r.Sent
		}
		f.MiB = micros(r.CPU.User+r.CPU.System) / (float64(bytes) / mib)
	}
	if len(r.Busy) == 2 {
		f.Core, f.Other = r.Busy[0], r.Busy[1]
	}
	return f
}

func micros(d time.Duration) float64 { return d.Seconds() * 1e6 }
