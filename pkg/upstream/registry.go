package upstream

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Config is what a Registry needs from outside. The zero value is usable.
type Config struct {
	// Logger gets the changes of endpoints' health. Default: slog.Default.
	Logger *slog.Logger
	// Dial connects to an endpoint. It must obey its context. Default: TCP
	// (not MPTCP) with a keep-alive probe every 15 s.
	Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// LookupHost resolves the name of an ExternalName Service. Default: the
	// system's resolver.
	LookupHost func(ctx context.Context, name string) ([]netip.Addr, error)
	// RefreshInterval is how often names are resolved anew. Default: 5 s.
	RefreshInterval time.Duration
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Dial == nil {
		d := new(net.Dialer)
		d.SetMultipathTCP(false)
		c.Dial = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", addr.String())
		}
	}
	if c.LookupHost == nil {
		c.LookupHost = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	if c.RefreshInterval <= 0 {
		c.RefreshInterval = 5 * time.Second
	}
}

// Registry has all upstreams of the process. Its methods may be called from any
// goroutine.
type Registry struct {
	config Config
	reaper *sock.Reaper
	start  time.Time
	kick   chan struct{} // asks for names to be resolved now
	warm   chan struct{} // asks for connections to new endpoints to be made now

	mu        sync.Mutex
	upstreams map[model.UpstreamKey]*Upstream
	endpoints model.Endpoints // as last set, for upstreams that come later
	closed    bool
}

// NewRegistry returns an empty registry. Deadlines of connections and idle
// timeouts are in force while Run runs.
func NewRegistry(c Config) *Registry {
	c.setDefaults()
	return &Registry{
		config:    c,
		reaper:    sock.NewReaper(),
		start:     time.Now(),
		kick:      make(chan struct{}, 1),
		warm:      make(chan struct{}, 1),
		upstreams: make(map[model.UpstreamKey]*Upstream),
	}
}

// sweepInterval is how often idle connections are looked at.
const sweepInterval = time.Second

// Run enforces deadlines, closes connections that were idle for too long and
// resolves the names of ExternalName Services until ctx ends. It then closes all
// idle connections, after which none is kept any more, and returns when all
// that it started has ended.
func (r *Registry) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.reaper.Run(ctx) })
	wg.Go(func() { r.resolve(ctx) })
	wg.Go(func() { r.prewarm(ctx) })
	wg.Go(func() { r.checkHealth(ctx) })

	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			r.close()
			return nil
		case <-t.C:
			for _, u := range r.all() {
				for _, e := range u.endpoints() {
					e.sweep()
					e.forgiveSometimes()
				}
			}
		}
	}
}

// Spec is what an Upstream is made from.
type Spec struct {
	model.Upstream
	// TLS are the settings of connections to endpoints that are spoken to over TLS:
	// nil for a protocol that is not encrypted. An upstream whose TLS is another
	// pointer than before closes its idle connections. Where a protocol that is
	// encrypted has none, certificates are verified with the system's roots.
	TLS *tls.Config
}

// Upstream returns the upstream for spec.Key. It is made, with the endpoints
// known for its key, or has its settings updated.
func (r *Registry) Upstream(spec Spec) *Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.upstreams[spec.Key]
	if !ok {
		u = newUpstream(r, spec)
		r.upstreams[spec.Key] = u
	}
	if s := u.settings.Load(); s == nil || s.Policy != spec.Policy || s.tls != spec.TLS {
		u.settings.Store(&settings{spec.Policy, spec.TLS})
		u.rebalance()
		for _, e := range u.endpoints() {
			e.follow(u.settings.Load())
		}
		r.prewarmSoon()
	}
	if ext := (external{spec.ExternalName, spec.ExternalPort}); !ok || ext != u.external {
		u.external = ext
		if ext.name != "" {
			// Endpoints that u had serve until the first answer is there.
			u.answered = false
			select {
			case r.kick <- struct{}{}:
			default:
			}
		} else {
			u.setEndpoints(r.endpoints[spec.Key])
		}
	}
	return u
}

// SetEndpoints replaces the endpoints of all upstreams. Unchanged endpoints keep
// their connections and health. A removed one closes its idle connections now
// and the others when they come back. Upstreams with an ExternalName are left
// alone. The registry keeps the map, which must not be changed any more.
func (r *Registry) SetEndpoints(all model.Endpoints) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endpoints = all
	for key, u := range r.upstreams {
		if u.external.name == "" {
			u.setEndpoints(all[key])
		}
	}
	r.prewarmSoon()
}

// Retain drops the upstreams whose keys wanted refuses. An exchange that still
// holds one can finish, but no connection of it is kept.
func (r *Registry) Retain(wanted func(model.UpstreamKey) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, u := range r.upstreams {
		if !wanted(key) {
			delete(r.upstreams, key)
			u.retire()
		}
	}
}

// all returns the upstreams in no order.
func (r *Registry) all() []*Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Upstream, 0, len(r.upstreams))
	for _, u := range r.upstreams {
		list = append(list, u)
	}
	return list
}

func (r *Registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, u := range r.upstreams {
		u.retire()
	}
}

// clock is the time since r was made.
func (r *Registry) clock() time.Duration { return time.Since(r.start) }
