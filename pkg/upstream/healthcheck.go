package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// check is what active health checks have taught about an endpoint. Until the first
// ones it counts as healthy.
type check struct {
	out atomic.Bool
	why atomic.Pointer[string] // the last failure, nil for none

	mu        sync.Mutex
	next      time.Duration // when, by the registry's clock; 0: soon, but not all at once
	queued    bool
	run       *checkRun // in progress, nil for none
	good, bad int       // in a row
	stopped   bool
}

// checkRun is one check in progress. Its result counts as long as check.run points to
// it.
type checkRun struct {
	cancel context.CancelFunc
	begun  time.Duration
}

const (
	// checkTick is how often the checker looks for checks that are due.
	checkTick = 250 * time.Millisecond
	// checksAtOnce bounds the checks that run at a time, checksOfOne those of one
	// namespace: endpoints that do not answer must not hold up the checks of others.
	// Those beyond wait.
	checksAtOnce = 64
	checksOfOne  = checksAtOnce / 2
	// firstCheckWithin is the time in which new endpoints have their first check.
	firstCheckWithin = time.Second
	// leastCheckInterval and defaultCheckTimeout are for settings that say less.
	leastCheckInterval  = time.Second
	defaultCheckTimeout = 2 * time.Second
	// longestWhy bounds the text of a failure.
	longestWhy = 200
)

// checkHealth runs the checks that are due, until ctx ends.
func (r *Registry) checkHealth(ctx context.Context) {
	k := newChecker(r)
	defer k.wg.Wait()
	t := time.NewTicker(checkTick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			k.sweep(ctx)
		}
	}
}

// checker has the checks that are due. Workers run them, of which there are as many as
// have something to do.
type checker struct {
	registry *Registry
	wg       sync.WaitGroup

	mu      sync.Mutex
	tenants map[string]*tenant
	turn    []*tenant // that have something due, in turn
	due     int       // endpoints of all
	workers int
}

// tenant is a namespace with checks.
type tenant struct {
	name    string
	due     []*Endpoint
	running int
}

func newChecker(r *Registry) *checker {
	return &checker{registry: r, tenants: make(map[string]*tenant)}
}

// sweep has the checks run that are due.
func (k *checker) sweep(ctx context.Context) {
	now := k.registry.clock()
	for _, u := range k.registry.checked() {
		for _, e := range u.endpoints() {
			if e.check.claim(now, interval(&u.settings.Load().Health.Check)) {
				k.add(e)
			}
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for n := min(k.due, checksAtOnce-k.workers); n > 0; n-- {
		k.workers++
		k.wg.Go(func() { k.work(ctx) })
	}
}

// checked are the upstreams whose endpoints are to be checked.
func (r *Registry) checked() (list []*Upstream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.upstreams {
		if u.settings.Load().Health.Check.Kind != model.NoCheck {
			list = append(list, u)
		}
	}
	return list
}

func (k *checker) add(e *Endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	name := e.upstream.key.Namespace
	t := k.tenants[name]
	if t == nil {
		t = &tenant{name: name}
		k.tenants[name] = t
	}
	if len(t.due) == 0 {
		k.turn = append(k.turn, t)
	}
	t.due = append(t.due, e)
	k.due++
}

// work runs checks until none is left that may run.
func (k *checker) work(ctx context.Context) {
	var t *tenant
	for {
		var e *Endpoint
		if t, e = k.take(t); e == nil {
			return
		}
		e.runCheck(ctx)
	}
}

// take returns the next endpoint to check, with its tenant, for a worker that is done
// with one of before. Tenants take turns. A worker that gets nothing ends.
func (k *checker) take(before *tenant) (*tenant, *Endpoint) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if before != nil {
		before.running--
		k.forget(before)
	}
	for i, t := range k.turn {
		if t.running >= checksOfOne {
			continue
		}
		e := t.due[0]
		t.due[0] = nil
		t.due = t.due[1:]
		t.running++
		k.due--
		k.turn = append(k.turn[:i], k.turn[i+1:]...)
		if len(t.due) > 0 {
			k.turn = append(k.turn, t)
		}
		return t, e
	}
	k.workers--
	return nil, nil
}

// forget drops a tenant with nothing to do.
func (k *checker) forget(t *tenant) {
	if t.running == 0 && len(t.due) == 0 {
		delete(k.tenants, t.name)
	}
}

// interval is the time between two checks of an endpoint.
func interval(set *model.Check) time.Duration { return max(set.Interval, leastCheckInterval) }

// claim tells whether a check is due, which is queued with that.
func (c *check) claim(now, interval time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stopped || c.queued || c.run != nil:
		return false
	case c.next == 0:
		c.next = now + rand.N(min(interval, firstCheckWithin))
		return false
	case now < c.next:
		return false
	}
	c.queued = true
	return true
}

