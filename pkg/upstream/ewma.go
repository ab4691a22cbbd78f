package upstream

import (
	"math"
	"time"
)

const (
	// decay is how fast latencies are forgotten (ingress-nginx:
	// rootfs/etc/nginx/lua/balancer/ewma.lua).
	decay = 10 * time.Second
	// failedLatency is what a failed attempt counts for at least: an endpoint that
	// fails fast would get all requests. One of which nothing is known counts for as
	// much while it has its first request.
	failedLatency = time.Second
)

// fastest draws two endpoints and takes the one with the smaller latency times the
// attempts that it would have in progress, for its weight.
func (s *set) fastest(c *Choice) (*Endpoint, int) {
	return s.better(c, s.list[0].upstream.registry.clock(), (*Endpoint).slowness)
}

// slowness is the load that fastest compares.
func (e *Endpoint) slowness(now time.Duration) float64 {
	active := float64(e.load.active.Load())
	latency, at := unpackLatency(e.load.latency.Load())
	switch {
	case latency == 0 && active == 0:
		return 0 // it shall show what it can
	case latency == 0:
		latency = float64(failedLatency)
	case active == 0:
		// What is not used is forgiven, or a slow one would never be tried again. One
		// that has requests and does not answer gets no faster by that.
		latency *= faded(now, at)
	}
	return latency * (active + 1)
}

// learn adds a latency to the mean, in which those of long ago weigh less. One above
// the mean counts in full (peak EWMA): better to be late in trusting an endpoint
// again than in noticing that it got slow.
func (e *Endpoint) learn(latency, now time.Duration) {
	seen := float64(max(latency, time.Microsecond))
	for range 4 { // others count, too, when this one comes too late
		old := e.load.latency.Load()
		mean, at := unpackLatency(old)
		next := seen
		if seen < mean {
			weight := faded(now, at)
			if weight == 1 {
				return // the times are in milliseconds
			}
			next = weight*mean + (1-weight)*seen
		}
		if e.load.latency.CompareAndSwap(old, packLatency(next, now)) {
			return
		}
	}
}

// faded is what a latency is worth that was seen at a time: 1 for now.
func faded(now time.Duration, at uint32) float64 {
	age := time.Duration(millis(now)-at) * time.Millisecond // right beyond 2^32 ms, too
	return math.Exp(-float64(age) / float64(decay))
}

// A mean latency and the time of it are one word, so that they change together: a
// float32 of nanoseconds, and milliseconds of the registry's clock. 0 is none.
func packLatency(mean float64, now time.Duration) uint64 {
	return uint64(math.Float32bits(float32(mean)))<<32 | uint64(millis(now))
}

func unpackLatency(packed uint64) (mean float64, at uint32) {
	return float64(math.Float32frombits(uint32(packed >> 32))), uint32(packed)
}

func millis(now time.Duration) uint32 { return uint32(now / time.Millisecond) }

// meanLatency is the mean of what is known of others now, packed; 0 for nothing.
func meanLatency(others []*Endpoint, now time.Duration) uint64 {
	sum, n := 0.0, 0.0
	for _, e := range others {
		if latency, at := unpackLatency(e.load.latency.Load()); latency > 0 {
			sum += latency * faded(now, at)
			n++
		}
	}
	if n == 0 || sum < 1 {
		return 0
	}
	return packLatency(sum/n, now)
}

// mean is the latency for people, 0 for none.
func (l *load) mean() time.Duration {
	mean, _ := unpackLatency(l.latency.Load())
	return time.Duration(mean)
}
