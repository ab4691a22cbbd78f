package upstream

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of prewarming: how many connections are made at a time, and how long
// there is between the beginnings of two.
const (
	prewarmAtOnce = 8
	prewarmPause  = 5 * time.Millisecond
)

// prewarm makes connections before requests ask for them, until ctx ends.
func (r *Registry) prewarm(ctx context.Context) {
	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-r.warm:
		}
		r.prewarmAll(ctx)
	}
}

// prewarmSoon has prewarm look for endpoints that are new.
func (r *Registry) prewarmSoon() {
	select {
	case r.warm <- struct{}{}:
	default:
	}
}

// prewarmAll makes the connections that are missing now: one for each endpoint,
// then another for each.
func (r *Registry) prewarmAll(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var short atomic.Bool // of descriptors or ports: those left are for requests
	slots := make(chan struct{}, prewarmAtOnce)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for round := 1; ; round++ {
		more := false
		for _, u := range r.all() {
			if u.settings.Load().Pool.Prewarm < round {
				continue
			}
			for _, e := range u.endpoints() {
				if short.Load() {
					return
				}
				if !e.startWarm() {
					continue
				}
				more = true
				select {
				case <-pause.C:
				case <-ctx.Done():
					e.giveUp(0, -1)
					return
				}
				pause.Reset(prewarmPause)
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					e.giveUp(0, -1)
					return
				}
				wg.Go(func() {
					defer func() { <-slots }()
					if err := e.makeWarm(ctx); err != nil && localFailure(err) {
						short.Store(true)
					}
				})
			}
		}
		if !more {
			return
		}
	}
}

// startWarm takes a place for a connection that is missing. Only endpoints get one
// that can be picked, and on whose connections any request can go.
func (e *Endpoint) startWarm() bool {
	e.lock()
	defer e.mu.Unlock()
	pool := &e.settings.Pool
	if e.retired || e.queue.first != nil || e.leftOut() || e.way.transport.ProxyProtocol != 0 {
		return false
	}
	if e.way.transport.Protocol.HTTP2() {
		// One carries many requests.
		if pool.Prewarm <= 0 || pool.IdleConnections <= 0 || e.h2.counted > 0 || !e.roomH2() {
			return false
		}
	} else if open := len(e.idle) + e.active + e.making; open >= min(pool.Prewarm, pool.IdleConnections) || !e.room() {
		return false
	}
	e.add(0, +1)
	return true
}

// leftOut tells whether e is left out, for any reason.
func (e *Endpoint) leftOut() bool {
	return e.health.until.Load() != 0 || e.check.out.Load() || e.outlier.until.Load() > int64(e.upstream.registry.clock())
}

// makeWarm makes a connection in the place that startWarm has taken.
func (e *Endpoint) makeWarm(ctx context.Context) error {
	made := false
	defer func() {
		if v := recover(); v != nil {
			e.upstream.registry.config.Logger.Error("making a connection panicked", "upstream", e.upstream.name, "endpoint", e.addr, "err", v, "stack", string(debug.Stack()))
		}
		if !made {
			e.count(func(n *Counters) { n.Failed++ })
			e.giveUp(0, -1)
		}
	}()
	if e.current().transport.Protocol.HTTP2() {
		c, err := e.newH2(ctx, nil)
		if err != nil {
			return err
		}
		made = true
		e.count(func(n *Counters) { n.Prewarmed++ })
		e.join(c)
		return nil
	}
	c, err := e.newConn(ctx, new(Want))
	if err != nil {
		return err
	}
	made = true
	e.count(func(n *Counters) { n.Created++; n.Prewarmed++ })
	e.mu.Lock()
	e.add(+1, -1)
	e.mu.Unlock()
	e.Put(c)
	return nil
}
