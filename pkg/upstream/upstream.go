package upstream

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Upstream is one Service port with its endpoints.
type Upstream struct {
	registry *Registry
	key      model.UpstreamKey
	name     string
	settings atomic.Pointer[settings]
	set      atomic.Pointer[set]
	// next and spare count turns of round robin, and those when it finds no endpoint.
	next, spare atomic.Uint32
	budget      budget
	// ejecting is held while it is decided whether one more endpoint is left out.
	ejecting  sync.Mutex
	ejections [Ejections]atomic.Uint64

	check model.Check // that endpoints follow; guarded by Registry.mu

	// external and answered are guarded by Registry.mu. answered tells that a
	// lookup of external's name has ended since it was set.
	external external
	answered bool

	mu   sync.Mutex
	past Counters // of endpoints that were removed
}

// settings are how the endpoints of an upstream are used. A stored value is never
// changed.
type settings struct {
	model.Policy
	tls *tls.Config
}

// external is a name to resolve in place of endpoints that are published.
type external struct {
	name string
	port uint16
}

func newUpstream(r *Registry, spec Spec) *Upstream {
	u := &Upstream{registry: r, key: spec.Key, name: spec.Key.Name()}
	u.set.Store(newSet(nil, u.balance()))
	return u
}

// Key is what u is registered under.
func (u *Upstream) Key() model.UpstreamKey { return u.key }

// Name is the name for logs, namespace-service-port.
func (u *Upstream) Name() string { return u.name }

// Len is how many endpoints u has now, those left out included.
func (u *Upstream) Len() int { return len(u.endpoints()) }

func (u *Upstream) endpoints() []*Endpoint { return u.set.Load().list }

// Policy is how u's endpoints are used at the moment. It must not be changed.
func (u *Upstream) Policy() *model.Policy { return &u.settings.Load().Policy }

// setEndpoints is called with Registry.mu held. Endpoints that stay keep their
// identity, whatever their weight.
func (u *Upstream) setEndpoints(want []model.Endpoint) {
	have := u.endpoints()
	if slices.EqualFunc(have, want, func(e *Endpoint, m model.Endpoint) bool {
		return e.addr == m.Addr && e.pod == m.Pod && e.weight.Load() == weightOf(m)
	}) {
		return
	}
	type identity struct {
		addr netip.AddrPort
		pod  string
	}
	old := make(map[identity]*Endpoint, len(have))
	for _, e := range have {
		old[identity{e.addr, e.pod}] = e
	}
	list := make([]*Endpoint, 0, len(want))
	var stay, come []*Endpoint
	for _, m := range want {
		id := identity{m.Addr, m.Pod}
		e, ok := old[id]
		if ok {
			stay = append(stay, e)
		} else {
			e = &Endpoint{upstream: u, addr: m.Addr, pod: m.Pod, token: tokenOf(m.Addr), retired: u.registry.closed}
			come = append(come, e)
		}
		e.weight.Store(weightOf(m))
		delete(old, id)
		list = append(list, e)
	}
	if len(stay) > 0 { // else they are all new, and none is to be spared
		now := u.registry.clock()
		for _, e := range come {
			e.joins(stay, now)
		}
	}
	u.set.Store(newSet(list, u.balance()))
	for _, e := range old {
		e.check.stop()
		e.retire()
	}
}

// weightOf is the weight of an endpoint, at least 1.
func weightOf(m model.Endpoint) int32 { return max(1, int32(m.Weight)) }

// balance is how endpoints are chosen now; before there are settings, in turn.
func (u *Upstream) balance() model.Balance {
	if s := u.settings.Load(); s != nil {
		return s.Balance
	}
	return model.Balance{Algorithm: model.RoundRobin}
}

// rebalance follows a change of settings. Registry.mu is held.
func (u *Upstream) rebalance() {
	if s := u.set.Load(); s.balance != u.balance() {
		u.set.Store(newSet(s.list, u.balance()))
	}
	if check := u.settings.Load().Health.Check; check != u.check {
		u.check = check
		for _, e := range u.endpoints() {
			e.check.reset()
		}
	}
}

// retire stops the checks and the keeping of connections. The endpoints stay, for
// exchanges that still hold u.
func (u *Upstream) retire() {
	for _, e := range u.endpoints() {
		e.check.stop()
		e.retire()
	}
}
