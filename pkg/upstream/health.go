package upstream

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// An endpoint that cannot be connected to is left out for firstPause, then
// twice as long each time, up to longestPause. When the pause is over one
// request at a time, for probePause, finds out whether it is back.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
	probePause   = 5 * time.Second
)

// health is what connecting to an endpoint has taught. Times are those of the
// registry's clock.
type health struct {
	until atomic.Int64 // left out until then; 0: healthy

	mu       sync.Mutex
	failures int
	marked   time.Duration // when the last failure counted
}

// sound tells whether nothing speaks against e.
func (e *Endpoint) sound() bool {
	return e.health.until.Load() == 0 && e.outlier.until.Load() == 0 && !e.check.out.Load()
}

// available tells whether e may be picked. It claims the probe that ends a
// pause.
func (e *Endpoint) available() bool {
	return e.sound() || e.availableAt(e.upstream.registry.clock())
}

// availableAt is available for those who know the time.
func (e *Endpoint) availableAt(now time.Duration) bool {
	if e.check.out.Load() || e.isOutlier(now) {
		return false
	}
	until := e.health.until.Load()
	return until == 0 || int64(now) >= until && e.health.until.CompareAndSwap(until, int64(now+probePause))
}

// leaveOut counts a failure to connect that was begun at a time. Those of a
// burst that began before the first of them was counted are one failure.
func (e *Endpoint) leaveOut(begun time.Duration, err error) {
	r := e.upstream.registry
	h := &e.health
	h.mu.Lock()
	if h.failures > 0 && begun < h.marked {
		h.mu.Unlock()
		return
	}
	pause := min(firstPause<<min(h.failures, 10), longestPause)
	h.failures++
	h.marked = r.clock()
	first := h.failures == 1
	h.until.Store(int64(h.marked + pause))
	h.mu.Unlock()

	e.closeIdle(ClosedUnhealthy)
	if first {
		e.countEjection(EjectedForConnect)
		r.config.Logger.Warn("endpoint cannot be reached", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod, "err", err)
	}
}

// comeBack ends what leaveOut began.
func (e *Endpoint) comeBack() {
	h := &e.health
	if h.until.Load() == 0 {
		return
	}
	h.mu.Lock()
	h.failures = 0
	h.until.Store(0)
	h.mu.Unlock()
	e.startSlowly()
	e.upstream.registry.config.Logger.Info("endpoint is reached again", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod)
}

// localFailure tells whether err is our own lack of descriptors, ports or
// memory, which says nothing about the endpoint.
func localFailure(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &ne) && ne.Timeout()
}
