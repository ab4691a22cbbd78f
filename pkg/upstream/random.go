package upstream

import "math/rand/v2"

// randomTries is how many endpoints are drawn at random before all are looked at.
const randomTries = 8

// random draws an endpoint, those of a larger weight more often.
func (s *set) random(c *Choice) (*Endpoint, int) {
	if at, _ := s.draw(c, -1); at >= 0 {
		return s.list[at], 0
	}
	return nil, s.turn(rand.Uint32N(s.turns()))
}

// draw draws an endpoint that can be used, by weight, but for the one at a position.
// It returns its position, or -1. probe tells that the endpoint is to be chosen, to
// find out whether it is back.
func (s *set) draw(c *Choice, except int) (at int, probe bool) {
	for try := range randomTries {
		at = s.turn(rand.Uint32N(s.turns()))
		if at == except {
			if try < randomTries-2 && s.weights != nil {
				continue
			}
			// Any of the others, so that there is one in the end, whatever its weight.
			at = (at + 1 + rand.IntN(len(s.list)-1)) % len(s.list)
		}
		e := s.list[at]
		if !e.warm(s, rand.Float64()) || c.tried(e) || e.full() {
			continue
		}
		if e.sound() {
			return at, false
		}
		if e.available() {
			return at, true
		}
	}
	return -1, false
}
