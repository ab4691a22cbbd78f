package upstream

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// load is what an endpoint has to do, and how fast it does that.
type load struct {
	active atomic.Int32  // attempts in progress
	mean   atomic.Uint64 // of latencies in seconds, as the bits of a float64; 0: none
	at     atomic.Int64  // when mean was last changed, by the reaper's clock
}

// Outcome is what an attempt at an endpoint came to.
type Outcome uint8

// The outcomes.
const (
	// Succeeded is any response but those with the statuses of Failed.
	Succeeded Outcome = iota
	// Failed is an error, a timeout, a malformed response, or a status 502, 503 or
	// 504.
	Failed
	// Neutral says nothing about the endpoint: the client has left, say.
	Neutral
)

// Begin counts an attempt at e. End must follow.
func (e *Endpoint) Begin() { e.load.active.Add(1) }

// End counts the end of an attempt. head is the time until the response's head, 0
// when none came.
func (e *Endpoint) End(o Outcome, head time.Duration) {
	e.load.active.Add(-1)
	s := e.upstream.settings.Load()
	switch o {
	case Succeeded:
		if s.Balance.Algorithm == model.EWMA && head > 0 {
			e.learn(head)
		}
		if e.outlier.failures.Load() != 0 {
			e.outlier.failures.Store(0)
		}
	case Failed:
		if most := s.Health.MaxFailures; most > 0 && int(e.outlier.failures.Add(1)) >= most {
			e.eject(&s.Health)
		}
	}
}

// decay is how fast latencies are forgotten (ingress-nginx:
// rootfs/etc/nginx/lua/balancer/ewma.lua).
const decay = 10 * time.Second

// learn adds a latency to the mean, in which those of long ago weigh less.
func (e *Endpoint) learn(latency time.Duration) {
	l, now := &e.load, int64(e.now())
	old := l.mean.Load()
	mean := latency.Seconds()
	if old != 0 {
		weight := math.Exp(-float64(now-l.at.Load()) / float64(decay))
		if now == l.at.Load() { // the clock is coarse
			weight = 0.9
		}
		mean = weight*math.Float64frombits(old) + (1-weight)*mean
	}
	if l.mean.CompareAndSwap(old, math.Float64bits(mean)) { // else another one counts
		l.at.Store(now)
	}
}

// busyness is the load that LeastRequest compares.
func (e *Endpoint) busyness() float64 { return float64(e.load.active.Load()) }

// slowness is the load that EWMA compares: the mean latency times the attempts that
// there will be. An endpoint that nothing is known of is as fast as can be; when it
// came late, SlowStart keeps it from getting everything at once.
func (e *Endpoint) slowness() float64 {
	return math.Float64frombits(e.load.mean.Load()) * float64(e.load.active.Load()+1)
}
