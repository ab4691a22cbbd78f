package upstream

import (
	"cmp"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
)

// point is a place on the ring that belongs to an endpoint.
type point struct {
	hash uint64
	at   int32 // in set.list
}

// pointsPerEndpoint is how many points an endpoint of weight 1 has: as many as in
// ketama. mostPoints bounds those of all.
const (
	pointsPerEndpoint = 160
	mostPoints        = 1 << 16
)

// newRing places endpoints on the ring. Where they stand depends on nothing but
// their address, so replicas agree, and an endpoint that goes leaves all others
// where they are: only its own keys move.
func newRing(list []*Endpoint) []point {
	total := int64(0)
	for _, e := range list {
		total += int64(e.weight.Load())
	}
	per := float64(pointsPerEndpoint)
	if most := float64(mostPoints) / float64(max(total, 1)); most < per {
		per = most
	}
	ring := make([]point, 0, int(per*float64(total))+len(list))
	var name []byte
	for i, e := range list {
		name = e.addr.AppendTo(name[:0])
		name = append(name, '-')
		base := len(name)
		for k := range max(1, int(per*float64(e.weight.Load()))) {
			name = strconv.AppendInt(name[:base], int64(k), 10)
			h := fnv.New64a()
			_, _ = h.Write(name)
			ring = append(ring, point{mixed(h.Sum64()), int32(i)})
		}
	}
	slices.SortFunc(ring, func(a, b point) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at)) })
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

// hashed returns the first endpoint from the key's place on that can be used, and
// that has not more than its share of exchanges where that is bounded ("consistent
// hashing with bounded loads").
func (s *set) hashed(c *Choice) *Endpoint {
	key := mixed(c.Key)
	first := sort.Search(len(s.ring), func(i int) bool { return s.ring[i].hash >= key })
	bound := s.loadBound()
	var last int32 = -1
	for i := range s.ring {
		p := s.ring[(first+i)%len(s.ring)]
		if p.at == last {
			continue
		}
		last = p.at
		e := s.list[p.at]
		if bound > 0 && float64(e.load.active.Load()+1) > bound*s.weightOf(int(p.at)) {
			continue
		}
		if e.usable(c) {
			return e
		}
	}
	return nil
}

// loadBound is how many exchanges an endpoint of weight 1 may have at a time, 0 for
// any number.
func (s *set) loadBound() float64 {
	percent := s.balance.HashLoad
	if percent <= 0 {
		return 0
	}
	active, weight := 1.0, 0.0 // with the exchange that is to come
	for i, e := range s.list {
		active += float64(e.load.active.Load())
		weight += s.weightOf(i)
	}
	return max(1, float64(percent)/100*active/weight)
}

func (s *set) weightOf(i int) float64 {
	if s.weights == nil {
		return 1
	}
	return float64(s.weights[i])
}
