package upstream

import (
	"net/netip"
	"slices"
	"strings"

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
	Reasons
)

var reasonNames = [Reasons]string{
	ClosedIdle:        "idle",
	ClosedMaxAge:      "max_age",
	ClosedMaxRequests: "max_requests",
	ClosedPoolFull:    "pool_full",
	ClosedRemoved:     "removed",
	ClosedUnhealthy:   "unhealthy",
	ClosedByPeer:      "closed_by_peer",
	ClosedUnasked:     "unasked_bytes",
	ClosedFailed:      "failed",
	ClosedUnfinished:  "unfinished",
	ClosedTunnel:      "tunnel",
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
	// Reused is how often one was used again.
	Reused uint64
	// Closed is how many were closed, by reason.
	Closed [Reasons]uint64
}

func (c *Counters) add(o *Counters) {
	c.Created += o.Created
	c.Failed += o.Failed
	c.Reused += o.Reused
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
	// Endpoints are sorted by address.
	Endpoints []EndpointStats
}

// EndpointStats tell of one endpoint.
type EndpointStats struct {
	Addr netip.AddrPort
	Pod  string
	// Idle and Active are its connections now.
	Idle, Active int
	// Out tells that it is left out since it could not be connected to.
	Out bool
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
	for _, e := range u.endpoints() {
		e.mu.Lock()
		es := EndpointStats{Addr: e.addr, Pod: e.pod, Idle: len(e.idle), Active: e.active, Counters: e.counters}
		e.mu.Unlock()
		es.Out = e.health.until.Load() != 0
		s.Counters.add(&es.Counters)
		s.Endpoints = append(s.Endpoints, es)
	}
	return s
}
