package proxy

import (
	"log/slog"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/accesslog"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// Config is what a Proxy is made from.
type Config struct {
	// Current is where the snapshot in use is.
	Current *snapshot.Current
	// Metrics counts exchanges. nil: they are not counted.
	Metrics *metrics.Metrics
	// AccessLog gets a line for each exchange. nil: none is written.
	AccessLog *accesslog.Log
	// Logger gets what is wrong in the proxy itself. Default: slog.Default.
	Logger *slog.Logger
}

// Proxy serves exchanges by forwarding them. It implements message.Handler.
type Proxy struct {
	current   *snapshot.Current
	metrics   *metrics.Metrics
	accessLog *accesslog.Log
	log       *slog.Logger
}

// New returns a proxy that serves what c.Current holds.
func New(c Config) *Proxy {
	p := &Proxy{current: c.Current, metrics: c.Metrics, accessLog: c.AccessLog, log: c.Logger}
	if p.log == nil {
		p.log = slog.Default()
	}
	return p
}

// ServeExchange implements message.Handler.
func (p *Proxy) ServeExchange(ex *message.Exchange) {
	x := exchanges.Get().(*exchange)
	x.log = p.log
	x.Exchange = ex
	ex.Data = x
	defer x.end()
	x.serve(p.current.Load())
	x.served = true
}

// Observe implements message.Handler: it counts and logs an exchange that has
// ended.
func (p *Proxy) Observe(ex *message.Exchange) {
	elapsed := time.Since(ex.Start)
	x, _ := ex.Data.(*exchange) // nil for a request that was refused before
	var route *snapshot.Route
	if x != nil {
		route = x.route
	}
	switch {
	case x != nil && x.canary != nil && x.canary.Metrics != nil:
		x.canary.Metrics.Observe(ex, elapsed)
	case route != nil && route.Metrics != nil:
		route.Metrics.Observe(ex, elapsed)
	case p.metrics != nil:
		p.metrics.Unrouted().Observe(ex, elapsed)
	}
	p.write(ex, x, elapsed)
	if x != nil {
		ex.Data = nil
		x.recycle()
	}
}

// write logs an exchange, unless it is one that is not logged. x is nil for a request
// that was refused before it was served.
func (p *Proxy) write(ex *message.Exchange, x *exchange, elapsed time.Duration) {
	if p.accessLog == nil {
		return
	}
	c := variable.Context{Exchange: ex, Elapsed: elapsed}
	var snap *snapshot.Snapshot
	if x == nil {
		snap = p.current.Load()
	} else {
		snap = x.snap
		c = x.filters.Context(ex)
		c.Elapsed = elapsed
	}
	if snap == nil {
		p.accessLog.Write(&c, nil)
		return
	}
	switch l := &snap.AccessLog; {
	case l.Off:
	case x != nil && x.route == nil && !l.UnknownHosts && !x.hostIsServed():
	case x != nil && x.route != nil && x.route.NoAccessLog:
	case l.Skips(ex.Request.Target):
	default:
		p.accessLog.Write(&c, l.Format)
	}
}

// hostIsServed tells whether anything is served for the host of the request.
func (x *exchange) hostIsServed() bool {
	name := x.Request.Hostname
	return len(name) <= maxHost && x.snap.Serves(snapshot.AppendHost(x.host[:0], name))
}
