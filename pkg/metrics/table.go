package metrics

import "slices"

// Kind is the Prometheus type of a metric.
type Kind string

// The kinds of metrics.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric declares a metric. Each also has the constant labels that its scope
// says.
type Metric struct {
	Name   string
	Kind   Kind
	Help   string
	Labels []string
	Scope  Scope
}

// Scope says which constant labels a metric carries.
type Scope uint8

// The scopes.
const (
	// Pod metrics carry controller_class, controller_namespace and
	// controller_pod, as most of ingress-nginx's do.
	Pod Scope = iota
	// Bare metrics carry no constant label.
	Bare
)

// ConstantLabels are the labels of scope Pod.
var ConstantLabels = []string{"controller_class", "controller_namespace", "controller_pod"}

// Table lists every metric of the program, apart from those that the Go runtime
// (go_*) and the process (process_*, nginx_ingress_controller_nginx_process_*)
// report by themselves.
var Table []*Metric

// define appends a metric to the table.
func define(kind Kind, name, help string, labels ...string) *Metric {
	m := &Metric{Name: name, Kind: kind, Help: help, Labels: labels}
	Table = append(Table, m)
	return m
}

func (m *Metric) bare() *Metric {
	m.Scope = Bare
	return m
}

// RouteLabelNames are the labels of the metrics of exchanges, in ingress-nginx's
// order. host is left out with WithoutHost.
var RouteLabelNames = []string{"status", "method", "path", "namespace", "ingress", "service", "canary", "host"}

// perRoute declares a metric of exchanges (ingress-nginx:
// internal/ingress/metric/collectors/socket.go).
func perRoute(kind Kind, name, help string) *Metric {
	return define(kind, name, help, slices.Clone(RouteLabelNames)...)
}

// Exchanges, as ingress-nginx counts them.
var (
	requests = perRoute(Counter, "nginx_ingress_controller_requests",
		"Requests that were answered or given up, by status sent. 499 stands for no answer.")
	requestDuration = perRoute(Histogram, "nginx_ingress_controller_request_duration_seconds",
		"Time from the first byte of a request to the last byte of its response.")
	responseDuration = perRoute(Histogram, "nginx_ingress_controller_response_duration_seconds",
		"Time that the last endpoint tried took until the end of its response.")
	headerDuration = perRoute(Histogram, "nginx_ingress_controller_header_duration_seconds",
		"Time that the last endpoint tried took until the head of its response.")
	connectDuration = perRoute(Histogram, "nginx_ingress_controller_connect_duration_seconds",
		"Time until there was a connection to the last endpoint tried, 0 for one that was kept.")
	requestSize = perRoute(Histogram, "nginx_ingress_controller_request_size",
		"Bytes of a request, head and body.")
	responseSize = perRoute(Histogram, "nginx_ingress_controller_response_size",
		"Bytes of a response, head and body.")
)

// The configuration, as ingress-nginx reports it (controller.go). What was a
// reload there is the publishing of a snapshot here.
var (
	buildInfo = define(Gauge, "nginx_ingress_controller_build_info",
		"Always 1. The labels tell what was built.", "release", "build", "repository")
	configHash = define(Gauge, "nginx_ingress_controller_config_hash",
		"A hash of the configuration in use. Equal configurations have equal hashes.")
	lastReloadSuccessful = define(Gauge, "nginx_ingress_controller_config_last_reload_successful",
		"Whether the last configuration could be put to use.")
	lastReloadTime = define(Gauge, "nginx_ingress_controller_config_last_reload_successful_timestamp_seconds",
		"When a configuration was last put to use, in seconds since 1970.")
	reloads = define(Counter, "nginx_ingress_controller_success",
		"Configurations that were put to use.")
	reloadErrors = define(Counter, "nginx_ingress_controller_errors",
		"Configurations that could not be put to use. The one before them went on serving.")
	sslExpireTime = define(Gauge, "nginx_ingress_controller_ssl_expire_time_seconds",
		"When the certificate of a host expires, in seconds since 1970.",
		"namespace", "class", "host", "secret_name", "identifier").bare()
	leaderStatus = define(Gauge, "nginx_ingress_controller_leader_election_status",
		"1 for the replica that writes the status of Ingresses, 0 for the others. name is that of the Lease.", "name")
)