// begin begins the check that was queued, unless it is not wanted any more.
func (c *check) begin(now time.Duration, cancel context.CancelFunc) *checkRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued = false
	if c.stopped || c.run != nil {
		return nil
	}
	c.run = &checkRun{cancel, now}
	return c.run
}

// stop ends the checks of an endpoint that is removed, one in progress too.
func (c *check) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.abandon()
}

// reset forgets everything, since other checks are asked for, or none.
func (c *check) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandon()
	c.next, c.good, c.bad = 0, 0, 0
	c.out.Store(false)
	c.why.Store(nil)
}

func (c *check) abandon() {
	if c.run != nil {
		c.run.cancel()
		c.run = nil
	}
}

// runCheck asks e how it is, and counts the answer.
func (e *Endpoint) runCheck(ctx context.Context) {
	s, r := e.upstream.settings.Load(), e.upstream.registry
	set := &s.Health.Check
	limit := set.Timeout
	if limit <= 0 {
		limit = defaultCheckTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	run := e.check.begin(r.clock(), cancel)
	if run == nil {
		return
	}
	err := errNoVerdict
	defer func() {
		if v := recover(); v != nil {
			r.config.Logger.Error("health check panicked", "upstream", e.upstream.name, "endpoint", e.addr, "err", v, "stack", string(debug.Stack()))
		}
		e.judge(run, err, set)
	}()
	if set.Kind == model.NoCheck {
		return
	}
	if asked := e.ask(limited, s); ctx.Err() == nil && !localFailure(asked) {
		err = asked
	}
}

// errNoVerdict is the result of a check that says nothing about the endpoint: it was
// canceled, say, or we are short of descriptors.
var errNoVerdict = fmt.Errorf("health check came to nothing")

// judge counts the result of a check.
func (e *Endpoint) judge(run *checkRun, err error, set *model.Check) {
	c, log := &e.check, e.upstream.registry.config.Logger
	why, out, back := "", false, false
	c.mu.Lock()
	if c.run != run {
		c.mu.Unlock()
		return
	}
	c.run = nil
	every := interval(set)
	// Replicas must not ask all at once.
	c.next = run.begun + every - every/10 + rand.N(every/5)
	switch {
	case err == errNoVerdict:
	case err == nil:
		c.good, c.bad = c.good+1, 0
		c.why.Store(nil)
		if back = c.out.Load() && c.good >= set.Healthy; back {
			c.out.Store(false)
			e.startSlowly()
		}
	default:
		c.good, c.bad = 0, c.bad+1
		why = err.Error()
		why = strings.ToValidUTF8(why[:min(len(why), longestWhy)], "")
		c.why.Store(&why)
		if out = !c.out.Load() && c.bad >= set.Unhealthy; out {
			c.out.Store(true)
		}
	}
	c.mu.Unlock()
	switch {
	case back:
		log.Info("endpoint is healthy again", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod)
	case out:
		e.dismiss()
		e.countEjection(EjectedByCheck)
		log.Warn("endpoint is not healthy and is left out", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod, "err", why)
	}
}
