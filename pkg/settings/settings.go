package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Settings are all settings of a process. The help text of each is in Flags.
type Settings struct {
	// Where the objects come from.
	Manifests            string
	Kubeconfig           string
	APIServerHost        string
	CertificateAuthority string
	WatchNamespace       string

	// Which Ingresses are ours.
	ControllerClass          string
	IngressClass             string
	IngressClassByName       bool
	WatchIngressWithoutClass bool

	// How they are served.
	ConfigMap             string
	TCPServicesConfigMap  string
	UDPServicesConfigMap  string
	DefaultSSLCertificate string
	DefaultBackendService string
	AnnotationsPrefix     string
	Compatibility         string
	AllocationMode        Choice
	DisableExternalName   bool
	// EnableTopologyAwareRouting follows the hints of EndpointSlices for TopologyZone.
	EnableTopologyAwareRouting bool
	TopologyZone               string
	EnableSSLPassthrough       bool

	// Where connections are accepted.
	BindAddress string
	HTTPPort    int
	HTTPSPort   int

	// What is told of them.
	PublishService         string
	PublishStatusAddress   string
	UpdateStatus           bool
	UpdateStatusOnShutdown bool
	ElectionID             string
	ElectionTTL            time.Duration
	DisableLeaderElection  bool

	// How the process ends.
	ShutdownGracePeriod     time.Duration
	WorkerShutdownTimeout   time.Duration
	PostShutdownGracePeriod time.Duration

	// What operators read.
	HealthzHost          string
	HealthzPort          int
	HealthCheckPath      string
	Profiling            bool
	EnableMetrics        bool
	MetricsPerHost       bool
	ReportStatusClasses  bool
	TimeBuckets          []float64
	LengthBuckets        []float64
	ExcludeSocketMetrics []string
	AccessLogPath        string
	DisableAccessLog     bool
	LogFormat            string
	LogLevel             string
	Verbosity            int
	Version              bool

	// PodName and PodNamespace come from the environment, POD_NAME and
	// POD_NAMESPACE. Both may be empty outside a cluster.
	PodName      string
	PodNamespace string
	// NodeName comes from the environment, NODE_NAME: where the process runs.
	NodeName string
}

// CompatibilityAuto has the profile of each class follow its spec.controller.
const CompatibilityAuto = "auto"

