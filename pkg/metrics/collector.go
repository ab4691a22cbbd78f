package metrics

import (
	"maps"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// collector shows a Metrics as Prometheus wants it.
type collector struct{ m *Metrics }

// Describe sends the description of each metric that may be shown.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, metric := range Table {
		ch <- c.m.descs[metric]
	}
}

// Collect sends all values.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	out := output{m: c.m, ch: ch}
	out.routes()
	out.process()
	out.configuration()
	out.sources()
}

// output sends values of metrics to the scraper.
type output struct {
	m  *Metrics
	ch chan<- prometheus.Metric
}

func (o output) value(metric *Metric, v float64, labels ...string) {
	kind := prometheus.GaugeValue
	if metric.Kind == Counter {
		kind = prometheus.CounterValue
	}
	o.ch <- prometheus.MustNewConstMetric(o.m.descs[metric], kind, v, labels...)
}

func (o output) histogram(metric *Metric, h histogram, labels []string) {
	o.ch <- prometheus.MustNewConstHistogram(o.m.descs[metric], h.count, h.sum, h.buckets, labels...)
}

// routes sends the metrics of exchanges.
func (o output) routes() {
	l := &o.m.layout
	times := []struct {
		metric *Metric
		at     int
	}{
		{requestDuration, l.request},
		{responseDuration, l.response},
		{headerDuration, l.header},
		{connectDuration, l.connect},
	}
	lengths := []struct {
		metric *Metric
		at     int
	}{
		{requestSize, l.requestSize},
		{responseSize, l.responseSize},
	}
	list, retired := o.m.allRoutes()
	for _, r := range list {
		for _, s := range *r.list.Load() {
			labels := []string{
				s.key.status(), s.key.method(), r.labels.Path, r.labels.Namespace,
				r.labels.Ingress, r.labels.Service, r.labels.Canary,
			}
			if !o.m.options.withoutHost {
				labels = append(labels, r.labels.Host)
			}
			for _, t := range times {
				h := s.read(t.at, l.timeShown, float64(time.Second))
				if t.metric == requestDuration && !o.m.options.excludes(requests) {
					o.value(requests, float64(h.count), labels...)
				}
				// The durations of upstreams are left out where none was asked.
				if (h.count > 0 || t.metric == requestDuration) && !o.m.options.excludes(t.metric) {
					o.histogram(t.metric, h, labels)
				}
			}
			for _, t := range lengths {
				if !o.m.options.excludes(t.metric) {
					o.histogram(t.metric, s.read(t.at, l.lengthShown, 1), labels)
				}
			}
		}
	}
	o.value(routesKept, float64(len(list)-1-retired), "used")
	o.value(routesKept, float64(retired), "removed")
	for _, r := range o.m.refusals.all() {
		o.value(refused, float64(r.count.Load()), r.reason)
	}
}

// process sends what is known of the process as a whole.
func (o output) process() {
	o.value(processes, 1)
	o.value(oldestStart, float64(o.m.started.Unix()))
	if b := o.m.build.Load(); b != nil {
		o.value(buildInfo, 1, b.Release, b.Commit, b.Repository)
		o.value(allocBuildInfo, 1, b.DefaultMode, b.ArenaSource, strconv.FormatBool(b.Debug))
	}
	if share, ok := gcShare(); ok {
		o.value(gcCPUShare, share)
	}
}

// configuration sends what is known of snapshots, certificates and leadership.
func (o output) configuration() {
	p := &o.m.publications
	p.Lock()
	defer p.Unlock()
	var hash uint64
	if p.last.Hash != nil && !p.failing {
		hash = p.last.Hash()
	}
	o.value(configHash, float64(hash>>11)) // a float64 holds 53 bits exactly
	o.value(lastReloadSuccessful, number(p.count > 0 && !p.failing))
	if p.count > 0 {
		o.value(lastReloadTime, float64(p.at.UnixMilli())/1000)
	}
	o.value(reloads, float64(p.count))
	o.value(reloadErrors, float64(p.failures))
	o.value(snapshotGeneration, float64(p.last.Generation))
	o.value(snapshotCompileSeconds, p.last.Compile.Seconds())
	o.value(snapshotHosts, float64(p.last.Hosts))
	o.value(snapshotRoutes, float64(p.last.Routes))
	o.value(endpointUpdates, float64(p.endpoints))
	for mode, n := range p.last.RoutesByMode {
		o.value(allocRoutes, float64(n), mode)
	}
	for reason, n := range p.last.Problems {
		o.value(problems, float64(n), reason)
	}
	if list := o.m.certificates.Load(); list != nil {
		for _, c := range *list {
			o.value(sslExpireTime, float64(c.NotAfter.Unix()),
				o.m.labels.Namespace, o.m.labels.ControllerClass, c.Host, c.Secret, c.Identifier)
		}
	}
	if l := o.m.leader.Load(); l != nil {
		o.value(leaderStatus, number(l.leading()), l.lease)
	}
}

