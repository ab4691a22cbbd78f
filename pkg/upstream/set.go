package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// set is what Pick chooses from: the endpoints, and what their balancing needs. It
// is made anew when either changes, and is never changed itself.
type set struct {
	list    []*Endpoint // sorted by address
	balance model.Balance
	weights []int32  // of list; nil: all are the same
	total   int64    // of the weights, each 1 where they are the same
	order   []int32  // positions in list, each as often as its weight says; nil: each once
	ring    []uint64 // of consistent hashing; nil where nothing is hashed
	// byToken finds endpoints for sticky clients; nil where there are none.
	byToken map[string]*Endpoint
}

func newSet(list []*Endpoint, balance model.Balance) *set {
	s := &set{list: list, balance: balance, total: int64(len(list))}
	s.weigh()
	sticky := balance.Sticky.Cookie != ""
	if sticky {
		s.byToken = make(map[string]*Endpoint, len(list))
		for _, e := range list {
			s.byToken[e.token] = e
		}
	}
	if sticky && !balance.Sticky.Persistent || !sticky && balance.HashBy != "" {
		s.ring = s.newRing()
	}
	return s
}

// weigh sets what depends on weights, unless they are all the same.
func (s *set) weigh() {
	same := true
	for _, e := range s.list {
		same = same && e.weight.Load() == s.list[0].weight.Load()
	}
	if same {
		return
	}
	s.weights, s.total = make([]int32, len(s.list)), 0
	for i, e := range s.list {
		s.weights[i] = e.weight.Load()
		s.total += int64(s.weights[i])
	}
	s.order = smoothOrder(s.weights)
}

// weight is that of the endpoint at a position.
func (s *set) weight(at int) int64 {
	if s.weights == nil {
		return 1
	}
	return int64(s.weights[at])
}

// turns is how many turns there are until each endpoint has had as many as its weight
// says.
func (s *set) turns() uint32 {
	if s.order == nil {
		return uint32(len(s.list))
	}
	return uint32(len(s.order))
}

// turn is the position of the endpoint whose turn it is.
func (s *set) turn(number uint32) int {
	number %= s.turns()
	if s.order == nil {
		return int(number)
	}
	return int(s.order[number])
}

// Token names the endpoint to clients, in 16 hexadecimal digits: the same in every
// process, and without telling its address.
func (e *Endpoint) Token() string { return e.token }

func tokenOf(addr netip.AddrPort) string {
	sum := sha256.Sum256([]byte(addr.String()))
	return hex.EncodeToString(sum[:8])
}

// ByToken returns the endpoint that Token has named, or nil. Only an upstream with
// Balance.Sticky finds any.
func (u *Upstream) ByToken(token []byte) *Endpoint { return u.set.Load().byToken[string(token)] }
