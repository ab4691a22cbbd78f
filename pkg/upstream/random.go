package upstream

import (
	"math/rand/v2"
	"slices"
)

// randomTries is how many endpoints are drawn at random before all are looked at.
const randomTries = 4

// random draws an endpoint, those of a larger weight more often.
func (s *set) random(c *Choice) *Endpoint {
	for range randomTries {
		if e := s.draw(); e.warm(s) && e.usable(c) {
			return e
		}
	}
	return nil
}

// draw draws an endpoint by weight.
func (s *set) draw() *Endpoint {
	if s.weights == nil {
		return s.list[rand.IntN(len(s.list))]
	}
	at := rand.Int32N(s.total)
	for i, w := range s.weights {
		if at -= w; at < 0 {
			return s.list[i]
		}
	}
	return s.list[len(s.list)-1]
}

// better draws two endpoints and takes the one with the smaller load: the power of
// two choices, which comes near to the least of all at the price of two, and does
// not have everybody run to the same one.
func (s *set) better(c *Choice, load func(*Endpoint) float64) *Endpoint {
	for range randomTries {
		a, b := s.draw(), s.draw()
		if a == b {
			b = s.list[(slices.Index(s.list, a)+1)%len(s.list)]
		}
		if s.loadOf(b, load) < s.loadOf(a, load) {
			a, b = b, a
		}
		if a.usable(c) {
			return a
		}
		if b.usable(c) {
			return b
		}
	}
	return nil
}

// loadOf is the load of an endpoint in proportion to its weight, of which it has only
// a share at first.
func (s *set) loadOf(e *Endpoint, load func(*Endpoint) float64) float64 {
	return load(e) / (float64(e.weight.Load()) * e.share(s))
}
