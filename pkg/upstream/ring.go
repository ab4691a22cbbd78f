package upstream

import (
	"hash/fnv"
	"math"
	"slices"
	"strconv"
)

// pointsPerEndpoint is how many points an endpoint of weight 1 has: as many as in
// ketama. mostPoints bounds those of all.
const (
	pointsPerEndpoint = 160
	mostPoints        = 1 << 18
)

// newRing places endpoints on the ring. Where they stand depends on nothing but
// their address, so replicas agree, and an endpoint that goes leaves all others
// where they are: only its own keys move. A point is its place in the upper half and
// the endpoint's position in the lower one.
//
// Where there would be more than mostPoints, all have half as many, or a quarter, and
// so on. Were they fitted to the number of endpoints, each endpoint that comes would
// take points from all others, and move their keys; so that happens only when a
// bound is crossed, with more than 1638 endpoints of weight 1.
func (s *set) newRing() []uint64 {
	halved := 0
	for (pointsPerEndpoint*s.total)>>halved > mostPoints {
		halved++
	}
	ring := make([]uint64, 0, int((pointsPerEndpoint*s.total)>>halved)+len(s.list))
	var name []byte
	for i, e := range s.list {
		name = e.addr.AppendTo(name[:0])
		name = append(name, '-')
		base := len(name)
		for k := range max(1, pointsPerEndpoint*s.weight(i)>>halved) {
			name = strconv.AppendInt(name[:base], k, 10)
			h := fnv.New64a()
			_, _ = h.Write(name)
			ring = append(ring, mixed(h.Sum64())&^math.MaxUint32|uint64(i))
		}
	}
	slices.Sort(ring)
	return ring
}

// mixed spreads the bits of a hash: those of FNV depend too little on the last bytes
// (the last step of MurmurHash3).
func mixed(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// mostWalked is how many points one choice looks at before it looks at the endpoints
// themselves.
const mostWalked = 256

// hashed returns the first endpoint from the key's place on that can be used, and
// that has not more than its share of exchanges where that is bounded ("consistent
// hashing with bounded loads"). When all have more, it is the one with the fewest.
func (u *Upstream) hashed(s *set, c *Choice) (*Endpoint, int) {
	key := mixed(c.Key)
	next := s.after(key)
	w := walk{set: s, choice: c, coin: float64(uint32(key)) / (1 << 32), second: -1}
	if s.balance.HashLoad > 0 {
		w.exchanges = max(1, u.budget.active.Load()) // with this one
	}
	owner, before := int(uint32(s.ring[next])), -1
	for range min(len(s.ring), mostWalked) {
		at := int(uint32(s.ring[next]))
		if next++; next == len(s.ring) {
			next = 0
		}
		if at == before {
			continue
		}
		before = at
		if w.ends(at) {
			return s.list[at], 0
		}
	}
	for i := range s.list {
		if at := (owner + i) % len(s.list); w.ends(at) {
			return s.list[at], 0
		}
	}
	if w.second >= 0 {
		return s.list[w.second], 0
	}
	return nil, owner
}

// after is the index of the first point at key or after it, around the ring.
func (s *set) after(key uint64) int {
	key &^= math.MaxUint32
	low, high := 0, len(s.ring)
	for low < high {
		if middle := int(uint(low+high) / 2); s.ring[middle] < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(s.ring) {
		return 0
	}
	return low
}

// walk is one search on the ring.
type walk struct {
	set       *set
	choice    *Choice
	coin      float64 // the key's own, from 0 to 1
	exchanges int64   // that all endpoints have; 0: loads are not bounded
	second    int     // the best that can be used but is not to be; -1 for none
	least     float64 // its load
}

// ends tells whether the endpoint at a position is the one to choose.
func (w *walk) ends(at int) bool {
	e := w.set.list[at]
	if w.choice.tried(e) {
		return false
	}
	room := !e.full()
	if room && e.warm(w.set, w.coin) && !w.over(at) {
		return e.available()
	}
	if !e.sound() {
		return false
	}
	load := 0.0 // the first one is the second best, but one without room comes last
	if w.exchanges > 0 {
		load = float64(e.load.active.Load()+1) / float64(w.set.weight(at))
	}
	if !room {
		load += math.MaxInt32
	}
	if w.second < 0 || load < w.least {
		w.second, w.least = at, load
	}
	return false
}

// over tells whether one more exchange would be more than the endpoint's part of all,
// rounded up, by as much as Balance.HashLoad allows.
func (w *walk) over(at int) bool {
	if w.exchanges == 0 {
		return false
	}
	most := float64(w.set.balance.HashLoad) / 100 * float64(w.exchanges) * float64(w.set.weight(at)) / float64(w.set.total)
	return float64(w.set.list[at].load.active.Load()+1) > math.Ceil(most)
}
