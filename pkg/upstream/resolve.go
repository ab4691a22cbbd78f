package upstream

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Bounds of resolving: how long one lookup may take, how many run at a time, and
// how many addresses of a name are used.
const (
	lookupTimeout   = 4 * time.Second
	lookupsAtOnce   = 8
	lookupAddresses = 64
)

// resolve keeps the endpoints of upstreams with an ExternalName up to date until
// ctx ends.
func (r *Registry) resolve(ctx context.Context) {
	t := time.NewTicker(r.config.RefreshInterval)
	defer t.Stop()
	failing := make(map[string]bool) // names whose last lookup failed
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-r.kick:
		}
		r.resolveAll(ctx, failing)
	}
}

// answer is what a lookup gave.
type answer struct {
	addrs []netip.Addr
	err   error
}

// resolveAll looks every name up once and applies the answers. A name whose
// lookup fails keeps the endpoints it had.
func (r *Registry) resolveAll(ctx context.Context, failing map[string]bool) {
	names := r.externalNames()
	answers := make([]answer, len(names))
	var wg sync.WaitGroup
	slots := make(chan struct{}, lookupsAtOnce)
	for i, name := range names {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
			defer cancel()
			answers[i].addrs, answers[i].err = r.config.LookupHost(ctx, name)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	for i, name := range names {
		err := answers[i].err
		if err != nil && !failing[name] {
			r.config.Logger.Warn("name of an ExternalName Service cannot be resolved", "name", name, "err", err)
		}
		if err == nil {
			r.setExternal(name, answers[i].addrs)
			delete(failing, name)
		} else {
			failing[name] = true
		}
	}
	for name := range failing {
		if !slices.Contains(names, name) {
			delete(failing, name)
		}
	}
}

// externalNames are the names to resolve, each once.
func (r *Registry) externalNames() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, u := range r.upstreams {
		if u.external.name != "" {
			names = append(names, u.external.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// setExternal gives the addresses of a name to the upstreams that asked for it.
func (r *Registry) setExternal(name string, addrs []netip.Addr) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !allowedExternal(a.Unmap()) })
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	addrs = slices.Compact(addrs)
	addrs = addrs[:min(len(addrs), lookupAddresses)]

	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.upstreams {
		if u.external.name != name {
			continue
		}
		endpoints := make([]model.Endpoint, len(addrs))
		for i, a := range addrs {
			endpoints[i].Addr = netip.AddrPortFrom(a, u.external.port)
		}
		u.setEndpoints(endpoints)
	}
}

// allowedExternal refuses the addresses through which a name in a Service would
// reach this process or its node: loopback as ingress-nginx does
// (internal/ingress/controller/endpointslices.go), and link-local ones, where
// clouds offer their credentials.
func allowedExternal(a netip.Addr) bool {
	return a.IsValid() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}
