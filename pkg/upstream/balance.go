package upstream

import (
	"math/rand/v2"
	"slices"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Choice is what Pick may look at.
type Choice struct {
	// Key is a hash of what Balance.HashBy came to, or of the key in a sticky cookie.
	// It counts when Keyed is set.
	Key   uint64
	Keyed bool
	// Sticky is the endpoint that the client is to be kept at, nil for none.
	Sticky *Endpoint
	// Tried are the endpoints that the same exchange used before, in order.
	Tried []*Endpoint
}

// Pick chooses an endpoint as the upstream's Balance says, or returns nil when there
// is none. It passes over endpoints that were tried, that are left out since they
// failed, and that have all the connections they may have. When no endpoint is
// left, the choice is, in this order: one that was not tried and is not left out;
// one that was not tried; one other than the last that was tried; the only one. It
// allocates nothing and takes no lock.
func (u *Upstream) Pick(c *Choice) *Endpoint {
	s := u.set.Load()
	switch len(s.list) {
	case 0:
		return nil
	case 1:
		return s.list[0]
	}
	if e := u.choose(s, c); e != nil {
		return e
	}
	return u.any(s, c)
}

// choose asks the balancer. It returns nil when that finds no endpoint which can be
// used.
func (u *Upstream) choose(s *set, c *Choice) *Endpoint {
	if e := c.Sticky; e != nil && e.usable(c) {
		return e
	}
	if c.Keyed && s.ring != nil {
		return s.hashed(c)
	}
	switch s.balance.Algorithm {
	case model.LeastRequest:
		return s.better(c, (*Endpoint).busyness)
	case model.EWMA:
		return s.better(c, (*Endpoint).slowness)
	case model.Random:
		return s.random(c)
	}
	return u.turn(s, c)
}

// any is the choice when there is no good one.
func (u *Upstream) any(s *set, c *Choice) *Endpoint {
	n := uint32(len(s.list))
	first := u.next.Add(1) % n
	var untried, other *Endpoint
	for i := range n {
		e := s.list[(first+i)%n]
		if slices.Contains(c.Tried, e) {
			if other == nil && e != c.Tried[len(c.Tried)-1] {
				other = e
			}
			continue
		}
		if e.available() {
			return e
		}
		if untried == nil {
			untried = e
		}
	}
	if untried != nil {
		return untried
	}
	return other
}

// usable tells whether e may be chosen. It claims the probe that ends a pause, so it
// is asked last.
func (e *Endpoint) usable(c *Choice) bool {
	return !slices.Contains(c.Tried, e) && !e.full() && e.available()
}

// warm tells whether e, which may be new, is to have this turn: its share grows from
// a tenth to all of its turns in the time of Balance.SlowStart.
func (e *Endpoint) warm(s *set) bool {
	share := e.share(s)
	return share >= 1 || rand.Float64() < share
}

// leastShare is what a new endpoint begins with.
const leastShare = 0.1

// share is the part of its weight that e has at the moment, 1 for all.
func (e *Endpoint) share(s *set) float64 {
	begun := e.begun.Load()
	if begun == 0 || s.balance.SlowStart <= 0 {
		return 1
	}
	part := float64(int64(e.now())-begun) / float64(s.balance.SlowStart)
	if part >= 1 {
		e.begun.CompareAndSwap(begun, 0)
		return 1
	}
	return max(leastShare, part)
}

// startSlowly begins the time of Balance.SlowStart.
func (e *Endpoint) startSlowly() { e.begun.Store(max(1, int64(e.now()))) }