// Default returns the settings of a process without flags. They are those of
// ingress-nginx where it has the flag, except for the names of the class and the
// Lease, for profiling, which is off, and for the pause after the shutdown.
func Default() Settings {
	return Settings{
		ControllerClass:        "shockwave.dev/ingress-controller",
		IngressClass:           "shockwave",
		AnnotationsPrefix:      "nginx.ingress.kubernetes.io",
		Compatibility:          CompatibilityAuto,
		AllocationMode:         Choice{Name: alloc.Built().Default.String()},
		HTTPPort:               80,
		HTTPSPort:              443,
		UpdateStatus:           true,
		UpdateStatusOnShutdown: true,
		ElectionID:             "shockwave-leader",
		ElectionTTL:            30 * time.Second,
		WorkerShutdownTimeout:  240 * time.Second,
		HealthzPort:            10254,
		HealthCheckPath:        "/healthz",
		EnableMetrics:          true,
		MetricsPerHost:         true,
		TimeBuckets:            []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		LengthBuckets:          []float64{10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
		AccessLogPath:          "/dev/stdout",
		LogFormat:              "text",
		LogLevel:               "info",
	}
}

// FromEnvironment takes over what the environment says. getenv is os.Getenv.
func (s *Settings) FromEnvironment(getenv func(string) string) {
	s.PodName = getenv("POD_NAME")
	s.PodNamespace = getenv("POD_NAMESPACE")
	s.NodeName = getenv("NODE_NAME")
}

// Validate reports everything wrong with the settings at once.
func (s *Settings) Validate() error {
	var errs []error
	wrong := func(flag, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s: "+format, append([]any{flag}, args...)...))
	}
	for _, port := range []struct {
		flag  string
		value int
	}{{"http-port", s.HTTPPort}, {"https-port", s.HTTPSPort}, {"healthz-port", s.HealthzPort}} {
		if port.value < 0 || port.value > 65535 {
			wrong(port.flag, "%d is not a port", port.value)
		}
	}
	if s.HTTPPort != 0 && s.HTTPPort == s.HTTPSPort {
		wrong("https-port", "%d is also the --http-port", s.HTTPSPort)
	}
	for _, address := range []struct{ flag, value string }{
		{"bind-address", s.BindAddress}, {"healthz-host", s.HealthzHost},
	} {
		if _, err := netip.ParseAddr(address.value); address.value != "" && err != nil {
			wrong(address.flag, "%q is not an IP address", address.value)
		}
	}
	for _, object := range []struct{ flag, value string }{
		{"configmap", s.ConfigMap},
		{"tcp-services-configmap", s.TCPServicesConfigMap},
		{"udp-services-configmap", s.UDPServicesConfigMap},
		{"default-ssl-certificate", s.DefaultSSLCertificate},
		{"default-backend-service", s.DefaultBackendService},
		{"publish-service", s.PublishService},
	} {
		if _, _, ok := SplitName(object.value); object.value != "" && !ok {
			wrong(object.flag, "%q is not of the form namespace/name", object.value)
		}
	}
	if s.Manifests != "" && (s.Kubeconfig != "" || s.APIServerHost != "") {
		wrong("manifests", "objects come from a directory or from an API server, not from both")
	}
	if s.ControllerClass == "" {
		wrong("controller-class", "it must not be empty")
	}
	switch prefix := strings.TrimSuffix(s.AnnotationsPrefix, "/"); {
	case prefix == "":
		wrong("annotations-prefix", "it must not be empty")
	case strings.ContainsAny(prefix, "/ ,"): // no annotation would match, not even one that protects
		wrong("annotations-prefix", "%q is not a prefix such as nginx.ingress.kubernetes.io", s.AnnotationsPrefix)
	}
	switch s.Compatibility {
	case CompatibilityAuto, string(model.ProfileKubernetes), string(model.ProfileNginx):
	default:
		wrong("compatibility", "%q is none of %s, %s and %s", s.Compatibility, CompatibilityAuto, model.ProfileNginx, model.ProfileKubernetes)
	}
	// The names are those that objects use, and so is the advice.
	values := annotation.Defaults(model.ProfileKubernetes)
	if err := annotation.Set(&values, "allocation-mode", s.AllocationMode.Name, annotation.Source{}); err != nil {
		wrong("allocation-mode", "%q: %w", s.AllocationMode.Name, err)
	}
	if s.PublishService != "" && s.PublishStatusAddress != "" {
		wrong("publish-status-address", "it cannot be used together with --publish-service")
	}
	if s.ElectionID == "" {
		wrong("election-id", "it must not be empty")
	}
	if s.ElectionTTL < time.Second {
		wrong("election-ttl", "%v is too short: at least 1s", s.ElectionTTL)
	}
	for _, period := range []struct {
		flag  string
		value time.Duration
	}{
		{"shutdown-grace-period", s.ShutdownGracePeriod},
		{"worker-shutdown-timeout", s.WorkerShutdownTimeout},
		{"post-shutdown-grace-period", s.PostShutdownGracePeriod},
	} {
		if period.value < 0 {
			wrong(period.flag, "%v is negative", period.value)
		}
	}
	if !strings.HasPrefix(s.HealthCheckPath, "/") || strings.ContainsAny(s.HealthCheckPath, " {}?#") ||
		path.Clean(s.HealthCheckPath) != strings.TrimSuffix(s.HealthCheckPath, "/") && s.HealthCheckPath != "/" { // which no request has
		wrong("health-check-path", "%q is not a path such as /healthz", s.HealthCheckPath)
	}
	for _, buckets := range []struct {
		flag  string
		value []float64
	}{{"time-buckets", s.TimeBuckets}, {"length-buckets", s.LengthBuckets}} {
		if !ascending(buckets.value) {
			wrong(buckets.flag, "%v is not a list of at most %d positive numbers, each greater than the one before",
				buckets.value, maxBuckets)
		}
	}
	if s.AccessLogPath == "" {
		wrong("access-log-path", "it must not be empty; --disable-access-log turns the log off")
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		wrong("log-format", "%q is neither text nor json", s.LogFormat)
	}
	if _, err := parseLevel(s.LogLevel); err != nil {
		wrong("log-level", "%w", err)
	}
	return errors.Join(errs...)
}

// maxBuckets bounds the buckets of a histogram: each costs memory for each route.
const maxBuckets = 50

func ascending(list []float64) bool {
	for i, v := range list {
		if v <= 0 || i > 0 && v <= list[i-1] {
			return false
		}
	}
	return len(list) > 0 && len(list) <= maxBuckets
}

// SplitName takes "namespace/name" apart. ok is false when it is not of that form.
func SplitName(s string) (namespace, name string, ok bool) {
	namespace, name, ok = strings.Cut(s, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return "", "", false
	}
	return namespace, name, true
}

// levels are the names of --log-level, the most talkative first.
var levels = []string{"debug", "info", "warn", "error"}

func parseLevel(name string) (slog.Level, error) {
	var l slog.Level
	if !slices.Contains(levels, name) {
		return l, fmt.Errorf("%q is none of %s", name, strings.Join(levels, ", "))
	}
	err := l.UnmarshalText([]byte(name))
	return l, err
}

// Level is what is logged at least: --log-level, or debug with -v=2 or more, where
// ingress-nginx begins to tell of each change.
func (s *Settings) Level() slog.Level {
	level, err := parseLevel(s.LogLevel)
	if err != nil {
		level = slog.LevelInfo
	}
	if s.Verbosity >= 2 {
		level = min(level, slog.LevelDebug)
	}
	return level
}
