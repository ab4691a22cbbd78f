package settings_test

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

// parse reads a command line as the program does.
func parse(t *testing.T, args ...string) (settings.Settings, *pflag.FlagSet) {
	t.Helper()
	s := settings.Default()
	fs := pflag.NewFlagSet("shockwave", pflag.ContinueOnError)
	s.Register(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatalf("parse %q: %v", args, err)
	}
	return s, fs
}

func TestDefaultsAreValid(t *testing.T) {
	s, _ := parse(t)
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(s, settings.Default()) {
		t.Errorf("parsing nothing changes the defaults: %+v", s)
	}
}

// The defaults are a promise: those of ingress-nginx, and ours where it has none.
func TestDefaults(t *testing.T) {
	s := settings.Default()
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"http-port", s.HTTPPort, 80},
		{"https-port", s.HTTPSPort, 443},
		{"healthz-port", s.HealthzPort, 10254},
		{"controller-class", s.ControllerClass, "shockwave.dev/ingress-controller"},
		{"ingress-class", s.IngressClass, "shockwave"},
		{"annotations-prefix", s.AnnotationsPrefix, "nginx.ingress.kubernetes.io"},
		{"update-status", s.UpdateStatus, true},
		{"update-status-on-shutdown", s.UpdateStatusOnShutdown, true},
		{"election-ttl", s.ElectionTTL, 30 * time.Second},
		{"shutdown-grace-period", s.ShutdownGracePeriod, time.Duration(0)},
		{"worker-shutdown-timeout", s.WorkerShutdownTimeout, 240 * time.Second},
		{"profiling", s.Profiling, false},
		{"enable-metrics", s.EnableMetrics, true},
		{"watch-ingress-without-class", s.WatchIngressWithoutClass, false},
		{"enable-ssl-passthrough", s.EnableSSLPassthrough, false},
		{"allocation-mode", s.AllocationMode, settings.Choice{Name: alloc.Built().Default.String()}},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v by default, want %v", c.name, c.got, c.want)
		}
	}
}

// Each flag of the table changes its own field, and no other.
func TestEachFlagSetsOneField(t *testing.T) {
	values := map[string]string{"string": "x", "bool": "true", "int": "7", "duration": "7s", "numbers": "7,8", "stringSlice": "x,y"}
	for _, f := range settings.Flags {
		s := settings.Default()
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Register(fs)
		flag := fs.Lookup(f.Name)
		value := values[flag.Value.Type()]
		if flag.DefValue == "true" {
			value = "false"
		}
		if err := fs.Set(f.Name, value); err != nil {
			t.Errorf("--%s=%s: %v", f.Name, value, err)
			continue
		}
		before, after := reflect.ValueOf(settings.Default()), reflect.ValueOf(s)
		changed := 0
		for i := range before.NumField() {
			if !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("--%s changes %d fields", f.Name, changed)
		}
	}
}

func TestEachFlagHasHelp(t *testing.T) {
	for _, f := range settings.Flags {
		if !strings.HasSuffix(f.Help, ".") || f.Group == "" {
			t.Errorf("--%s: help %q in group %q is not a sentence in a group", f.Name, f.Help, f.Group)
		}
	}
	if n := len(settings.Groups()); n != 8 {
		t.Errorf("%d groups", n)
	}
}

