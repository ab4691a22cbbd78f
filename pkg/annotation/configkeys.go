package annotation

// meaningless marks a key that tunes nginx itself: it is accepted and needs no
// word.
const meaningless = "\x00"

// configKeys are the keys of ingress-nginx's ConfigMap that have no effect here
// (ingress-nginx: docs/user-guide/nginx-configuration/configmap.md), each with the value
// that asks for what happens anyway. Such a value needs no Problem.
var configKeys = func() map[string]string {
	keys := map[string]string{
		"allow-cross-namespace-resources":    "false",
		"allow-snippet-annotations":          "false",
		"annotations-risk-level":             "High",
		"default-type":                       "text/html",
		"disable-ipv6":                       "false",
		"enable-brotli":                      "false",
		"enable-modsecurity":                 "false",
		"enable-opentelemetry":               "false",
		"enable-owasp-modsecurity-crs":       "false",
		"enable-syslog":                      "false",
		"limit-conn-zone-variable":           "$binary_remote_addr",
		"limit-rate":                         "0",
		"limit-rate-after":                   "0",
		"opentelemetry-trust-incoming-span":  "true",
		"proxy-http-version":                 "1.1",
		"proxy-ssl-location-only":            "false",
		"proxy-stream-next-upstream-timeout": "600s",
		"ssl-early-data":                     "false",
		"use-geoip":                          "false",
		"use-geoip2":                         "false",
		"use-gzip":                           "false",
	}
	for _, key := range unsupportedKeys {
		keys[key] = ""
	}
	for _, key := range meaninglessKeys {
		keys[key] = meaningless
	}
	return keys
}()

// unsupportedKeys have no value, but for the empty one, that is honoured
// without being read.
var unsupportedKeys = []string{
	"access-log-params", "access-log-path", "annotation-value-word-blocklist", "bind-address",
	"brotli-level", "brotli-min-length", "brotli-types", "global-auth-snippet",
	"gzip-disable", "gzip-level", "gzip-min-length", "gzip-types", "http-access-log-path", "http-snippet",
	"location-snippet", "log-format-stream", "main-snippet", "modsecurity-snippet",
	"opentelemetry-operation-name", "otel-max-export-batch-size",
	"otel-max-queuesize", "otel-sampler", "otel-sampler-parent-based", "otel-sampler-ratio",
	"otel-schedule-delay-millis", "otel-service-name", "otlp-collector-host", "otlp-collector-port", "plugins",
	"server-snippet", "ssl-session-ticket-key",
	"ssl-session-timeout", "stream-access-log-path", "stream-snippet", "syslog-host", "syslog-port",
	"worker-shutdown-timeout",
}

// configAdvice says more about keys without effect, after a colon.
var configAdvice = map[string]string{
	"access-log-path":                    ": the flag --access-log-path says where lines go",
	"bind-address":                       ": the flag --bind-address says where the process listens",
	"disable-ipv6":                       ": --bind-address 0.0.0.0 listens on IPv4 alone",
	"http-access-log-path":               ": the flag --access-log-path says where lines go",
	"worker-shutdown-timeout":            ": the flag --worker-shutdown-timeout bounds the time that open exchanges have",
	"proxy-stream-next-upstream-timeout": ": proxy-stream-next-upstream-tries and proxy-connect-timeout bound the time",
	"ssl-session-ticket-key":             ": the process makes its keys by itself, and changes them",
}

// standardOutput are paths under which ingress-nginx writes to the standard output, as
// the access log does here unless a flag says otherwise.
var standardOutput = []string{"/dev/stdout", "/var/log/nginx/access.log"}

// usualToo are more values of configKeys that ask for what happens anyway.
var usualToo = map[string][]string{
	"access-log-path":         standardOutput,
	"http-access-log-path":    standardOutput,
	"worker-shutdown-timeout": {"240s"},
}

// protectingKeys decide who may ask for anything at all. Snippets are among them,
// since they may hold such rules.
var protectingKeys = map[string]bool{
	"enable-modsecurity": true, "enable-owasp-modsecurity-crs": true, "global-auth-snippet": true, "http-snippet": true,
	"location-snippet": true, "modsecurity-snippet": true, "server-snippet": true,
}

// meaninglessKeys tune nginx's processes, hash tables and files.
var meaninglessKeys = []string{
	"aio", "debug-connections", "disable-ipv6-dns", "disable-stream-access-log", "enable-aio-write", "enable-multi-accept",
	"error-log-level", "error-log-path", "lua-shared-dicts", "map-hash-bucket-size",
	"max-worker-connections", "max-worker-open-files", "nginx-status-ipv4-whitelist",
	"nginx-status-ipv6-whitelist", "proxy-headers-hash-bucket-size",
	"proxy-headers-hash-max-size", "reuse-port",
	"server-name-hash-bucket-size", "server-name-hash-max-size", "ssl-buffer-size", "ssl-dh-param",
	"ssl-session-cache", "ssl-session-cache-size", "variables-hash-bucket-size",
	"variables-hash-max-size", "worker-cpu-affinity", "worker-processes",
}
