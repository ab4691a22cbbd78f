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
	order   []int32 // turns of round robin as positions in list; nil: one after the other
	ring    []point // of consistent hashing; nil where nothing is hashed
	// weights are those of list where they differ, with their sum; nil: all are 1.
	weights []int32
	total   int32
	// byToken finds endpoints for sticky clients; nil where there are none.
	byToken map[string]*Endpoint
}

func newSet(list []*Endpoint, balance model.Balance) *set {
	s := &set{list: list, balance: balance}
	s.weigh()
	sticky := balance.Sticky.Cookie != ""
	if balance.HashBy != "" || sticky && !balance.Sticky.Persistent {
		s.ring = newRing(list)
	}
	if sticky {
		s.byToken = make(map[string]*Endpoint, len(list))
		for _, e := range list {
			s.byToken[e.token] = e
		}
	}
	if balance.Algorithm == model.RoundRobin && s.weights != nil {
		s.order = smoothOrder(s.weights)
	}
	return s
}

// weigh sets weights, unless they are all the same.
func (s *set) weigh() {
	same := true
	for _, e := range s.list {
		same = same && e.weight.Load() == s.list[0].weight.Load()
	}
	if same {
		return
	}
	s.weights = make([]int32, len(s.list))
	for i, e := range s.list {
		s.weights[i] = e.weight.Load()
		s.total += s.weights[i]
	}
}

// Token names the endpoint to clients, in 16 hexadecimal digits: the same in every
// process, and without telling its address.
func (e *Endpoint) Token() string { return e.token }

func tokenOf(addr netip.AddrPort) string {
	sum := sha256.Sum256([]byte(addr.String()))
	return hex.EncodeToString(sum[:8])
}

// ByToken returns the endpoint that Token has named, or nil.
func (u *Upstream) ByToken(token []byte) *Endpoint { return u.set.Load().byToken[string(token)] }
