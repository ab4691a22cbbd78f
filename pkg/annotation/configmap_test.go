package annotation

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// fate is what becomes of a key of ingress-nginx's ConfigMap.
type fate uint8

const (
	// works: the value is used, without a Problem.
	works fate = iota
	// silent: the key tunes nginx and needs no word.
	silent
	// told: the value has no effect, and a Problem says so.
	told
	// refused: the value may have meant a protection, and all paths answer 503.
	refused
)

// fates are keys of ingress-nginx (docs/user-guide/nginx-configuration/configmap.md),
// each with a value that is not the default.
var fates = []struct {
	key, value string
	fate       fate
}{
	{"proxy-body-size", "2m", works},
	{"proxy-connect-timeout", "6", works},
	{"proxy-read-timeout", "61", works},
	{"proxy-send-timeout", "61", works},
	{"proxy-buffer-size", "8k", works},
	{"proxy-buffers-number", "8", works},
	{"proxy-buffering", "on", works},
	{"proxy-request-buffering", "off", works},
	{"client-header-timeout", "61", works},
	{"client-body-timeout", "61", works},
	{"client-header-buffer-size", "64k", works},
	{"large-client-header-buffers", "4 16k", works},
	{"client-body-buffer-size", "32k", works},

	{"use-forwarded-headers", "true", works},
	{"compute-full-forwarded-for", "true", works}, // with the one before it
	{"forwarded-for-header", "CF-Connecting-IP", works},
	{"proxy-real-ip-cidr", "10.0.0.0/8", works},
	{"enable-real-ip", "true", works},
	{"use-proxy-protocol", "true", works},
	{"generate-request-id", "false", works},
	{"proxy-add-original-uri-header", "true", works},

	{"ssl-redirect", "false", works},
	{"force-ssl-redirect", "true", works},
	{"http-redirect-code", "301", works},
	{"hsts", "false", works},
	{"hsts-max-age", "1", works},
	{"hsts-include-subdomains", "false", works},
	{"hsts-preload", "true", works},
	{"no-tls-redirect-locations", "/open", works},
	{"relative-redirects", "true", works},
	{"strict-validate-path-type", "false", works},

	{"add-headers", "default/fields", works},
	{"proxy-set-headers", "default/fields", works},
	{"hide-headers", "X-Powered-By", works},
	{"server-tokens", "true", works},
	{"allow-backend-server-header", "true", works},
	{"custom-http-errors", "404,503", works},
	{"global-allowed-response-headers", "X-One", works},
	{"enable-underscores-in-headers", "true", works},
	{"ignore-invalid-headers", "false", works},

	{"ssl-protocols", "TLSv1.3", works},
	{"ssl-ciphers", "HIGH", works},
	{"ssl-ecdh-curve", "X25519", works},
	{"ssl-session-tickets", "true", works},
	{"ssl-reject-handshake", "true", works},

	{"log-format-upstream", "$status", works},
	{"log-format-escape-json", "true", works},
	{"log-format-escape-none", "true", works},
	{"access-log-path", "/dev/stdout", silent},
	{"access-log-path", "/tmp/log", told},
	{"http-access-log-path", "/tmp/log", told},
	{"disable-access-log", "true", works},
	{"disable-http-access-log", "true", works},
	{"skip-access-log-urls", "/healthz", works},
	{"enable-access-log-for-default-backend", "true", works},

	{"keep-alive", "76", works},
	{"keep-alive-requests", "1001", works},
	{"upstream-keepalive-connections", "321", works},
	{"upstream-keepalive-timeout", "61", works},
	{"upstream-keepalive-requests", "10001", works},
	{"upstream-keepalive-time", "2h", works},
	{"use-http2", "false", works},
	{"http2-max-concurrent-streams", "129", works},

	{"load-balance", "ewma", works},
	{"retry-non-idempotent", "true", works},
	{"whitelist-source-range", "10.0.0.0/8", works},
	{"whitelist-source-range", "everybody", refused},
	{"denylist-source-range", "10.0.0.0/8", works},
	{"denylist-source-range", "10.0.0.0/33", refused},
	{"block-cidrs", "10.0.0.0/8", works},
	{"block-cidrs", "x", refused},
	{"block-user-agents", "~*bot", works},
	{"block-user-agents", "~*(", refused},
	{"block-user-agents", "~x{1000}x{1000}x{1000}x{1000}", refused},
	{"block-referers", "~*spam", works},
	{"block-referers", "~(", refused},
	{"limit-req-status-code", "429", works},
	{"limit-conn-status-code", "429", works},
	{"global-auth-url", "http://auth.example/", works},
	{"global-auth-url", "nowhere", refused},
	{"global-auth-method", "POST", works},
	{"global-auth-signin", "http://login.example/", works},
	{"global-auth-signin-redirect-param", "next", works},
	{"global-auth-response-headers", "X-User", works},
	{"global-auth-request-redirect", "http://app.example/", works},
	{"global-auth-always-set-cookie", "true", works},
	{"global-auth-cache-key", "$cookie_a", works},
	{"global-auth-cache-duration", "200 1m", works},
	{"global-auth-snippet", "deny all;", refused},
	{"no-auth-locations", "/open", works},
	{"service-upstream", "true", works},
	{"proxy-next-upstream", "error", works},
	{"proxy-next-upstream-timeout", "1", works},
	{"proxy-next-upstream-tries", "4", works},
	{"enable-ocsp", "true", works},
	{"proxy-stream-timeout", "601s", works},
	{"proxy-stream-next-upstream", "false", works},
	{"proxy-stream-next-upstream-tries", "4", works},
	{"proxy-stream-next-upstream-timeout", "1s", told},

	{"allow-cross-namespace-resources", "true", told},
	{"allow-cross-namespace-resources", "false", silent},
	{"annotations-risk-level", "Critical", told},
	{"annotations-risk-level", "High", silent},

	{"limit-rate", "1", told},
	{"limit-rate-after", "1", told},
	{"use-gzip", "true", told},
	{"gzip-level", "2", told},
	{"gzip-disable", "msie6", told},
	{"gzip-min-length", "1", told},
	{"gzip-types", "*", told},
	{"enable-brotli", "true", told},
	{"brotli-level", "2", told},
	{"brotli-min-length", "1", told},
	{"brotli-types", "*", told},
	{"annotation-value-word-blocklist", "load_module", told},
	{"bind-address", "10.0.0.1", told},
	{"disable-ipv6", "true", told},
	{"default-type", "text/plain", told},
	{"enable-opentelemetry", "true", told},
	{"otlp-collector-host", "otel.example", told},
	{"otlp-collector-port", "4318", told},
	{"otel-service-name", "x", told},
	{"otel-sampler", "AlwaysOn", told},
	{"otel-sampler-ratio", "0.5", told},
	{"otel-sampler-parent-based", "true", told},
	{"opentelemetry-operation-name", "x", told},
	{"opentelemetry-trust-incoming-span", "false", told},
	{"worker-shutdown-timeout", "10s", told},
	{"worker-shutdown-timeout", "240s", silent},

	{"worker-processes", "4", silent},
	{"worker-cpu-affinity", "auto", silent},
	{"map-hash-bucket-size", "128", silent},
	{"server-name-hash-max-size", "2048", silent},
	{"server-name-hash-bucket-size", "128", silent},
	{"variables-hash-bucket-size", "512", silent},
	{"variables-hash-max-size", "4096", silent},
	{"proxy-headers-hash-max-size", "1024", silent},
	{"proxy-headers-hash-bucket-size", "128", silent},
	{"reuse-port", "false", silent},
	{"enable-multi-accept", "false", silent},
	{"max-worker-connections", "1024", silent},
	{"max-worker-open-files", "1024", silent},
	{"aio", "on", silent},
	{"lua-shared-dicts", "configuration_data: 40", silent},
	{"ssl-buffer-size", "8k", silent},
	{"ssl-session-cache", "false", silent},
	{"ssl-session-cache-size", "20m", silent},
	{"ssl-dh-param", "default/dh", silent},
	{"debug-connections", "10.0.0.1", silent},
	{"error-log-path", "/tmp/error", silent},

	{"main-snippet", "env X;", told},
	{"http-snippet", "deny all;", refused},
	{"server-snippet", "deny all;", refused},
	{"location-snippet", "deny all;", refused},
	{"stream-snippet", "x", told},
	{"modsecurity-snippet", "x", refused},
	{"allow-snippet-annotations", "true", told},
}

