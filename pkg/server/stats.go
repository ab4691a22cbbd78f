package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Stats are numbers of a server: of its connections now, and counts since it was
// made. An exchange is counted when it ends.
type Stats struct {
	// Open is how many connections are open, Idle how many of them wait for a
	// request, and Active how many do not. Hijacked connections are not counted.
	Open, Idle, Active int
	// Accepted counts connections, and Rejected those of them that were closed at
	// once because there were too many.
	Accepted, Rejected uint64

	// Requests counts exchanges, refused requests included.
	Requests uint64
	// BytesIn and BytesOut count the bytes of requests and responses, heads and
	// framing included, as they are before TLS.
	BytesIn, BytesOut uint64

	// Malformed, TimedOut and TooLarge count requests that could not be read: their
	// head or their body was not as it must be, came too slowly, or exceeded a
	// limit.
	Malformed, TimedOut, TooLarge uint64
	// Panics counts panics of handlers.
	Panics uint64
	// FailedHandshakes counts TLS connections that ended before a request could be
	// read.
	FailedHandshakes uint64
	// Aborted counts responses that were cut short: the client left or was too
	// slow, or the handler asked for it (http.ErrAbortHandler) or wrote less than
	// its Content-Length.
	Aborted uint64

	// RequestRate, BytesInRate and BytesOutRate are per second, over the last ten
	// seconds, or the time since the server began to serve. They are sampled once a
	// second, while it does.
	RequestRate, BytesInRate, BytesOutRate float64

	// ByMode counts the exchanges that were served from the memory of each
	// AllocationMode: ByMode[server.Arena].
	ByMode [alloc.Modes]uint64
}

// failures are counted where they happen; requests that succeed share nothing.
type failures struct {
	malformed, timedOut, tooLarge, aborted atomic.Uint64
}

// Observe implements message.Handler: it counts requests that were refused.
func (s *server) Observe(ex *message.Exchange) {
	if ex.Trace.Refusal == "" {
		return
	}
	switch ex.Trace.Status {
	case 408:
		s.failures.timedOut.Add(1)
	case 413, 414, 431:
		s.failures.tooLarge.Add(1)
	default:
		s.failures.malformed.Add(1)
	}
}

func (s *server) Stats() *Stats {
	e := s.engine.Stats()
	st := &Stats{
		Open: e.Open, Idle: e.Idle, Active: e.Active,
		Accepted: e.Accepted, Rejected: e.Rejected,
		Requests: e.Requests, BytesIn: e.Received, BytesOut: e.Sent,
		Malformed: s.failures.malformed.Load(), TimedOut: s.failures.timedOut.Load(), TooLarge: s.failures.tooLarge.Load(),
		Panics: e.Panics, FailedHandshakes: e.FailedHandshakes, Aborted: s.failures.aborted.Load(),
	}
	st.RequestRate, st.BytesInRate, st.BytesOutRate = s.rates.now()
	if m := s.cfg.AllocationMode; int(m) < len(st.ByMode) {
		st.ByMode[m] = e.Requests
	}
	return st
}

// sample is what the rates are made from.
type sample struct {
	at                time.Time
	requests, in, out uint64
}

// rates keeps a sample for each of the last seconds, while the server serves.
type rates struct {
	mu      sync.Mutex
	samples [11]sample // a ring: the newest is at count-1
	count   int
	serving int           // calls of Serve
	quit    chan struct{} // ends the sampler
	done    chan struct{} // closed when it has ended
}

// begin starts the sampler with the first of several calls of Serve.
func (r *rates) begin(engine *downstream.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving++; r.serving > 1 {
		return
	}
	quit, done := make(chan struct{}), make(chan struct{})
	r.quit, r.done, r.count = quit, done, 0
	r.add(engine.Stats())
	go func() {
		defer close(done)
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
				st := engine.Stats()
				r.mu.Lock()
				r.add(st)
				r.mu.Unlock()
			}
		}
	}()
}

// end stops the sampler with the last of these calls, and waits for it.
func (r *rates) end() {
	r.mu.Lock()
	last := r.serving == 1
	r.serving--
	if last {
		r.count = 0 // what was is no rate of now
	}
	quit, done := r.quit, r.done
	r.mu.Unlock()
	if last {
		close(quit)
		<-done
	}
}

// add takes a sample. r.mu is held.
func (r *rates) add(st downstream.Stats) {
	r.samples[r.count%len(r.samples)] = sample{time.Now(), st.Requests, st.Received, st.Sent}
	r.count++
}

// now returns requests, bytes in and bytes out per second.
func (r *rates) now() (requests, in, out float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count < 2 {
		return 0, 0, 0
	}
	newest := r.samples[(r.count-1)%len(r.samples)]
	oldest := r.samples[max(0, r.count-len(r.samples))%len(r.samples)]
	d := newest.at.Sub(oldest.at).Seconds()
	return float64(newest.requests-oldest.requests) / d, float64(newest.in-oldest.in) / d, float64(newest.out-oldest.out) / d
}
