package upstream

import (
	"cmp"
	"slices"
)

// turn is round robin: each endpoint in turn, those of a larger weight more often
// and spread evenly.
func (u *Upstream) turn(s *set, c *Choice) *Endpoint {
	n := uint32(len(s.list))
	if s.order != nil {
		n = uint32(len(s.order))
	}
	first := u.next.Add(1) % n
	for pass := range 2 { // endpoints that are new may lose their turn, once
		for i := range n {
			at := (first + i) % n
			if s.order != nil {
				at = uint32(s.order[at])
			}
			if e := s.list[at]; (pass > 0 || e.warm(s)) && e.usable(c) {
				return e
			}
		}
	}
	return nil
}

// mostTurns bounds the work of smoothOrder and what it returns.
const mostTurns = 1 << 12

// smoothOrder lists turns in which each position occurs as often as its weight says,
// spread as evenly as can be: what nginx's smooth weighted round robin
// (ngx_http_upstream_round_robin.c) decides one after the other. Weights of more
// than mostTurns in all are rounded.
func smoothOrder(weights []int32) []int32 {
	divisor, total := int32(0), int64(0)
	for _, w := range weights {
		divisor = gcd(divisor, w)
		total += int64(w)
	}
	scaled := make([]int64, len(weights))
	for i, w := range weights {
		scaled[i] = int64(w / divisor)
	}
	turns := total / int64(divisor)
	if most := int64(max(mostTurns, len(weights))); turns > most {
		turns = 0
		for i, w := range weights {
			scaled[i] = max(1, int64(w)*most/total)
			turns += scaled[i]
		}
	}
	return spread(scaled, turns)
}

// spread lists each position as often as its weight says. The k-th turn of a weight w
// is due at (2k+1)/2w of the whole.
func spread(weights []int64, turns int64) []int32 {
	type due struct {
		at       float64
		position int32
	}
	all := make([]due, 0, turns)
	for i, w := range weights {
		for k := range w {
			all = append(all, due{float64(2*k+1) / float64(2*w), int32(i)})
		}
	}
	slices.SortStableFunc(all, func(a, b due) int { return cmp.Compare(a.at, b.at) })
	order := make([]int32, len(all))
	for i, d := range all {
		order[i] = d.position
	}
	return order
}

func gcd(a, b int32) int32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
