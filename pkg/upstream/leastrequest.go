package upstream

import (
	"math/rand/v2"
	"time"
)

// leastRequest draws two endpoints and takes the one with fewer attempts in progress
// for its weight: the power of two choices, which comes near to the least of all at
// the price of two, and does not have everybody run to the same one.
func (s *set) leastRequest(c *Choice) (*Endpoint, int) {
	return s.better(c, 0, func(e *Endpoint, _ time.Duration) float64 { return e.busyness() })
}

// busyness is the load that leastRequest compares.
func (e *Endpoint) busyness() float64 { return float64(e.load.active.Load()) }

// better draws two endpoints by weight and takes the one with the smaller load. When
// the loads are the same it is the first, so that shares follow the weights where
// there is nothing to choose by.
func (s *set) better(c *Choice, now time.Duration, load func(*Endpoint, time.Duration) float64) (*Endpoint, int) {
	a, probe := s.draw(c, -1)
	if a < 0 {
		return nil, s.turn(rand.Uint32N(s.turns()))
	}
	if !probe {
		if b, probe := s.draw(c, a); b >= 0 && (probe || s.loadOf(b, now, load) < s.loadOf(a, now, load)) {
			a = b
		}
	}
	return s.list[a], 0
}

// loadOf is the load of an endpoint in proportion to its weight, of which it has only
// a share at first.
func (s *set) loadOf(at int, now time.Duration, load func(*Endpoint, time.Duration) float64) float64 {
	e := s.list[at]
	return load(e, now) / (float64(s.weight(at)) * e.share(s))
}