// Connections from clients, as ingress-nginx reports them (nginx_status.go), and
// the process (process.go).
var (
	connections = define(Gauge, "nginx_ingress_controller_nginx_process_connections",
		"Connections from clients: active is all of them, waiting is between requests, writing is with one.", "state")
	connectionsTotal = define(Counter, "nginx_ingress_controller_nginx_process_connections_total",
		"Connections from clients: accepted, and handled (not refused for the limit).", "state")
	requestsTotal = define(Counter, "nginx_ingress_controller_nginx_process_requests_total",
		"Requests received, those refused for their form included.")
	processes = define(Gauge, "nginx_ingress_controller_nginx_process_num_procs",
		"Processes that serve: always 1.")
	oldestStart = define(Gauge, "nginx_ingress_controller_nginx_process_oldest_start_time_seconds",
		"When the process started, in seconds since 1970.")
)

// Snapshots.
var (
	snapshotGeneration = define(Gauge, "shockwave_snapshot_generation",
		"Number of the snapshot in use, counted from 1. 0 means none yet.")
	snapshotCompileSeconds = define(Gauge, "shockwave_snapshot_compile_seconds",
		"Time that the last snapshot took to be compiled from its configuration and put to use.")
	snapshotHosts = define(Gauge, "shockwave_snapshot_hosts",
		"Hosts in the configuration in use.")
	snapshotRoutes = define(Gauge, "shockwave_snapshot_routes",
		"Routes in the configuration in use.")
	problems = define(Gauge, "shockwave_problems",
		"Mistakes in the objects that the configuration in use was made from.", "reason")
	endpointUpdates = define(Counter, "shockwave_endpoint_updates_total",
		"Sets of endpoints that were put to use.")
)

// Memory, by allocation mode, and what the garbage collector costs.
var (
	allocBuildInfo = define(Gauge, "shockwave_alloc_build_info",
		"Always 1. The labels tell how the allocation modes were built: the mode where nothing else is asked for, where arena mode has its chunks from, and whether released memory is poisoned.",
		"default", "arena_source", "debug")
	allocRoutes = define(Gauge, "shockwave_alloc_routes",
		"Routes in use, default backends included, by the allocation mode of their exchanges.", "mode")
	allocExchanges = define(Counter, "shockwave_alloc_exchanges_total",
		"Exchanges that have ended, by the allocation mode that their memory came from. One that the proxy answered by itself has that of its connection.", "mode")
	allocMisses = define(Counter, "shockwave_alloc_slab_misses_total",
		"Exchanges that did not fit into their slab. In standard mode there is none.", "mode")
	allocOverflows = define(Counter, "shockwave_alloc_overflows_total",
		"Buffers taken beside a slab; in standard mode those that no pool has the size of.", "mode")
	allocHitRatio = define(Gauge, "shockwave_alloc_greentea_hit_ratio",
		"Exchanges of mode greentea that were served wholly from their slab, as a share of all of that mode since the start. Absent before the first.")
	allocInUse = define(Gauge, "shockwave_alloc_bytes_in_use",
		"Memory that exchanges and connections hold.", "mode")
	allocKept = define(Gauge, "shockwave_alloc_bytes_kept",
		"Memory that is held ready for others. In standard mode only the garbage collector knows, and it is 0.", "mode")
	allocChunks = define(Gauge, "shockwave_alloc_chunks",
		"Slabs and chunks, in use or kept. Standard mode has none.", "mode")
	gcCPUShare = define(Gauge, "shockwave_gc_cpu_share",
		"Share of the garbage collector in the CPU time that the process used since its start. Idle time, and marking done in idle time, count on neither side. Absent before the first collection. For a window, divide rates of go_cpu_classes_*.")
)

// Upstreams and their pools of connections.
var (
	upstreamEndpoints = define(Gauge, "shockwave_upstream_endpoints",
		"Endpoints of an upstream: all, and those left out for a while because they failed.", "upstream", "state")
	upstreamConnections = define(Gauge, "shockwave_upstream_connections",
		"Connections to the endpoints of an upstream: idle in the pool, or active.", "upstream", "state")
	upstreamConnected = define(Counter, "shockwave_upstream_connections_created_total",
		"Connections made to the endpoints of an upstream.", "upstream")
	upstreamReused = define(Counter, "shockwave_upstream_connections_reused_total",
		"Times that a kept connection was used again.", "upstream")
	upstreamFailed = define(Counter, "shockwave_upstream_connections_failed_total",
		"Connections to the endpoints of an upstream that could not be made.", "upstream")
	upstreamReuseRatio = define(Gauge, "shockwave_upstream_reuse_ratio",
		"Share of the exchanges with an upstream that used a connection which was there, since the start. Absent before the first.", "upstream")
	upstreamPrewarmed = define(Counter, "shockwave_upstream_connections_prewarmed_total",
		"Connections to the endpoints of an upstream that were made before a request asked for one.", "upstream")
	upstreamPending = define(Gauge, "shockwave_upstream_pending",
		"Requests that wait for a connection to an endpoint of an upstream.", "upstream")
	upstreamQueued = define(Counter, "shockwave_upstream_pending_total",
		"Requests that had to wait for a connection to an endpoint of an upstream.", "upstream")
	upstreamQueueFailed = define(Counter, "shockwave_upstream_pending_failed_total",
		"Requests that did not get a connection to an endpoint of an upstream: too many waited (full), or it took too long (timeout).", "upstream", "reason")
	upstreamExchanges = define(Gauge, "shockwave_upstream_exchanges",
		"Exchanges in progress with the endpoints of an upstream.", "upstream")
	upstreamOverflowed = define(Counter, "shockwave_upstream_overflowed_total",
		"Requests refused because an upstream had as many as it may have at a time.", "upstream")
	upstreamRetries = define(Counter, "shockwave_upstream_retries_total",
		"Attempts at another endpoint of an upstream that were wanted: allowed, or refused for the retry budget.", "upstream", "result")
	upstreamEjections = define(Counter, "shockwave_upstream_ejections_total",
		"Times that an endpoint of an upstream was left out: connections failed (connect), exchanges failed (failures), or checks did (check).", "upstream", "reason")
	upstreamClosed = define(Counter, "shockwave_upstream_connections_closed_total",
		"Connections to the endpoints of an upstream that were closed, by reason.", "upstream", "reason")
)

// TCP and UDP services, and TLS connections that are passed through.
var (
	streamConnections = define(Gauge, "shockwave_stream_connections",
		"Connections, or clients of a UDP service, that are open.", "stream")
	streamAccepted = define(Counter, "shockwave_stream_connections_total",
		"Connections, or clients of a UDP service, since the start.", "stream")
	streamFailed = define(Counter, "shockwave_stream_connections_failed_total",
		"Connections, or clients of a UDP service, for which no endpoint could be reached.", "stream")
	streamBytes = define(Counter, "shockwave_stream_bytes_total",
		"Bytes passed on: received from clients, sent to them.", "stream", "direction")
	streamDropped = define(Counter, "shockwave_stream_datagrams_dropped_total",
		"Datagrams that were not passed on.", "stream")
)

// The engine.
var (
	proxyHeadersRefused = define(Counter, "shockwave_proxy_headers_refused_total",
		"Connections closed for a PROXY header that was missing, late or malformed.")
	refused = define(Counter, "shockwave_requests_refused_total",
		"Requests that were not forwarded, by reason: refused for their form, or for lack of room at their upstream.", "reason")
	connectionsRefused = define(Counter, "shockwave_connections_refused_total",
		"Connections closed at once because there were too many.")
	panics = define(Counter, "shockwave_panics_total",
		"Panics that ended one connection each.")
	accessLogLines = define(Counter, "shockwave_access_log_lines_total",
		"Lines of the access log that were written.")
	accessLogDropped = define(Counter, "shockwave_access_log_dropped_total",
		"Lines of the access log that were lost because its reader was too slow, or failed.")
	routesKept = define(Gauge, "shockwave_metrics_routes",
		"Routes that have series: in use, or removed not long ago.", "state")
)