// Nothing of ingress-nginx's ConfigMap is ignored without a word.
func TestFatesOfKeys(t *testing.T) {
	r := NewReader("", nil)
	object := model.ObjectRef{Kind: "ConfigMap", Namespace: "system", Name: "controller"}
	for _, c := range fates {
		data := map[string]string{c.key: c.value}
		if c.key == "compute-full-forwarded-for" {
			data["use-forwarded-headers"] = "true"
		}
		v := Defaults(model.ProfileNginx)
		before := v
		denied, problems := r.ConfigMap(object, data, &v)
		if changed := v != before; changed != (c.fate == works) {
			t.Errorf("%s: the values have changed: %v", c.key, changed)
		}
		if wants := c.fate == told || c.fate == refused; wants != (len(problems) > 0) {
			t.Errorf("%s: %v", c.key, problems)
		}
		if wants := c.fate == refused; wants != (denied != "") {
			t.Errorf("%s: denied: %q", c.key, denied)
		}
	}
}

// Each key that is known is one that was thought of: it works, is told, or tunes
// nginx.
func TestKnownKeys(t *testing.T) {
	for key, usual := range configKeys {
		v := Defaults(model.ProfileNginx)
		_, problems := NewReader("", nil).ConfigMap(model.ObjectRef{}, map[string]string{key: "some other value"}, &v)
		if (len(problems) == 0) != (usual == meaningless) {
			t.Errorf("%s: %v", key, problems)
		}
		if byName[key] != nil {
			t.Errorf("%s is both read and without effect", key)
		}
	}
	for key := range configAdvice {
		if _, known := configKeys[key]; !known {
			t.Errorf("there is advice for %s, which is no key without effect", key)
		}
	}
	for key := range usualToo {
		if _, known := configKeys[key]; !known {
			t.Errorf("%s has usual values and is no key without effect", key)
		}
	}
}

