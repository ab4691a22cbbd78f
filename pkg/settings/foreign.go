package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// ForeignFlag is a flag of ingress-nginx that has no effect here.
type ForeignFlag struct {
	Name string
	// Why says what that means for whoever sets it.
	Why string
	// Refused tells that a value other than Neutral is an error rather than a
	// warning: without the flag's effect other requests would be served, or be
	// served by others, than the command line asks for. A process that does not
	// start is noticed, and in a rolling update the one before it goes on.
	Refused bool
	// Neutral are values that ask for nothing and need no word.
	Neutral []string
	// Switch tells a flag that may stand without a value.
	Switch bool
}

// Foreign lists the flags of ingress-nginx that have no effect here
// (docs/user-guide/cli-arguments.md, pkg/flags/flags.go).
var Foreign = []ForeignFlag{
	refused("watch-namespace-selector", "namespaces cannot be selected by label; use --watch-namespace", ""),
	refusedSwitch("disable-catch-all", "Ingresses without a host are always served"),
	ignoredSwitch("force-namespace-isolation", "it is always on: an Ingress refers only to Secrets of its own namespace", "true"),

	ignored("validating-webhook", "Ingresses are not checked before they are stored; their problems are Events and log lines", ""),
	ignored("validating-webhook-certificate", "there is no validating webhook", ""),
	ignored("validating-webhook-key", "there is no validating webhook", ""),
	ignoredSwitch("report-node-internal-ip-address", "addresses of nodes are not published; use --publish-service or --publish-status-address"),
	ignoredSwitch("enable-ssl-chain-completion", "a Secret must hold the whole chain"),
	ignoredSwitch("metrics-per-undefined-host", "requests for unknown hosts are counted together"),
	ignored("bucket-factor", "there are no native histograms", "0"),
	ignored("max-buckets", "there are no native histograms", "100"),
	ignored("size-buckets", "the metric bytes_sent, deprecated in ingress-nginx, is not offered; see response_size"),
	ignored("status-update-interval", "the status is written when it changes, and checked every minute", "60"),
	ignored("sync-period", "objects are watched; there is nothing to be read again", "0", "0s"),
	ignored("sync-rate-limit", "changes are merged, not delayed"),
	ignored("default-server-port", "requests that nothing serves are answered without a server of their own"),
	ignored("health-check-timeout", "the health check asks no other process", "10"),
	ignored("ssl-passthrough-proxy-port", "--https-port itself passes TLS connections through"),
	ignored("status-port", "there is no process to ask for its status"),
	ignored("stream-port", "TCP and UDP services are served by this process"),
	ignored("profiler-port", "profiles are on --healthz-port, with --profiling"),
	ignored("profiler-address", "profiles are on --healthz-port, with --profiling"),
	ignored("internal-logger-address", "the access log is written directly"),
	ignored("dynamic-configuration-retries", "a configuration is put to use in this process"),
	ignored("monitor-max-batch-size", "metrics are counted in this process, without batches"),
	ignoredSwitch("disable-full-test", "there is no nginx configuration to test"),
	ignoredSwitch("deep-inspect", "nothing of an Ingress becomes nginx configuration", "true"),
	ignoredSwitch("enable-annotation-validation", "annotations are always checked", "true"),
	ignoredSwitch("disable-sync-events", "there are no such Events"),
	ignoredSwitch("enable-dynamic-configuration", "it is always on"),
	ignoredSwitch("sort-backends", "endpoints are always sorted"),
	ignored("maxmind-mirror", "there is no GeoIP database", ""),
	ignored("maxmind-license-key", "there is no GeoIP database", ""),
	ignored("maxmind-edition-ids", "there is no GeoIP database", ""),
	ignored("maxmind-retries-count", "there is no GeoIP database"),
	ignored("maxmind-retries-timeout", "there is no GeoIP database"),

	// Flags of its logging library.
	ignored("vmodule", "the log has one level, --log-level"),
	ignored("stderrthreshold", "the log goes to the standard error"),
	ignored("log_backtrace_at", "the log has no stack traces but those of panics"),
	ignored("log_dir", "the log goes to the standard error", ""),
	ignored("log_file", "the log goes to the standard error", ""),
	ignored("log_file_max_size", "the log goes to the standard error"),
	ignoredSwitch("logtostderr", "the log goes to the standard error", "true"),
	ignoredSwitch("alsologtostderr", "the log goes to the standard error", "true"),
	ignoredSwitch("add_dir_header", "see --log-format"),
	ignoredSwitch("one_output", "see --log-format"),
	ignoredSwitch("skip_headers", "see --log-format"),
	ignoredSwitch("skip_log_headers", "see --log-format"),
}

func ignored(name, why string, neutral ...string) ForeignFlag {
	return ForeignFlag{Name: name, Why: why, Neutral: neutral}
}

func ignoredSwitch(name, why string, neutral ...string) ForeignFlag {
	return ForeignFlag{Name: name, Why: why, Neutral: append(neutral, "false"), Switch: true}
}

func refused(name, why string, neutral ...string) ForeignFlag {
	return ForeignFlag{Name: name, Why: why, Neutral: neutral, Refused: true}
}

func refusedSwitch(name, why string) ForeignFlag {
	return ForeignFlag{Name: name, Why: why, Neutral: []string{"false"}, Refused: true, Switch: true}
}

// register adds the flag to fs, hidden from its help.
func (f *ForeignFlag) register(fs *pflag.FlagSet) {
	flag := fs.VarPF(new(foreignValue), f.Name, "", f.Why)
	flag.Hidden = true
	if f.Switch {
		flag.NoOptDefVal = "true"
	}
}

// foreignValue holds any value.
type foreignValue string

func (v *foreignValue) String() string     { return string(*v) }
func (v *foreignValue) Type() string       { return "string" }
func (v *foreignValue) Set(s string) error { *v = foreignValue(s); return nil }

// CheckForeign looks at the flags of ingress-nginx that were set in fs: ignored are
// those that have no effect and ask for one, and err has a sentence for each that
// cannot be ignored.
func CheckForeign(fs *pflag.FlagSet) (ignored []ForeignFlag, err error) {
	var errs []error
	for _, f := range Foreign {
		flag := fs.Lookup(f.Name)
		if flag == nil || !flag.Changed || slices.Contains(f.Neutral, strings.ToLower(flag.Value.String())) {
			continue
		}
		if f.Refused {
			errs = append(errs, fmt.Errorf("--%s is not supported: %s", f.Name, f.Why))
			continue
		}
		ignored = append(ignored, f)
	}
	return ignored, errors.Join(errs...)
}
