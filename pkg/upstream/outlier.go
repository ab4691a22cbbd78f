package upstream

import (
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// outlier is what exchanges have taught about an endpoint (Health.MaxFailures).
type outlier struct {
	failures atomic.Int32  // in a row
	until    atomic.Int64  // left out until then, by the registry's clock; 0: not
	times    atomic.Int32  // how often, less those that are forgiven
	good     time.Duration // since it was last out or forgiven; for the sweep alone
}

// mostTimes bounds how much longer an endpoint is left out each time.
const mostTimes = 10

// eject leaves e out for a while, unless too many are.
func (e *Endpoint) eject(h *model.Health) {
	o, u := &e.outlier, e.upstream
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.registry.clock()
	if o.until.Load() != 0 || !u.mayEject(h, now) {
		o.failures.Store(0)
		return
	}
	base := max(h.EjectionTime, time.Second)
	times := min(o.times.Load()+1, mostTimes)
	o.times.Store(times)
	o.failures.Store(0)
	o.until.Store(int64(now + time.Duration(times)*base))
	e.ejections[EjectedForFailures].Add(1)
	e.dismiss()
	u.registry.config.Logger.Warn("endpoint fails and is left out", "upstream", u.name, "endpoint", e.addr, "pod", e.pod,
		"failures", h.MaxFailures, "for", time.Duration(times)*base)
}

// mayEject tells whether one more endpoint may be left out: no more than
// Health.MaxEjected says, and never the last. u.mu is held.
func (u *Upstream) mayEject(h *model.Health, now time.Duration) bool {
	list := u.endpoints()
	out := 1
	for _, e := range list {
		if until := e.outlier.until.Load(); until > int64(now) || e.health.until.Load() != 0 || e.check.out.Load() {
			out++
		}
	}
	return out < len(list) && out*100 <= h.MaxEjected*len(list)
}

// isOutlier tells whether e is left out for its failures. When the time is over, it
// begins anew, slowly.
func (e *Endpoint) isOutlier() bool {
	o := &e.outlier
	until := o.until.Load()
	if until == 0 {
		return false
	}
	now := e.upstream.registry.clock()
	if int64(now) < until {
		return true
	}
	if o.until.CompareAndSwap(until, 0) {
		e.startSlowly()
		e.upstream.registry.config.Logger.Info("endpoint is used again", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod)
	}
	return false
}

// forgiveEvery is how long an endpoint must not have been left out for it to be
// left out for less time when it is the next time.
const forgiveEvery = time.Minute

// forgiveSometimes is called each sweepInterval.
func (e *Endpoint) forgiveSometimes() {
	o := &e.outlier
	times := o.times.Load()
	if times == 0 || o.until.Load() != 0 {
		o.good = 0
		return
	}
	if o.good += sweepInterval; o.good >= forgiveEvery {
		o.good = 0
		o.times.CompareAndSwap(times, times-1)
	}
}

// Ejection is why an endpoint was left out.
type Ejection uint8

// The reasons. Ejections is their number.
const (
	// EjectedForConnect: it could not be connected to.
	EjectedForConnect Ejection = iota
	// EjectedForFailures: its exchanges failed.
	EjectedForFailures
	// EjectedByCheck: its health checks failed.
	EjectedByCheck
	Ejections
)

var ejectionNames = [Ejections]string{"connect", "failures", "check"}

// String is the name of the reason as a metric's label value.
func (e Ejection) String() string {
	if e < Ejections {
		return ejectionNames[e]
	}
	return ""
}
