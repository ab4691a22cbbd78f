package upstream

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Reason is why a connection was closed.
type Reason uint8

// The reasons. Reasons is their number.
const (
	// ClosedIdle: idle for longer than the pool allows.
	ClosedIdle Reason = iota
	// ClosedMaxAge and ClosedMaxRequests: the pool's other limits.
	ClosedMaxAge
	ClosedMaxRequests
	// ClosedPoolFull: as many are idle as the pool keeps.
	ClosedPoolFull
	// ClosedRemoved: the endpoint or its upstream is gone.
	ClosedRemoved
	// ClosedUnhealthy: the endpoint could not be connected to.
	ClosedUnhealthy
	// ClosedByPeer: the endpoint closed it, while idle or by its answer.
	ClosedByPeer
	// ClosedUnasked: the endpoint sent what nobody had asked for.
	ClosedUnasked
	// ClosedFailed: an error, a timeout, a malformed response.
	ClosedFailed
	// ClosedUnfinished: the exchange ended before its request or response did,
	// such as when the client left.
	ClosedUnfinished
	// ClosedTunnel: it became a tunnel, which ended.
	ClosedTunnel
	// ClosedUnshared: it began with a PROXY header, so it was for one exchange.
	ClosedUnshared
	// ClosedReconfigured: it was made with settings that have changed.
	ClosedReconfigured
	Reasons
)

var reasonNames = [Reasons]string{
	ClosedIdle:         "idle",
	ClosedMaxAge:       "max_age",
	ClosedMaxRequests:  "max_requests",
	ClosedPoolFull:     "pool_full",
	ClosedRemoved:      "removed",
	ClosedUnhealthy:    "unhealthy",
	ClosedByPeer:       "closed_by_peer",
	ClosedUnasked:      "unasked_bytes",
	ClosedFailed:       "failed",
	ClosedUnfinished:   "unfinished",
	ClosedTunnel:       "tunnel",
	ClosedUnshared:     "unshared",
	ClosedReconfigured: "reconfigured",
}

// String is the name of the reason as a metric's label value.
func (r Reason) String() string {
	if r < Reasons {
		return reasonNames[r]
	}
	return ""
}

// Counters count connections. They only grow.
type Counters struct {
	// Created is how many were made, Failed how many could not be.
	Created, Failed uint64
	// Prewarmed is how many of those made were made before a request asked for one.
	Prewarmed uint64
	// Reused is how often one was used again.
	Reused uint64
	// Queued is how many requests have waited for a connection, QueueTimeouts how
	// many of them in vain. QueueFull is how many were not allowed to wait.
	Queued, QueueTimeouts, QueueFull uint64
	// Closed is how many were closed, by reason.
	Closed [Reasons]uint64
}

func (c *Counters) add(o *Counters) {
	c.Created += o.Created
	c.Failed += o.Failed
	c.Prewarmed += o.Prewarmed
	c.Reused += o.Reused
	c.Queued += o.Queued
	c.QueueTimeouts += o.QueueTimeouts
	c.QueueFull += o.QueueFull
	for i := range o.Closed {
		c.Closed[i] += o.Closed[i]
	}
}

// Stats tell of one upstream. Counters include those of endpoints that
// were removed.
type Stats struct {
	Key model.UpstreamKey
	// ExternalName is the name that its endpoints are resolved from, if any.
	ExternalName string
	Counters
	// Exchanges are those in progress. Overflowed counts those that MaxActive did not
	// allow.
	Exchanges  int
	Overflowed uint64
	// Retries counts further attempts, RetriesRefused those that RetryBudget did not
	// allow.
	Retries, RetriesRefused uint64
	// Ejected counts how often an endpoint was left out, by reason.
	Ejected [Ejections]uint64
	// Endpoints are sorted by address.
	Endpoints []EndpointStats
}

// EndpointStats tell of one endpoint.
type EndpointStats struct {
	Addr netip.AddrPort
	Pod  string
	// Idle and Active are its connections now, Streams what those of HTTP/2 carry.
	Idle, Active, Streams int
	// Waiting is how many requests wait for a connection now.
	Waiting int
	// Attempts are those in progress at it.
	Attempts int
	Weight   int
	// Latency is the mean that EWMA compares, 0 for none.
	Latency time.Duration
	// Out tells that it is left out, and OutFor why: connect, failures or check. Check
	// is why its last health check failed, empty when it did not.
	Out    bool
	OutFor string
	Check  string
	// Ejected counts how often it was left out, by reason.
	Ejected [Ejections]uint64
	Counters
}

// Stats returns a picture of all upstreams, sorted by key. It is for metrics and
// costs some allocations.
func (r *Registry) Stats() []Stats {
	list := make([]Stats, 0)
	for _, u := range r.all() {
		list = append(list, u.Stats())
	}
	slices.SortFunc(list, func(a, b Stats) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	return list
}

// Stats returns a picture of u, as Registry.Stats does.
func (u *Upstream) Stats() Stats {
	s := Stats{Key: u.key}
	u.registry.mu.Lock()
	s.ExternalName = u.external.name
	u.registry.mu.Unlock()
	u.mu.Lock()
	s.Counters = u.past
	u.mu.Unlock()
	b := &u.budget
	s.Exchanges, s.Overflowed = int(b.active.Load()), b.overflowed.Load()
	s.Retries, s.RetriesRefused = b.retries.Load(), b.refused.Load()
	for i := range s.Ejected {
		s.Ejected[i] = u.ejections[i].Load()
	}
	for _, e := range u.endpoints() {
		e.mu.Lock()
		idle := e.idleH2()
		es := EndpointStats{
			Addr: e.addr, Pod: e.pod, Counters: e.counters,
			Idle: len(e.idle) + idle, Active: e.active + len(e.h2.conns) - idle,
			Streams: e.streams(), Waiting: e.queue.len,
		}
		e.mu.Unlock()
		e.tellHealth(&es)
		s.Counters.add(&es.Counters)
		s.Endpoints = append(s.Endpoints, es)
	}
	return s
}

// tellHealth fills in what balancing and health know.
func (e *Endpoint) tellHealth(es *EndpointStats) {
	es.Attempts, es.Weight = int(e.load.active.Load()), int(e.weight.Load())
	es.Latency = e.load.mean()
	switch {
	case e.health.until.Load() != 0:
		es.OutFor = EjectedForConnect.String()
	case e.outlier.until.Load() > int64(e.upstream.registry.clock()):
		es.OutFor = EjectedForFailures.String()
	case e.check.out.Load():
		es.OutFor = EjectedByCheck.String()
	}
	es.Out = es.OutFor != ""
	if why := e.check.why.Load(); why != nil {
		es.Check = *why
	}
	for i := range es.Ejected {
		es.Ejected[i] = e.ejections[i].Load()
	}
}
