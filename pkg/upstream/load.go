package upstream

import (
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// load is what an endpoint has to do, and how fast it does that.
type load struct {
	active  atomic.Int32  // attempts in progress
	latency atomic.Uint64 // see packLatency; only with EWMA
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

// End counts the end of an attempt. head is the time until the response's head, or
// until the attempt failed. It allocates nothing and, unless an endpoint is to be left
// out, takes no lock.
func (e *Endpoint) End(o Outcome, head time.Duration) {
	e.load.active.Add(-1)
	if o == Neutral {
		return
	}
	s := e.upstream.settings.Load()
	if s.Balance.Algorithm == model.EWMA {
		if o == Failed {
			head = max(head, failedLatency)
		}
		e.learn(head, e.upstream.registry.clock())
	}
	if o == Failed {
		e.failed(&s.Health)
	} else if e.outlier.failures.Load() != 0 {
		e.outlier.failures.Store(0)
	}
}
