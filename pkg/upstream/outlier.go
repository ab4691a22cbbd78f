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

// An endpoint is left out for Health.EjectionTime, then twice as long each time, up
// to mostTimes as long. It takes mostDoubled times to get there.
const (
	mostTimes   = 10
	mostDoubled = 5
)

// defaultEjectionTime is for settings that name none.
const defaultEjectionTime = 30 * time.Second

// failed counts a failure, and leaves e out when it was one too many.
func (e *Endpoint) failed(h *model.Health) {
	o := &e.outlier
	if h.MaxFailures > 0 && o.until.Load() == 0 && int(o.failures.Add(1)) >= h.MaxFailures {
		e.eject(h)
	}
}

// eject leaves e out for a while, unless too many are.
func (e *Endpoint) eject(h *model.Health) {
	u := e.upstream
	if !u.ejecting.TryLock() {
		return // the next failure will ask again
	}
	pause := e.pause(h)
	u.ejecting.Unlock()
	if pause == 0 {
		return
	}
	e.dismiss()
	e.countEjection(EjectedForFailures)
	u.registry.config.Logger.Warn("endpoint fails and is left out", "upstream", u.name, "endpoint", e.addr, "pod", e.pod,
		"failures", h.MaxFailures, "for", pause)
}

// pause has e left out for a time, which it returns: 0 when too many are left out. It
// then takes as many failures again to be asked. Upstream.ejecting is held.
func (e *Endpoint) pause(h *model.Health) (pause time.Duration) {
	o, r := &e.outlier, e.upstream.registry
	if o.until.Load() != 0 {
		return 0
	}
	o.failures.Store(0)
	now := r.clock()
	if !e.mayEject(h, now) {
		return 0
	}
	first := h.EjectionTime
	if first <= 0 {
		first = defaultEjectionTime
	}
	times := min(o.times.Load()+1, mostDoubled)
	o.times.Store(times)
	pause = min(first<<(times-1), mostTimes*first)
	o.until.Store(int64(now + pause))
	return pause
}

// mayEject tells whether e may be left out: together with those that are, whatever
// for, they must not be more than Health.MaxEjected says, and never all.
func (e *Endpoint) mayEject(h *model.Health, now time.Duration) bool {
	list := e.upstream.endpoints()
	out, here := 1, false
	for _, other := range list {
		switch until := other.outlier.until.Load(); {
		case other == e:
			here = true
		case until > int64(now) || other.health.until.Load() != 0 || other.check.out.Load():
			out++
		}
	}
	return here && out < len(list) && out*100 <= h.MaxEjected*len(list)
}

// isOutlier tells whether e is left out for its failures. When the time is over, it
// begins anew, slowly.
func (e *Endpoint) isOutlier(now time.Duration) bool {
	o := &e.outlier
	until := o.until.Load()
	if until == 0 {
		return false
	}
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
	if times == 0 || e.isOutlier(e.upstream.registry.clock()) {
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

// countEjection counts that e is left out.
func (e *Endpoint) countEjection(why Ejection) {
	e.ejections[why].Add(1)
	e.upstream.ejections[why].Add(1)
}