func TestDurationsAreSecondsOrGoDurations(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Second, "300": 300 * time.Second, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond,
	} {
		if s, _ := parse(t, "--shutdown-grace-period="+value); s.ShutdownGracePeriod != want {
			t.Errorf("%s is %v, want %v", value, s.ShutdownGracePeriod, want)
		}
	}
	for _, value := range []string{"", "soon", "5x", "99999999999999999", "1e3"} {
		s := settings.Default()
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Register(fs)
		if err := fs.Parse([]string{"--shutdown-grace-period=" + value}); err == nil {
			t.Errorf("%q is accepted", value)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--http-port=70000", "--http-port: 70000 is not a port"},
		{"--healthz-port=-1", "--healthz-port: -1 is not a port"},
		{"--http-port=8080 --https-port=8080", "--https-port: 8080 is also the --http-port"},
		{"--http-port=0 --https-port=0", ""},
		{"--bind-address=localhost", `--bind-address: "localhost" is not an IP address`},
		{"--bind-address=::1", ""},
		{"--healthz-host=x", `--healthz-host: "x" is not an IP address`},
		{"--configmap=name", `--configmap: "name" is not of the form namespace/name`},
		{"--configmap=a/b/c", `--configmap: "a/b/c" is not`},
		{"--default-ssl-certificate=/b", `--default-ssl-certificate: "/b" is not`},
		{"--default-backend-service=a/", `--default-backend-service: "a/" is not`},
		{"--publish-service=a/b", ""},
		{"--tcp-services-configmap=name", `--tcp-services-configmap: "name" is not of the form namespace/name`},
		{"--udp-services-configmap=a/b/c", `--udp-services-configmap: "a/b/c" is not`},
		{"--tcp-services-configmap=a/b --udp-services-configmap=a/c --enable-ssl-passthrough", ""},
		{"--publish-service=a/b --publish-status-address=1.2.3.4", "--publish-status-address: it cannot be used together"},
		{"--manifests=. --kubeconfig=x", "--manifests: objects come from a directory or from an API server"},
		{"--controller-class=", "--controller-class: it must not be empty"},
		{"--annotations-prefix=", "--annotations-prefix: it must not be empty"},
		{"--annotations-prefix=/", "--annotations-prefix: it must not be empty"},
		{"--annotations-prefix=nginx.ingress.kubernetes.io/auth", "--annotations-prefix: \"nginx.ingress.kubernetes.io/auth\" is not a prefix"},
		{"--allocation-mode=magic", `--allocation-mode: "magic": want standard, arena or greentea`},
		{"--allocation-mode=Arena", `--allocation-mode: "Arena": want standard, arena or greentea: did you mean arena?`},
		{"--allocation-mode=", `--allocation-mode: "": want standard, arena or greentea`},
		{"--allocation-mode=arena", ""},
		{"--allocation-mode=greentea", ""},
		{"--election-id=", "--election-id: it must not be empty"},
		{"--election-ttl=10ms", "--election-ttl: 10ms is too short"},
		{"--shutdown-grace-period=-1", "--shutdown-grace-period: -1s is negative"},
		{"--health-check-path=healthz", `--health-check-path: "healthz" is not a path`},
		{"--health-check-path=//live", `--health-check-path: "//live" is not a path`},
		{"--health-check-path=/a/../live", `--health-check-path: "/a/../live" is not a path`},
		{"--health-check-path=/{x}", `--health-check-path: "/{x}" is not a path`},
		{"--time-buckets=1,1", "--time-buckets: [1 1] is not a list"},
		{"--length-buckets=-1", "--length-buckets: [-1] is not a list"},
		{"--access-log-path=", "--access-log-path: it must not be empty"},
		{"--log-format=xml", `--log-format: "xml" is neither text nor json`},
		{"--log-level=loud", `--log-level: "loud" is none of debug, info, warn, error`},
	} {
		s, _ := parse(t, strings.Fields(c.args)...)
		err := s.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.args, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	s, _ := parse(t, "--http-port=-5", "--log-format=xml", "--configmap=x")
	if n := strings.Count(s.Validate().Error(), "\n") + 1; n != 3 {
		t.Errorf("%d of 3 mistakes are reported", n)
	}
}

// A flag that was given is told from the default, also when both are the same.
func TestGivenAllocationMode(t *testing.T) {
	for _, mode := range alloc.Names() {
		if s, _ := parse(t, "--allocation-mode="+mode); s.AllocationMode != (settings.Choice{Name: mode, Given: true}) {
			t.Errorf("%s: %+v", mode, s.AllocationMode)
		}
	}
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	s := settings.Default()
	s.Register(fs)
	if f := fs.Lookup("allocation-mode"); f.DefValue != alloc.Built().Default.String() ||
		!strings.Contains(f.Usage, strings.Join(alloc.Names()[:2], ", ")+" or "+alloc.Names()[2]) {
		t.Errorf("default %s, help %q", f.DefValue, f.Usage)
	}
}

func TestLevel(t *testing.T) {
	for args, want := range map[string]slog.Level{
		"": slog.LevelInfo, "--log-level=warn": slog.LevelWarn, "--log-level=debug": slog.LevelDebug,
		"-v=2": slog.LevelDebug, "--v=3": slog.LevelDebug, "-v 5": slog.LevelDebug, "-v=1": slog.LevelInfo,
	} {
		if s, _ := parse(t, strings.Fields(args)...); s.Level() != want {
			t.Errorf("%q logs from %v, want %v", args, s.Level(), want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	s := settings.Default()
	s.FromEnvironment(func(name string) string { return "value of " + name })
	if s.PodName != "value of POD_NAME" || s.PodNamespace != "value of POD_NAMESPACE" {
		t.Errorf("%q, %q", s.PodName, s.PodNamespace)
	}
}

// A command line written for ingress-nginx parses, whatever it contains, and what
// has no effect is told.
func TestCommandLineOfIngressNginx(t *testing.T) {
	args := `--publish-service=ingress/ingress-nginx-controller --election-id=ingress-nginx-leader
		--controller-class=k8s.io/ingress-nginx --ingress-class=nginx --configmap=ingress/ingress-nginx-controller
		--validating-webhook=:8443 --validating-webhook-certificate=/usr/local/certificates/cert
		--validating-webhook-key=/usr/local/certificates/key --watch-ingress-without-class=true
		--enable-metrics=true --default-backend-service=ingress/default --watch-namespace=a --ingress-class-by-name=true
		--default-ssl-certificate=a/b --update-status=true --update-status-on-shutdown=false --healthz-port=10254
		--health-check-path=/healthz --health-check-timeout=10 --http-port=80 --https-port=443 --default-server-port=8181 --shutdown-grace-period=0
		--post-shutdown-grace-period=10 --annotations-prefix=nginx.ingress.kubernetes.io --disable-svc-external-name
		--enable-topology-aware-routing --disable-leader-election --election-ttl=30s --time-buckets=0.1,1 --length-buckets=10,20
		--size-buckets=10,100 --metrics-per-host --metrics-per-undefined-host=false --report-status-classes
		--exclude-socket-metrics=bytes_sent -v=2 --maxmind-license-key=x --maxmind-edition-ids=x --maxmind-mirror=x
		--maxmind-retries-count=1 --maxmind-retries-timeout=0s --stream-port=10247 --status-port=10246
		--ssl-passthrough-proxy-port=442 --profiler-port=10245 --profiler-address=127.0.0.1 --sync-rate-limit=0.3
		--dynamic-configuration-retries=15 --internal-logger-address=127.0.0.1:11514 --disable-full-test --deep-inspect=true
		--monitor-max-batch-size=10000 --enable-annotation-validation --disable-sync-events --sync-period=0
		--status-update-interval=60 --bucket-factor=0 --max-buckets=100 --profiling=false --enable-ssl-chain-completion=false
		--tcp-services-configmap= --enable-ssl-passthrough=false --logtostderr --alsologtostderr --stderrthreshold=2
		--report-node-internal-ip-address --kubeconfig= --apiserver-host= --certificate-authority=`
	s, fs := parse(t, strings.Fields(args)...)
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	ignored, err := settings.CheckForeign(fs)
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, f := range ignored {
		names = append(names, f.Name)
	}
	told := strings.Join(names, " ")
	for _, name := range []string{"validating-webhook", "default-server-port", "report-node-internal-ip-address"} {
		if !strings.Contains(told, name) {
			t.Errorf("--%s has no effect, and nothing is said: %s", name, told)
		}
	}
	for _, name := range []string{"metrics-per-undefined-host", "enable-ssl-chain-completion", "logtostderr"} {
		if strings.Contains(told, name) {
			t.Errorf("--%s asks for nothing that is missing, and there is a warning", name)
		}
	}
}

// What would change who is served, and cannot be done, ends the program.
func TestFlagsThatCannotBeIgnored(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"--watch-namespace-selector=a=b", "--watch-namespace-selector is not supported"},
		{"--disable-catch-all=true", "--disable-catch-all is not supported"},
	} {
		_, fs := parse(t, c.arg)
		if _, err := settings.CheckForeign(fs); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.arg, err)
		}
	}
}

func TestTablesHaveNoFlagTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range settings.Flags {
		if seen[f.Name] {
			t.Errorf("--%s is there twice", f.Name)
		}
		seen[f.Name] = true
	}
	for _, f := range settings.Foreign {
		if seen[f.Name] || f.Why == "" {
			t.Errorf("--%s is there twice, or has no reason", f.Name)
		}
		seen[f.Name] = true
	}
}

func TestSplitName(t *testing.T) {
	if ns, name, ok := settings.SplitName("a/b"); ns != "a" || name != "b" || !ok {
		t.Error(ns, name, ok)
	}
	for _, s := range []string{"", "a", "/", "a/", "/b", "a/b/c"} {
		if _, _, ok := settings.SplitName(s); ok {
			t.Errorf("%q is taken for a name", s)
		}
	}
}