func TestIdleKeyOfTheConfigMap(t *testing.T) {
	v := Defaults(model.ProfileNginx)
	_, problems := NewReader("", nil).ConfigMap(model.ObjectRef{}, map[string]string{"compute-full-forwarded-for": "true"}, &v)
	if len(problems) != 1 || problems[0].Reason != model.ReasonNoEffect {
		t.Error(problems)
	}
}

func TestHeaderBuffers(t *testing.T) {
	for _, c := range []struct {
		small, large string
		head, line   int
		problem      string
	}{
		{"", "", 32 << 10, 8 << 10, ""},
		{"1k", "4 8k", 32 << 10, 8 << 10, ""},
		{"64k", "", 64 << 10, 64 << 10, ""},
		{"64k", "4 8k", 64 << 10, 64 << 10, ""},
		{"2k", "8 16k", 128 << 10, 16 << 10, ""},
		{"", "8 512k", 1 << 20, 512 << 10, "want 1048576 bytes at most in all buffers: that holds"},
		{"", "4", 32 << 10, 8 << 10, "want a number and a size"},
		{"", "0 8k", 32 << 10, 8 << 10, "want a whole number"},
		{"", "4 2m", 32 << 10, 8 << 10, "want 1024 to 1048576 bytes"},
		{"2m", "", 32 << 10, 8 << 10, "want 1 to 1048576 bytes"},
	} {
		data := map[string]string{}
		if c.small != "" {
			data["client-header-buffer-size"] = c.small
		}
		if c.large != "" {
			data["large-client-header-buffers"] = c.large
		}
		v := Defaults(model.ProfileNginx)
		_, problems := NewReader("", nil).ConfigMap(model.ObjectRef{}, data, &v)
		if v.Listener.MaxHeaderBytes != c.head || v.Listener.MaxLineBytes != c.line {
			t.Errorf("%v: %d and %d", data, v.Listener.MaxHeaderBytes, v.Listener.MaxLineBytes)
		}
		if text := messages(problems); (text == "") != (c.problem == "") || !strings.Contains(text, c.problem) {
			t.Errorf("%v: %q", data, text)
		}
	}
}

