package upstream

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// mostSkipped is how many turns one choice takes before all endpoints are looked at.
const mostSkipped = 8

// inTurn is round robin: each endpoint in turn, those of a larger weight more often.
// One that cannot be used loses its turn, which all others share: were it the next
// one's, that would have twice as many.
func (u *Upstream) inTurn(s *set, c *Choice) (*Endpoint, int) {
	for range min(len(s.list), mostSkipped) {
		e := s.list[s.turn(u.next.Add(1))]
		if e.warm(s, rand.Float64()) && e.usable(c) {
			return e, 0
		}
	}
	// It has a count of its own: the other one may have come round just now, and
	// would begin with the same endpoint each time.
	return nil, s.turn(u.spare.Add(1))
}

// mostTurns bounds the work of smoothOrder and what it returns, unless there are more
// endpoints.
const mostTurns = 1 << 14

// smoothOrder lists turns in which each position occurs as often as its weight says,
// spread evenly: what nginx's smooth weighted round robin
// (ngx_http_upstream_round_robin.c) is for, which decides turn by turn and looks at all
// endpoints each time. Weights that come to more than mostTurns are rounded.
func smoothOrder(weights []int32) []int32 {
	divisor, total := int32(0), int64(0)
	for _, w := range weights {
		divisor = gcd(divisor, w)
		total += int64(w)
	}
	turns := total / int64(divisor)
	most := int64(max(mostTurns, len(weights)))
	all := make([]uint64, 0, min(turns, most)+int64(len(weights)))
	for i, w := range weights {
		n := uint64(w / divisor)
		if turns > most {
			n = max(1, uint64(int64(w)*most/total))
		}
		// Of n turns, one is due in each n-th of the round. When in it differs, so that
		// those of equal weights do not all come at once: multiples of the golden ratio
		// lie far apart.
		phase := uint64(uint32(i+1)*0x9E3779B9) >> 1
		for k := range n {
			due, _ := bits.Div64(k<<31|phase, 0, n<<31) // (k+phase)/n, of 1<<64
			all = append(all, due&^0xFFFFFFFF|uint64(i))
		}
	}
	slices.Sort(all)
	order := make([]int32, len(all))
	for i, due := range all {
		order[i] = int32(uint32(due))
	}
	return order
}

func gcd(a, b int32) int32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
