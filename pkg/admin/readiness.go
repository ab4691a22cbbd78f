package admin

import (
	"net/http"
	"sync/atomic"
)

// Readiness tells load balancers whether to send traffic: not before the first
// snapshot made from synced sources is served, and no more once draining has
// begun. The zero value is not ready.
type Readiness struct{ state atomic.Int32 }

const (
	starting int32 = iota
	serving
	draining
)

// Serving makes it ready, unless draining has begun.
func (r *Readiness) Serving() { r.state.CompareAndSwap(starting, serving) }

// Draining makes it not ready, for good.
func (r *Readiness) Draining() { r.state.Store(draining) }

func (r *Readiness) serve(w http.ResponseWriter, _ *http.Request) {
	switch r.state.Load() {
	case serving:
		answer(w, http.StatusOK, "ok")
	case draining:
		answer(w, http.StatusServiceUnavailable, "draining: the process is about to end")
	default:
		answer(w, http.StatusServiceUnavailable, "starting: no configuration is served yet")
	}
}