func messages(problems []model.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Message)
	}
	return strings.Join(all, "\n")
}

func TestLogFormats(t *testing.T) {
	r := NewReader("", &Checks{LogFormat: func(text string) ([]error, error) {
		var absent []error
		for name := range strings.SplitSeq(text, "$") {
			if strings.HasPrefix(name, "no_") {
				absent = append(absent, errors.New("variable $"+name+" is not known"))
			}
		}
		if strings.HasSuffix(text, "$") {
			return nil, errors.New("no name")
		}
		return absent, nil
	}})
	for _, c := range []struct{ text, format, problem string }{
		{`{"a":"$status"}`, `{"a":"$status"}`, ""},
		{`\"a\" it\'s \\ \t$status` + "\n$uri", `"a" it's \  $status $uri`, ""},
		{"$no_a$no_b", "$no_a$no_b", "variable $no_a is not known; variable $no_b is not known: left out of the lines"},
		{"$no_" + strings.Repeat("$no_", 20), "$no_" + strings.Repeat("$no_", 20), " and others: left out"},
		{"a$", "", "no name"},
	} {
		v := Defaults(model.ProfileNginx)
		_, problems := r.ConfigMap(model.ObjectRef{}, map[string]string{"log-format-upstream": c.text}, &v)
		if v.Listener.Log.Format != c.format {
			t.Errorf("%q became %q", c.text, v.Listener.Log.Format)
		}
		if text := messages(problems); (text == "") != (c.problem == "") || !strings.Contains(text, c.problem) {
			t.Errorf("%q: %q", c.text, text)
		}
	}
	for _, c := range []struct {
		data map[string]string
		want model.LogEscape
	}{
		{map[string]string{"log-format-escape-json": "true"}, model.LogEscapeJSON},
		{map[string]string{"log-format-escape-json": "true", "log-format-escape-none": "false"}, model.LogEscapeJSON},
		{map[string]string{"log-format-escape-json": "true", "log-format-escape-none": "true"}, model.LogEscapeNone},
		{map[string]string{"log-format-escape-json": "false"}, model.LogEscapeDefault},
	} {
		v := Defaults(model.ProfileNginx)
		if _, problems := r.ConfigMap(model.ObjectRef{}, c.data, &v); v.Listener.Log.Escape != c.want || len(problems) > 0 {
			t.Errorf("%v: %q %v", c.data, v.Listener.Log.Escape, problems)
		}
	}
}

func TestLogSkips(t *testing.T) {
	for _, c := range []struct{ text, list, problem string }{
		{" /healthz , ~^/static ,, ~*\\.PNG$", "/healthz,~^/static,~*\\.PNG$", ""},
		{"", "", ""},
		{"/a,~(", "/a", "\"~(\": missing closing )"},
		{"/a,~*" + strings.Repeat("x{1000}", 4), "/a", "the regular expression is too large"},
		{"/a,/" + strings.Repeat("b", 300), "/a", "want 256 characters at most"},
		{strings.Repeat("/a,", 64) + "/a", "", "want 64 of them at most"},
	} {
		got, err := parseLogSkip(c.text, nginx)
		if got != c.list || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q became %q, %v", c.text, got, err)
		}
	}
}

func TestFieldNames(t *testing.T) {
	for text, want := range map[string]bool{"X-Forwarded-For": true, "cf_ip": true, "": false, "a b": false, "a:": false, strings.Repeat("a", 200): false} {
		if got, err := parseFieldName(text, nginx); (err == nil) != want || want && got != text || !want && got != "" {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	if !slices.Contains(ownNames, "forwarded-for-header") {
		t.Error("the row is not in the Table")
	}
}
