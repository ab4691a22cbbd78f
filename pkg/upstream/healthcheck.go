package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// check is what active health checks have taught about an endpoint. The registry's
// scheduler owns all but out and why.
type check struct {
	running atomic.Bool
	next    atomic.Int64 // when, by the registry's clock
	good    int          // in a row
	bad     int          // in a row
	out     atomic.Bool
	why     atomic.Pointer[string] // the last failure, nil for none
}

const (
	// checkTick is how often the scheduler looks for checks that are due.
	checkTick = 250 * time.Millisecond
	// checksAtOnce bounds the checks that run at a time. Those beyond wait.
	checksAtOnce = 64
	// mostCheckBody is how much of a response to a check is read.
	mostCheckBody = 64 << 10
	// longestWhy bounds the text of a failure.
	longestWhy = 200
)

// checkHealth runs the checks that are due, until ctx ends.
func (r *Registry) checkHealth(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, checksAtOnce)
	t := time.NewTicker(checkTick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, u := range r.all() {
			for _, e := range u.endpoints() {
				s := u.settings.Load()
				if !e.checkDue(&s.Health.Check) {
					continue
				}
				select {
				case slots <- struct{}{}:
				default:
					e.check.running.Store(false)
					continue // it is due the next time, too
				}
				wg.Go(func() {
					defer func() { <-slots }()
					e.runCheck(ctx, s)
				})
			}
		}
	}
}

// checkDue tells whether e is to be checked now, and claims the check.
func (e *Endpoint) checkDue(set *model.Check) bool {
	c := &e.check
	if set.Kind == model.NoCheck {
		if c.out.Load() { // checks were switched off
			c.out.Store(false)
			c.why.Store(nil)
		}
		return false
	}
	return int64(e.upstream.registry.clock()) >= c.next.Load() && c.running.CompareAndSwap(false, true)
}

// runCheck asks e how it is, and counts the answer.
func (e *Endpoint) runCheck(ctx context.Context, s *settings) {
	c, set := &e.check, &s.Health.Check
	defer c.running.Store(false)
	limit := set.Timeout
	if limit <= 0 {
		limit = 2 * time.Second
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var err error
	if set.Kind == model.CheckHTTP && !s.Transport.Protocol.HTTP2() {
		err = e.askHTTP(limited, s)
	} else {
		err = e.askTCP(limited, s)
	}
	if ctx.Err() != nil {
		return
	}
	interval := max(set.Interval, time.Second)
	jitter := time.Duration((rand.Float64() - 0.5) * 0.2 * float64(interval)) // replicas must not ask all at once
	c.next.Store(int64(e.upstream.registry.clock() + interval + jitter))
	e.judge(err, set)
}

// judge counts the result of a check.
func (e *Endpoint) judge(err error, set *model.Check) {
	c, log := &e.check, e.upstream.registry.config.Logger
	if err == nil {
		c.good, c.bad = c.good+1, 0
		c.why.Store(nil)
		if c.out.Load() && c.good >= max(1, set.Healthy) {
			c.out.Store(false)
			e.startSlowly()
			log.Info("endpoint is healthy again", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod)
		}
		return
	}
	why := err.Error()
	why = why[:min(len(why), longestWhy)]
	c.why.Store(&why)
	c.good, c.bad = 0, c.bad+1
	if !c.out.Load() && c.bad >= max(1, set.Unhealthy) {
		c.out.Store(true)
		e.ejections[EjectedByCheck].Add(1)
		e.dismiss()
		log.Warn("endpoint is not healthy and is left out", "upstream", e.upstream.name, "endpoint", e.addr, "pod", e.pod, "err", why)
	}
}

// reach connects to where e is checked, in the way that exchanges do.
func (e *Endpoint) reach(ctx context.Context, s *settings) (net.Conn, error) {
	addr := e.addr
	if port := s.Health.Check.Port; port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), port)
	}
	nc, err := e.upstream.registry.config.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if v := s.Transport.ProxyProtocol; v != 0 {
		if err := writeProxyHeader(ctx, nc, v, &Want{}); err != nil {
			_ = nc.Close()
			return nil, err
		}
	}
	return nc, nil
}

// askTCP is a check that wants no more than a connection. Where the upstream speaks
// TLS, that is part of it.
func (e *Endpoint) askTCP(ctx context.Context, s *settings) error {
	nc, err := e.reach(ctx, s)
	if err != nil {
		return err
	}
	defer nc.Close()
	w := newWay(s, e.upstream.key)
	if w.http1 == nil {
		return nil
	}
	config := w.http1
	if s.Transport.Protocol.HTTP2() {
		config = w.h2
	}
	return tls.Client(nc, config).HandshakeContext(ctx)
}

// askHTTP is a check that wants a response with a status from 200 to 399.
func (e *Endpoint) askHTTP(ctx context.Context, s *settings) error {
	set := &s.Health.Check
	transport := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return e.reach(ctx, s) },
		TLSClientConfig:        newWay(s, e.upstream.key).http1,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: mostCheckBody,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	scheme := "http://"
	if s.Transport.Protocol.Encrypted() {
		scheme = "https://"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+e.addr.String()+set.Path, nil)
	if err != nil {
		return err
	}
	req.Host = set.Host
	req.Header.Set("User-Agent", "shockwave-health-check")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostCheckBody) // so that the endpoint can end well
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
