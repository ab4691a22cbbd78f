package metrics

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Labels are the constant labels of this process.
type Labels struct {
	// ControllerClass is the spec.controller of our IngressClasses.
	ControllerClass string
	// Namespace and Pod are where the process runs. Both may be empty.
	Namespace, Pod string
}

// Metrics holds all counters of a process. Its methods may be called from any
// goroutine.
type Metrics struct {
	labels   Labels
	options  options
	started  time.Time
	layout   layout
	registry *prometheus.Registry
	descs    map[*Metric]*prometheus.Desc

	routes   routes
	unrouted *Route
	refusals refusals

	publications publications
	sources      atomic.Pointer[Sources]

	certificates atomic.Pointer[[]Certificate]
	build        atomic.Pointer[Build]
	leader       atomic.Pointer[leader]
}

// Option changes how exchanges are counted.
type Option func(*options)

type options struct {
	withoutHost   bool
	statusClasses bool
	timeBuckets   []float64
	lengthBuckets []float64
	excluded      []string
	now           func() time.Time
}

// WithoutHost leaves the label host out (--metrics-per-host=false).
func WithoutHost() Option { return func(o *options) { o.withoutHost = true } }

// StatusClasses counts 2xx, 3xx, 4xx and 5xx in place of each status
// (--report-status-classes).
func StatusClasses() Option { return func(o *options) { o.statusClasses = true } }

// TimeBuckets sets the upper bounds of histograms of time, in seconds and
// ascending (--time-buckets). The default is 5 ms to 10 s.
func TimeBuckets(bounds []float64) Option {
	return func(o *options) { o.timeBuckets = slices.Clone(bounds) }
}

// LengthBuckets sets the upper bounds of request_size and response_size, in bytes
// and ascending (--length-buckets). The default is that of ingress-nginx, 10 to
// 100.
func LengthBuckets(bounds []float64) Option {
	return func(o *options) { o.lengthBuckets = slices.Clone(bounds) }
}

// Exclude leaves metrics of exchanges out of what is shown, by their names with or
// without "nginx_ingress_controller_" (--exclude-socket-metrics).
func Exclude(names ...string) Option {
	return func(o *options) { o.excluded = append(o.excluded, names...) }
}

// New makes the counters of a process, with a registry of its own.
func New(labels Labels, opts ...Option) *Metrics {
	m := &Metrics{
		labels:   labels,
		started:  time.Now(),
		registry: prometheus.NewRegistry(),
		descs:    make(map[*Metric]*prometheus.Desc, len(Table)),
		options: options{
			timeBuckets:   prometheus.DefBuckets,
			lengthBuckets: prometheus.LinearBuckets(10, 10, 10),
			now:           time.Now,
		},
	}
	for _, set := range opts {
		set(&m.options)
	}
	m.layout = newLayout(&m.options)
	m.unrouted = newRoute(m, RouteLabels{})
	constant := prometheus.Labels{
		"controller_class":     labels.ControllerClass,
		"controller_namespace": labels.Namespace,
		"controller_pod":       labels.Pod,
	}
	for _, metric := range Table {
		names, fixed := metric.Labels, constant
		if metric.perRoute() && m.options.withoutHost {
			names = names[:len(names)-1]
		}
		if metric.Scope == Bare {
			fixed = nil
		}
		m.descs[metric] = prometheus.NewDesc(metric.Name, metric.Help, names, fixed)
	}
	m.registry.MustRegister(
		collector{m},
		goCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	// nginx_ingress_controller_nginx_process_cpu_seconds_total and the like:
	// ingress-nginx watches its nginx processes, we are the process.
	prometheus.WrapRegistererWith(constant, m.registry).MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{Namespace: "nginx_ingress_controller_nginx"}))
	return m
}

// perRoute tells whether the metric is one of exchanges.
func (m *Metric) perRoute() bool { return len(m.Labels) == len(RouteLabelNames) }

// excludes tells whether the metric is not to be shown.
func (o *options) excludes(metric *Metric) bool {
	for _, name := range o.excluded {
		if name == metric.Name || name == strings.TrimPrefix(metric.Name, "nginx_ingress_controller_") {
			return metric.perRoute()
		}
	}
	return false
}

// Handler shows the metrics in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Timeout:             30 * time.Second,
	})
}

// Registry is the registry that holds the metrics.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }
