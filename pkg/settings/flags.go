package settings

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// Flag is one row of the table of flags.
type Flag struct {
	Name string
	// Shorthand is one letter, or empty.
	Shorthand string
	// Group says which part of the program the flag is about.
	Group string
	Help  string
	bind  func(fs *pflag.FlagSet, s *Settings, f *Flag)
}

// define makes a row whose value is the field of Settings that field points to.
func define[T value](group, name, help string, field func(*Settings) *T) Flag {
	return Flag{Name: name, Group: group, Help: help, bind: func(fs *pflag.FlagSet, s *Settings, f *Flag) {
		switch p := any(field(s)).(type) {
		case *string:
			fs.StringVarP(p, f.Name, f.Shorthand, *p, f.Help)
		case *bool:
			fs.BoolVarP(p, f.Name, f.Shorthand, *p, f.Help)
		case *int:
			fs.IntVarP(p, f.Name, f.Shorthand, *p, f.Help)
		case *time.Duration:
			fs.VarP((*seconds)(p), f.Name, f.Shorthand, f.Help)
		case *[]float64:
			fs.VarP((*numbers)(p), f.Name, f.Shorthand, f.Help)
		case *Choice:
			fs.VarP(p, f.Name, f.Shorthand, f.Help)
		case *[]string:
			fs.StringSliceVarP(p, f.Name, f.Shorthand, *p, f.Help)
		}
	}}
}

// value lists the types that a setting may have.
type value interface {
	string | bool | int | time.Duration | Choice | []float64 | []string
}

func (f Flag) short(letter string) Flag {
	f.Shorthand = letter
	return f
}

// The groups of flags, in the order of the reference page.
const (
	groupSource   = "Where objects come from"
	groupClass    = "Which Ingresses are served"
	groupServing  = "How they are served"
	groupListen   = "Where connections are accepted"
	groupStatus   = "Status of Ingresses"
	groupShutdown = "Shutdown"
	groupAdmin    = "Health and metrics"
	groupLog      = "Logs"
)

