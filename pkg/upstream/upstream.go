package upstream

import (
	"crypto/tls"
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
	set      atomic.Pointer[[]*Endpoint]
	next     atomic.Uint32 // round robin

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
	u.set.Store(new([]*Endpoint))
	return u
}

// Key is what u is registered under.
func (u *Upstream) Key() model.UpstreamKey { return u.key }

// Name is the name for logs, namespace-service-port.
func (u *Upstream) Name() string { return u.name }

// Len is how many endpoints u has now, those left out included.
func (u *Upstream) Len() int { return len(u.endpoints()) }

func (u *Upstream) endpoints() []*Endpoint { return *u.set.Load() }

// Choice is what Pick may look at.
type Choice struct {
	// Key is a hash of what Balance.HashBy came to, or of the key in a sticky cookie.
	// It counts when Keyed is set.
	Key   uint64
	Keyed bool
	// Sticky is the endpoint that the client is to be kept at, nil for none.
	Sticky *Endpoint
	// Tried are the endpoints that the same exchange used before, in order.
	Tried []*Endpoint
}

// Policy is how u's endpoints are used at the moment. It must not be changed.
func (u *Upstream) Policy() *model.Policy { return &u.settings.Load().Policy }

// Pick returns the next endpoint in turn, or nil when u has none. The choice is, in
// this order: one that is healthy and was not tried; one that was not tried;
// one other than the last that was tried; the only one.
func (u *Upstream) Pick(c *Choice) *Endpoint {
	tried := c.Tried
	list := u.endpoints()
	n := uint32(len(list))
	if n == 0 {
		return nil
	}
	if n == 1 {
		return list[0]
	}
	first := u.next.Add(1) % n
	var untried, other *Endpoint
	for i := range n {
		e := list[(first+i)%n]
		if slices.Contains(tried, e) {
			if other == nil && e != tried[len(tried)-1] {
				other = e
			}
			continue
		}
		if e.available() {
			return e
		}
		if untried == nil {
			untried = e
		}
	}
	if untried != nil {
		return untried
	}
	return other
}

// setEndpoints is called with Registry.mu held. Endpoints that stay keep their
// identity.
func (u *Upstream) setEndpoints(want []model.Endpoint) {
	have := u.endpoints()
	if slices.EqualFunc(have, want, func(e *Endpoint, m model.Endpoint) bool { return e.addr == m.Addr && e.pod == m.Pod }) {
		return
	}
	old := make(map[model.Endpoint]*Endpoint, len(have))
	for _, e := range have {
		old[model.Endpoint{Addr: e.addr, Pod: e.pod}] = e
	}
	list := make([]*Endpoint, 0, len(want))
	for _, m := range want {
		e, ok := old[m]
		if !ok {
			e = &Endpoint{upstream: u, addr: m.Addr, pod: m.Pod, retired: u.registry.closed}
		}
		delete(old, m)
		list = append(list, e)
	}
	u.set.Store(&list)
	for _, e := range old {
		e.retire()
	}
}

// retire stops the keeping of connections. The endpoints stay, for exchanges
// that still hold u.
func (u *Upstream) retire() {
	for _, e := range u.endpoints() {
		e.retire()
	}
}
