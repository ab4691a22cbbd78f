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

// resolveAll looks every name up once and applies each answer as it comes: a name
// that takes long holds up no other's. A name whose lookup fails keeps the
// endpoints it had.
func (r *Registry) resolveAll(ctx context.Context, failing map[string]bool) {
	names := r.externalNames()
	var wg sync.WaitGroup
	var mu sync.Mutex // guards failing
	slots := make(chan struct{}, lookupsAtOnce)
	for _, name := range names {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			addrs, err := r.lookup(ctx, name)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				r.setExternal(name, addrs)
			} else {
				r.withoutAnswer(name)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				delete(failing, name)
				return
			}
			if !failing[name] {
				r.config.Logger.Warn("name of an ExternalName Service cannot be resolved", "name", name, "err", err)
			}
			failing[name] = true
		})
	}
	wg.Wait()
	for name := range failing {
		if !slices.Contains(names, name) {
			delete(failing, name)
		}
	}
}

func (r *Registry) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return r.config.LookupHost(ctx, name)
}

// externalNames are the names to resolve, each once: first those that an upstream
// has no answer for yet.
func (r *Registry) externalNames() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first, others []string
	for _, u := range r.upstreams {
		switch {
		case u.external.name == "":
		case u.answered:
			others = append(others, u.external.name)
		default:
			first = append(first, u.external.name)
		}
	}
	slices.Sort(first)
	first = slices.Compact(first)
	slices.Sort(others)
	others = slices.DeleteFunc(slices.Compact(others), func(name string) bool {
		_, found := slices.BinarySearch(first, name)
		return found
	})
	return append(first, others...)
}

// withoutAnswer ends the use of the endpoints that upstreams had before they asked
// for a name which cannot be resolved.
func (r *Registry) withoutAnswer(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.upstreams {
		if u.external.name == name && !u.answered {
			u.answered = true
			u.setEndpoints(nil)
		}
	}
}

// setExternal gives the addresses of a name to the upstreams that asked for it, but for
// those through which a name in a Service would reach this process, its node or the
// credentials of either (ingress-nginx refuses loopback ones:
// internal/ingress/controller/endpointslices.go).
func (r *Registry) setExternal(name string, addrs []netip.Addr) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !model.Outward(a) })
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
		u.answered = true
		u.setEndpoints(endpoints)
	}
	r.prewarmSoon()
}