// Flags lists the flags that do something. The defaults are those of Default.
var Flags = []Flag{
	define(groupSource, "manifests",
		"Directory of YAML and JSON files to take the Kubernetes objects from, in place of an API server. It is watched, with the directories in it.",
		func(s *Settings) *string { return &s.Manifests }),
	define(groupSource, "kubeconfig",
		"File that says how to reach the API server. Without it and --apiserver-host the service account of the pod is used.",
		func(s *Settings) *string { return &s.Kubeconfig }),
	define(groupSource, "apiserver-host",
		"Address of the API server, such as https://10.0.0.1:6443, in place of the one in --kubeconfig.",
		func(s *Settings) *string { return &s.APIServerHost }),
	define(groupSource, "certificate-authority",
		"File with the certificates that vouch for --apiserver-host.",
		func(s *Settings) *string { return &s.CertificateAuthority }),
	define(groupSource, "watch-namespace",
		"Namespace whose objects are served. Empty means all.",
		func(s *Settings) *string { return &s.WatchNamespace }),

	define(groupClass, "controller-class",
		"The spec.controller of the IngressClasses that are ours.",
		func(s *Settings) *string { return &s.ControllerClass }),
	define(groupClass, "ingress-class",
		"Value of the annotation kubernetes.io/ingress.class that is ours, and name of the IngressClass that sets listeners.",
		func(s *Settings) *string { return &s.IngressClass }),
	define(groupClass, "ingress-class-by-name",
		"Take the IngressClass named by --ingress-class as ours, whatever its spec.controller.",
		func(s *Settings) *bool { return &s.IngressClassByName }),
	define(groupClass, "watch-ingress-without-class",
		"Serve Ingresses that name no class too.",
		func(s *Settings) *bool { return &s.WatchIngressWithoutClass }),

	define(groupServing, "configmap",
		"ConfigMap with settings for all Ingresses, as namespace/name. Its keys are those of ingress-nginx.",
		func(s *Settings) *string { return &s.ConfigMap }),
	define(groupServing, "tcp-services-configmap",
		"ConfigMap of TCP services, as namespace/name. Its keys are ports to listen on, its values where connections go: namespace/service:port[:PROXY[:PROXY]].",
		func(s *Settings) *string { return &s.TCPServicesConfigMap }),
	define(groupServing, "udp-services-configmap",
		"ConfigMap of UDP services, as namespace/name. Its keys are ports to listen on, its values where datagrams go: namespace/service:port.",
		func(s *Settings) *string { return &s.UDPServicesConfigMap }),
	define(groupServing, "default-ssl-certificate",
		"Secret with the certificate for server names that have none, as namespace/name. Without it a self-signed one is made.",
		func(s *Settings) *string { return &s.DefaultSSLCertificate }),
	define(groupServing, "default-backend-service",
		"Service for requests that no Ingress serves, as namespace/name; its first port is used. Without it they are answered 404.",
		func(s *Settings) *string { return &s.DefaultBackendService }),
	define(groupServing, "annotations-prefix",
		"Prefix under which annotations of ingress-nginx are read, besides shockwave.dev/.",
		func(s *Settings) *string { return &s.AnnotationsPrefix }),
	define(groupServing, "compatibility",
		"Whose behaviour holds where ingress-nginx differs from the Ingress specification: kubernetes, ingress-nginx, or auto, by the spec.controller of each class.",
		func(s *Settings) *string { return &s.Compatibility }),
	define(groupServing, "allocation-mode",
		"Where the memory of connections comes from, and that of exchanges unless their Ingress says otherwise: "+modes()+".",
		func(s *Settings) *Choice { return &s.AllocationMode }),
	define(groupServing, "disable-svc-external-name",
		"Answer 503 for Services of type ExternalName.",
		func(s *Settings) *bool { return &s.DisableExternalName }),
	define(groupServing, "enable-topology-aware-routing",
		"Send requests to endpoints in the own zone where all EndpointSlices of a Service have hints for zones.",
		func(s *Settings) *bool { return &s.EnableTopologyAwareRouting }),
	define(groupServing, "topology-zone",
		"The own zone for --enable-topology-aware-routing. Empty: that of the node named by the environment variable NODE_NAME.",
		func(s *Settings) *string { return &s.TopologyZone }),
	define(groupServing, "enable-ssl-passthrough",
		"Honour the annotation ssl-passthrough, which hands TLS connections on as they are. Without it the paths of such an Ingress answer 503.",
		func(s *Settings) *bool { return &s.EnableSSLPassthrough }),

	define(groupListen, "bind-address",
		"Address to accept connections on. Empty means all, IPv4 and IPv6.",
		func(s *Settings) *string { return &s.BindAddress }),
	define(groupListen, "http-port",
		"Port for HTTP. 0 lets the system choose; the log tells which.",
		func(s *Settings) *int { return &s.HTTPPort }),
	define(groupListen, "https-port",
		"Port for HTTPS. 0 lets the system choose; the log tells which.",
		func(s *Settings) *int { return &s.HTTPSPort }),

	define(groupStatus, "publish-service",
		"Service whose addresses are written to the status of Ingresses, as namespace/name.",
		func(s *Settings) *string { return &s.PublishService }),
	define(groupStatus, "publish-status-address",
		"Addresses, separated by commas, that are written to the status of Ingresses, in place of --publish-service.",
		func(s *Settings) *string { return &s.PublishStatusAddress }),
	define(groupStatus, "update-status",
		"Write the status of Ingresses.",
		func(s *Settings) *bool { return &s.UpdateStatus }),
	define(groupStatus, "update-status-on-shutdown",
		"Clear the status of Ingresses when the last replica ends.",
		func(s *Settings) *bool { return &s.UpdateStatusOnShutdown }),
	define(groupStatus, "election-id",
		"Name of the Lease by which replicas agree on who writes.",
		func(s *Settings) *string { return &s.ElectionID }),
	define(groupStatus, "election-ttl",
		"How long the Lease is good without being renewed.",
		func(s *Settings) *time.Duration { return &s.ElectionTTL }),
	define(groupStatus, "disable-leader-election",
		"Write the status without a Lease. Only for a single replica.",
		func(s *Settings) *bool { return &s.DisableLeaderElection }),

	define(groupShutdown, "shutdown-grace-period",
		"How long to go on accepting connections after SIGTERM, not ready and closing each connection after its response, so that load balancers take notice.",
		func(s *Settings) *time.Duration { return &s.ShutdownGracePeriod }),
	define(groupShutdown, "worker-shutdown-timeout",
		"How long exchanges may take to finish once no more connections are accepted. Named after the key of ingress-nginx's ConfigMap.",
		func(s *Settings) *time.Duration { return &s.WorkerShutdownTimeout }),
	define(groupShutdown, "post-shutdown-grace-period",
		"How long to stay after the last exchange, so that metrics can be read once more.",
		func(s *Settings) *time.Duration { return &s.PostShutdownGracePeriod }),

	define(groupAdmin, "healthz-port",
		"Port for health, metrics and the configuration in use. 0 lets the system choose; the log tells which.",
		func(s *Settings) *int { return &s.HealthzPort }),
	define(groupAdmin, "healthz-host",
		"Address for --healthz-port. Empty means all.",
		func(s *Settings) *string { return &s.HealthzHost }),
	define(groupAdmin, "health-check-path",
		"Path that answers 200 while the process lives, besides /healthz.",
		func(s *Settings) *string { return &s.HealthCheckPath }),
	define(groupAdmin, "profiling",
		"Offer profiles under /debug/pprof/, and statistics of memory under /debug/vars, on --healthz-port.",
		func(s *Settings) *bool { return &s.Profiling }),
	define(groupAdmin, "enable-metrics",
		"Offer metrics under /metrics on --healthz-port.",
		func(s *Settings) *bool { return &s.EnableMetrics }),
	define(groupAdmin, "metrics-per-host",
		"Give the metrics of exchanges the label host.",
		func(s *Settings) *bool { return &s.MetricsPerHost }),
	define(groupAdmin, "report-status-classes",
		"Count 2xx, 3xx, 4xx and 5xx in place of each status.",
		func(s *Settings) *bool { return &s.ReportStatusClasses }),
	define(groupAdmin, "time-buckets",
		"Upper bounds of the histograms of time, in seconds.",
		func(s *Settings) *[]float64 { return &s.TimeBuckets }),
	define(groupAdmin, "length-buckets",
		"Upper bounds of the histograms request_size and response_size, in bytes.",
		func(s *Settings) *[]float64 { return &s.LengthBuckets }),
	define(groupAdmin, "exclude-socket-metrics",
		"Metrics of exchanges that are left out, separated by commas.",
		func(s *Settings) *[]string { return &s.ExcludeSocketMetrics }),

	define(groupLog, "access-log-path",
		"File that the access log is appended to.",
		func(s *Settings) *string { return &s.AccessLogPath }),
	define(groupLog, "disable-access-log",
		"Write no access log.",
		func(s *Settings) *bool { return &s.DisableAccessLog }),
	define(groupLog, "log-format",
		"Form of the program's own log, on the standard error: text or json.",
		func(s *Settings) *string { return &s.LogFormat }),
	define(groupLog, "log-level",
		"What is logged at least: debug, info, warn or error.",
		func(s *Settings) *string { return &s.LogLevel }),
	define(groupLog, "v",
		"Verbosity as ingress-nginx counts it. 2 and more mean --log-level=debug.",
		func(s *Settings) *int { return &s.Verbosity }).short("v"),
	define(groupLog, "version",
		"Print the version and exit.",
		func(s *Settings) *bool { return &s.Version }),
}

// modes lists the allocation modes in a sentence.
func modes() string {
	names := alloc.Names()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Register adds all flags to fs, so that parsing it fills s, which holds the
// defaults.
func (s *Settings) Register(fs *pflag.FlagSet) {
	for i := range Flags {
		f := &Flags[i]
		f.bind(fs, s, f)
	}
	for i := range Foreign {
		Foreign[i].register(fs)
	}
}

// RegisterReading adds to fs the flags that decide how objects are read, for
// programs that serve nothing.
func (s *Settings) RegisterReading(fs *pflag.FlagSet) {
	for i := range Flags {
		f := &Flags[i]
		if f.Group == groupClass || f.Group == groupServing || f.Name == "watch-namespace" {
			f.bind(fs, s, f)
		}
	}
}

// Groups lists the groups of Flags in their order.
func Groups() []string {
	var groups []string
	for _, f := range Flags {
		if !slices.Contains(groups, f.Group) {
			groups = append(groups, f.Group)
		}
	}
	return groups
}
