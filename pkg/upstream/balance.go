package upstream

import (
	"slices"
	"time"

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

func (c *Choice) tried(e *Endpoint) bool { return slices.Contains(c.Tried, e) }

// Pick chooses an endpoint as the upstream's Balance says, or returns nil when there
// is none. It passes over endpoints that were tried, that are left out since they
// failed, and that have all the connections they may have; a client is kept at its
// endpoint all the same when that has. When no endpoint is left, the choice is, in
// this order: one that was not tried and is not left out; one that was not tried; one
// other than the last that was tried; the only one. It allocates nothing and takes no
// lock.
//
// Where nothing but the state of endpoints counts, a balancer looks at a few, and at
// all only when none of these can be used.
func (u *Upstream) Pick(c *Choice) *Endpoint {
	s := u.set.Load()
	switch len(s.list) {
	case 0:
		return nil
	case 1:
		return s.list[0]
	}
	if e := c.Sticky; e != nil && e.upstream == u && !c.tried(e) && e.available() {
		return e
	}
	// A table of functions would read better, but c would escape through it: each
	// caller had to allocate its Choice.
	var e *Endpoint
	var first int // where to begin when all have to be looked at
	switch {
	case c.Keyed && s.ring != nil:
		e, first = u.hashed(s, c)
	case s.balance.Algorithm == model.LeastRequest:
		e, first = s.leastRequest(c)
	case s.balance.Algorithm == model.EWMA:
		e, first = s.fastest(c)
	case s.balance.Algorithm == model.Random:
		e, first = s.random(c)
	default:
		e, first = u.inTurn(s, c)
	}
	if e == nil {
		e = u.any(s, c, first)
	}
	return e
}

// any is the choice when there is no good one. Of those that are equally bad it is
// the first, from a position on.
func (u *Upstream) any(s *set, c *Choice, first int) *Endpoint {
	var waits, out, other, last *Endpoint // from the best to the worst
	now := u.registry.clock()
	for i := range s.list {
		e := s.list[(first+i)%len(s.list)]
		place := &out
		switch {
		case c.tried(e):
			if place = &other; e == c.Tried[len(c.Tried)-1] {
				place = &last
			}
		case e.full():
			if e.sound() {
				place = &waits
			}
		case e.availableAt(now):
			return e
		}
		if *place == nil {
			*place = e
		}
	}
	for _, e := range [...]*Endpoint{waits, out, other} {
		if e != nil {
			return e
		}
	}
	return last
}

// usable tells whether e may be chosen. It claims the probe that ends a pause, so it
// is asked last.
func (e *Endpoint) usable(c *Choice) bool { return !c.tried(e) && !e.full() && e.available() }

// warm tells whether e, which may be new, is to have this turn.
func (e *Endpoint) warm(s *set, coin float64) bool {
	share := e.share(s)
	return share >= 1 || coin < share
}

// leastShare is what a new endpoint begins with.
const leastShare = 0.1

// share is the part of its weight that e has at the moment, 1 for all: less in the
// time of Balance.SlowStart, for an endpoint that came to others or came back.
//
// In turn, at random and of two it is the chance to be considered. By hash it is the
// part of its keys, and always the same ones, so that each key moves once. Clients
// that are kept at an endpoint stay there.
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
func (e *Endpoint) startSlowly() {
	if e.upstream.settings.Load().Balance.SlowStart > 0 {
		e.begun.Store(max(1, int64(e.now())))
	}
}

// joins readies e, which is new, to be used beside others that were there before. It
// counts as fast as they are on average until more is known of it, as in
// ingress-nginx (rootfs/etc/nginx/lua/balancer/ewma.lua).
func (e *Endpoint) joins(others []*Endpoint, now time.Duration) {
	e.startSlowly()
	if e.upstream.balance().Algorithm == model.EWMA {
		e.load.latency.Store(meanLatency(others, now))
	}
}