// sources sends what other parts tell.
func (o output) sources() {
	s := o.m.sources.Load()
	if s == nil {
		return
	}
	if s.Connections != nil {
		c := s.Connections()
		o.value(connections, float64(c.Open), "active")
		o.value(connections, float64(c.Active), "writing")
		o.value(connections, float64(c.Idle), "waiting")
		o.value(connectionsTotal, float64(c.Accepted), "accepted")
		o.value(connectionsTotal, float64(c.Accepted-c.Refused), "handled")
		o.value(connectionsRefused, float64(c.Refused))
		o.value(requestsTotal, float64(c.Requests))
		o.value(panics, float64(c.Panics))
		o.value(proxyHeadersRefused, float64(c.ProxyHeadersRefused))
	}
	if s.Allocations != nil {
		for mode, a := range s.Allocations() {
			o.allocation(alloc.Mode(mode), a)
		}
	}
	if s.AccessLog != nil {
		written, dropped := s.AccessLog()
		o.value(accessLogLines, float64(written))
		o.value(accessLogDropped, float64(dropped))
	}
	if s.Streams != nil {
		for _, st := range s.Streams() {
			o.stream(st)
		}
	}
	if s.Upstreams != nil {
		for _, u := range unique(s.Upstreams()) {
			o.upstream(u)
		}
	}
}

// unique adds up upstreams of one name. "a-b" with service "c" and "a" with service
// "b-c" have the same, which ingress-nginx fixed, and a repeated series would
// fail the whole scrape.
func unique(list []Upstream) []Upstream {
	at := make(map[string]int, len(list))
	var all []Upstream
	for _, u := range list {
		i, ok := at[u.Name]
		if !ok {
			at[u.Name] = len(all)
			all = append(all, u)
			continue
		}
		sum := &all[i]
		sum.Endpoints += u.Endpoints
		sum.Ejected += u.Ejected
		sum.Idle += u.Idle
		sum.Active += u.Active
		sum.Created += u.Created
		sum.Reused += u.Reused
		sum.Failed += u.Failed
		sum.Pending += u.Pending
		sum.Exchanges += u.Exchanges
		sum.Prewarmed += u.Prewarmed
		sum.Queued += u.Queued
		sum.QueueFull += u.QueueFull
		sum.QueueTimeouts += u.QueueTimeouts
		sum.Overflowed += u.Overflowed
		sum.Retries += u.Retries
		sum.RetriesRefused += u.RetriesRefused
		sum.Closed = added(sum.Closed, u.Closed)
		sum.Ejections = added(sum.Ejections, u.Ejections)
	}
	return all
}

// added is the sum of counters; both are their sources'.
func added(a, b map[string]uint64) map[string]uint64 {
	sum := make(map[string]uint64, len(a))
	maps.Copy(sum, a)
	for reason, n := range b {
		sum[reason] += n
	}
	return sum
}

func (o output) upstream(u Upstream) {
	o.value(upstreamEndpoints, float64(u.Endpoints), u.Name, "all")
	o.value(upstreamEndpoints, float64(u.Ejected), u.Name, "ejected")
	o.value(upstreamConnections, float64(u.Idle), u.Name, "idle")
	o.value(upstreamConnections, float64(u.Active), u.Name, "active")
	o.value(upstreamConnected, float64(u.Created), u.Name)
	o.value(upstreamReused, float64(u.Reused), u.Name)
	o.value(upstreamFailed, float64(u.Failed), u.Name)
	if all := u.Created - u.Prewarmed + u.Reused; all > 0 {
		o.value(upstreamReuseRatio, float64(u.Reused)/float64(all), u.Name)
	}
	o.value(upstreamPrewarmed, float64(u.Prewarmed), u.Name)
	o.value(upstreamPending, float64(u.Pending), u.Name)
	o.value(upstreamQueued, float64(u.Queued), u.Name)
	o.value(upstreamQueueFailed, float64(u.QueueFull), u.Name, "full")
	o.value(upstreamQueueFailed, float64(u.QueueTimeouts), u.Name, "timeout")
	o.value(upstreamExchanges, float64(u.Exchanges), u.Name)
	o.value(upstreamOverflowed, float64(u.Overflowed), u.Name)
	o.value(upstreamRetries, float64(u.Retries), u.Name, "allowed")
	o.value(upstreamRetries, float64(u.RetriesRefused), u.Name, "refused")
	for reason, n := range u.Ejections {
		o.value(upstreamEjections, float64(n), u.Name, reason)
	}
	for reason, n := range u.Closed {
		o.value(upstreamClosed, float64(n), u.Name, reason)
	}
}

func (o output) stream(s Stream) {
	o.value(streamConnections, float64(s.Open), s.Name)
	o.value(streamAccepted, float64(s.Accepted), s.Name)
	o.value(streamFailed, float64(s.Failed), s.Name)
	o.value(streamBytes, float64(s.Received), s.Name, "received")
	o.value(streamBytes, float64(s.Sent), s.Name, "sent")
	o.value(streamDropped, float64(s.Dropped), s.Name)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
