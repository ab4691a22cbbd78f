package annotation

import (
	"slices"
	"strings"
	"testing"
)

func TestTableIsComplete(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range Table {
		if seen[a.Name] {
			t.Errorf("%s stands twice", a.Name)
		}
		seen[a.Name] = true
		if a.Scope == 0 || a.parse == nil || !strings.HasSuffix(a.Help, ".") || strings.ToLower(a.Name) != a.Name {
			t.Errorf("row %s lacks a scope, a parser or a sentence of help", a.Name)
		}
		if a.effect != plain && a.Scope&(Listener|Stream) != 0 {
			t.Errorf("%s protects and governs what no Ingress does", a.Name)
		}
		if _, twice := configKeys[a.Name]; twice {
			t.Errorf("%s is both read and without effect in the ConfigMap", a.Name)
		}
	}
}

// TestInherited lists the settings that ingress-nginx has no annotation for.
func TestInherited(t *testing.T) {
	var own []string
	for _, a := range Table {
		if !a.Inherited() {
			own = append(own, a.Name)
		}
	}
	want := []string{
		"allocation-mode", "request-timeout", "retry-non-idempotent",
		"no-auth-locations", "limit-req-status-code", "limit-conn-status-code", "block-cidrs", "block-user-agents", "block-referers",
		"upstream-proxy-protocol",
		"upstream-keepalive-connections", "upstream-keepalive-timeout", "upstream-keepalive-requests", "upstream-keepalive-time",
		"upstream-max-connections", "upstream-max-pending", "upstream-pending-timeout", "upstream-prewarm",
		"upstream-hash-load", "slow-start",
		"upstream-max-failures", "upstream-ejection-time", "upstream-max-ejected", "upstream-max-active", "retry-budget",
		"health-check", "health-check-path", "health-check-host", "health-check-port", "health-check-interval",
		"health-check-timeout", "health-check-healthy", "health-check-unhealthy",
		"auth-url-verify", "global-auth-url", "global-auth-url-verify", "global-auth-method", "global-auth-response-headers",
		"global-auth-signin", "global-auth-signin-redirect-param", "global-auth-request-redirect", "global-auth-always-set-cookie",
		"global-auth-cache-key", "global-auth-cache-duration",
		"http2",
		"http-redirect-code", "no-tls-redirect-locations", "hsts", "hsts-max-age", "hsts-include-subdomains", "hsts-preload",
		"strict-validate-path-type",
		"hide-headers", "server-tokens", "allow-backend-server-header",
		"add-headers", "proxy-set-headers", "global-allowed-response-headers",
		"keep-alive", "keep-alive-requests", "max-connections", "client-header-timeout", "client-body-timeout", "max-header-bytes",
		"max-request-line-bytes", "client-header-buffer-size", "large-client-header-buffers",
		"enable-underscores-in-headers", "ignore-invalid-headers",
		"use-http2", "http2-max-concurrent-streams", "use-proxy-protocol", "proxy-protocol-header-timeout", "proxy-real-ip-cidr",
		"use-forwarded-headers", "enable-real-ip", "forwarded-for-header", "compute-full-forwarded-for", "generate-request-id", "proxy-add-original-uri-header",
		"disable-access-log", "disable-http-access-log", "enable-access-log-for-default-backend", "log-format-upstream",
		"log-format-escape-json", "log-format-escape-none", "skip-access-log-urls",
		"ssl-protocols", "ssl-ecdh-curve", "ssl-session-tickets", "enable-ocsp", "ssl-reject-handshake",
		"proxy-stream-timeout", "proxy-stream-next-upstream", "proxy-stream-next-upstream-tries", "proxy-stream-responses",
	}
	if !slices.Equal(own, want) {
		t.Errorf("without an ancestor are\n%v, want\n%v", own, want)
	}
}

// TestNginxTableIsComplete counts the annotations that ingress-nginx v1.15.1
// documents.
func TestNginxTableIsComplete(t *testing.T) {
	if len(nginxTable) != 138 || len(nginxByName) != 138 {
		t.Errorf("%d rows with %d names, want 138", len(nginxTable), len(nginxByName))
	}
	for _, a := range nginxTable {
		if len(a.name) > longestName {
			t.Errorf("%s is longer than a name can be", a.name)
		}
		if byName[a.name] != nil && (a.effect != plain || a.idle != nil) {
			t.Errorf("%s is implemented and still costs something", a.name)
		}
		if _, ok := removed[a.name]; ok {
			t.Errorf("%s is both known and removed", a.name)
		}
	}
}

func TestConfigKeysStandOnce(t *testing.T) {
	for _, key := range meaninglessKeys {
		if slices.Contains(unsupportedKeys, key) {
			t.Errorf("%s is both unsupported and without meaning", key)
		}
	}
	for _, list := range [][]string{unsupportedKeys, meaninglessKeys} {
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("keys are out of order or stand twice: %v", list)
		}
	}
}
