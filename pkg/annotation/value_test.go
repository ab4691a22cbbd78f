package annotation

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestParseDuration(t *testing.T) {
	const refused = -1
	for _, test := range []struct {
		text        string
		ours, nginx time.Duration
	}{
		{"0", 0, 0},
		{"5", 5 * time.Second, 5 * time.Second},
		{"007", 7 * time.Second, 7 * time.Second},
		{"2147483647", math.MaxInt32 * time.Second, math.MaxInt32 * time.Second},
		{"2147483648", refused, refused},
		{"99999999999999999999", refused, refused},
		{"5s", 5 * time.Second, refused},
		{"1m30s", 90 * time.Second, refused},
		{"250ms", 250 * time.Millisecond, refused},
		{"1.5s", 1500 * time.Millisecond, refused},
		{"1us", refused, refused},
		{"900000h", refused, refused},
		{"-5", refused, refused},
		{"+5s", refused, refused},
		{"-0s", refused, refused},
		{"", refused, refused},
		{"5 s", refused, refused},
		{"٥", refused, refused},
		{"1d", refused, refused},
	} {
		for d, want := range map[dialect]time.Duration{ours: test.ours, nginx: test.nginx} {
			got, err := parseDuration(test.text, d)
			if want == refused && err == nil || want != refused && (err != nil || got != want) {
				t.Errorf("parseDuration(%q, %d) = %v, %v", test.text, d, got, err)
			}
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "10b": 10, "8k": 8 << 10, "8K": 8 << 10, "1m": 1 << 20, "2G": 2 << 30,
		"9223372036854775807": math.MaxInt64, "8589934591g": 8589934591 << 30,
		"": -1, "k": -1, "8589934592g": -1, "9223372036854775808": -1, "-1": -1, "1kb": -1, "1 m": -1, "1.5m": -1, "0x10": -1, "1t": -1,
	} {
		got, err := parseSize(text, ours)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("parseSize(%q) = %d, %v", text, got, err)
		}
	}
}

func TestParseCount(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "2147483647": math.MaxInt32, "0": -1, "2147483648": -1, "-1": -1, "+1": -1, "1.0": -1, "": -1, "x": -1} {
		got, err := parseCount(1)(text, ours)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("parseCount(%q) = %d, %v", text, got, err)
		}
	}
}

// TestParsers reads values of settings that have a form of their own.
func TestParsers(t *testing.T) {
	const refused = "\x00"
	text := func(parse func(string, dialect) (string, error)) func(string) (string, error) {
		return func(text string) (string, error) { return parse(text, ours) }
	}
	for name, test := range map[string]struct {
		parse func(string) (string, error)
		want  map[string]string
	}{
		"networks": {text(parseNetworks), map[string]string{
			"10.1.2.3/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", " fd00::1/8 , 10.0.0.0/8": "10.0.0.0/8,fd00::/8",
			"::ffff:10.0.0.0/104,10.0.0.0/8": "10.0.0.0/8", "::ffff:192.0.2.1": "192.0.2.1/32",
		}},
		"protocols": {text(parseProtocols), map[string]string{
			"TLSv1.3 TLSv1.2 TLSv1.3": "TLSv1.2 TLSv1.3", " TLSv1.3 ": "TLSv1.3", "": refused, "TLSv1.1": refused, "tls": refused,
		}},
		"curves": {text(parseCurves), map[string]string{
			"auto": "auto", "Auto": "auto", "x25519:prime256v1": "X25519:prime256v1", "?X25519MLKEM768:*X25519": "X25519MLKEM768:X25519",
			"": refused, "x": refused,
		}},
		"names": {text(parseName), map[string]string{
			"A.Example": "a.example", "10.0.0.1": "10.0.0.1", "::1": "::1", "a_b": "a_b",
			"": refused, "a..b": refused, "a b": refused, "fe80::1%eth0": refused, "é": refused,
		}},
		"hosts": {text(parseAuthority), map[string]string{
			"a.example:80": "a.example:80", "[::1]:80": "[::1]:80", "[::1]": "[::1]", "a": "a",
			"a:": refused, "a:0": refused, "::1": refused, "a\r\nb:80": refused, "": refused,
		}},
		"pages": {text(parsePage), map[string]string{
			"https://a.example/x?y=z": "https://a.example/x?y=z", "ftp://a.example/": refused, "https://": refused, "//a.example": refused,
			"https://u:p@a.example/": refused, "https://a.example/\r\nX: y": refused, "https://a.example/a b": refused, "javascript:x": refused,
		}},
	} {
		for value, want := range test.want {
			got, err := test.parse(value)
			if want == refused && err == nil || want != refused && (err != nil || got != want) {
				t.Errorf("%s: %q is read as %q (%v), want %q", name, value, got, err, want)
			}
		}
	}
}

func TestParseMode(t *testing.T) {
	const want = "want standard, arena or greentea"
	for text, hint := range map[string]string{
		"Standard": "standard", "ARENA": "arena", "arenas": "arena", "areena": "arena",
		"green-tea": "greentea", "greenteagc": "greentea", "heap": "", "": "", strings.Repeat("arena", 1000): "",
	} {
		sentence := want
		if hint != "" {
			sentence += ": did you mean " + hint + "?"
		}
		if _, err := parseMode(text, ours); err == nil || err.Error() != sentence {
			t.Errorf("%.20q: %v, want %s", text, err, sentence)
		}
	}
	for _, m := range model.AllocationModes {
		if got, err := parseMode(string(m), ours); err != nil || got != m || !strings.Contains(modeNames, string(m)) {
			t.Errorf("%s: %s, %v", m, got, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	for name, want := range map[string]string{
		"proxy-body-siz":           "proxy-body-size",
		"proxy-bodysize":           "proxy-body-size",
		"proxyreadtimeout":         "proxy-read-timeout",
		"alocation-mode":           "allocation-mode",
		"whitelist-source-ranges":  "whitelist-source-range",
		"completely-else":          "",
		"":                         "",
		"x":                        "",
		strings.Repeat("a", 10000): "",
	} {
		if got := suggest(name, ownNames); got != want {
			t.Errorf("suggest(%.30q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{"5", "1m30s", "8k", "-1", "", "9223372036854775807g", "0.0.0.0/0,::/0", "standard",
		"default/ca", "https://example.com/x", "error timeout off", "TLSv1.1 TLSv1.2", "X25519:P-256", "a;b", "/a,b", "[::1]:80",
		"$host${x}", "Lax", "true", "on", "HTTPS", "10.0.0.1,::ffff:10.0.0.0/100",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range Table {
			v := Defaults(model.ProfileKubernetes)
			some := partial{}
			if err := a.apply(&v, text, place{from: Source{Object: shop}}); err != nil && !errors.As(err, &some) && v != Defaults(model.ProfileKubernetes) {
				t.Errorf("%s: %q is refused (%v) and changes %+v", a.Name, text, err, v)
			}
			checkValues(t, a.Name, text, &v)
		}
		for _, a := range nginxTable {
			if a.idle != nil {
				a.idle(text)
			}
		}
	})
}

// checkValues checks what the data plane relies on, whatever text was read.
func checkValues(t *testing.T, name, text string, v *Values) {
	options, policy := v.Final()
	pool, sticky, check := v.Policy.Pool, v.Policy.Balance.Sticky, v.Policy.Health.Check
	buffers := options.Buffering
	switch {
	case options.ReadTimeout <= 0, options.ConnectTimeout <= 0, options.RequestTimeout < 0, options.MaxBodyBytes < 0,
		options.Retry.Tries < 0, options.Retry.Timeout < 0,
		buffers.RequestMemory < 1<<10, buffers.RequestMemory > mostBuffered,
		buffers.ResponseMemory < 1<<10, buffers.ResponseMemory > mostBuffered,
		buffers.ResponseFile < 0, buffers.ResponseFile > mostFile, buffers.ResponseHead < 0, buffers.ResponseHead > mostBufferSize:
		t.Errorf("%s: %q gives %+v", name, text, options)
	case pool.IdleConnections < 0, pool.MaxPending < 0, pool.MaxPending > mostPending, pool.Prewarm < 0, pool.Prewarm > mostPrewarmed,
		pool.PendingTimeout <= 0, policy.Balance.HashLoad != 0 && policy.Balance.HashLoad <= 100,
		check.Interval < time.Second, check.Timeout <= 0, check.Healthy < 1, check.Unhealthy < 1, !strings.HasPrefix(check.Path, "/"),
		policy.Health.EjectionTime <= 0, policy.Health.MaxEjected > 100:
		t.Errorf("%s: %q gives %+v", name, text, policy)
	case v.Listener.KeepAliveTimeout < 0, v.Listener.MaxHeaderBytes < 1024, v.Listener.HTTP2Streams < 1, v.Listener.ProxyHeaderTimeout <= 0,
		v.Listener.TLS.Protocols == "", v.Listener.TLS.Curves == "":
		t.Errorf("%s: %q gives %+v", name, text, v.Listener)
	}
	// These are written into fields and request lines as they are.
	for _, written := range []string{
		sticky.Cookie, sticky.Path, sticky.Domain, sticky.SameSite, check.Path, check.Host,
		v.Host.ErrorPage, v.Policy.Transport.TLS.ServerName,
	} {
		if !isGraphic(written) {
			t.Errorf("%s: %q gives %q", name, text, written)
		}
	}
	for _, written := range []string{v.parts.cookieName, sticky.Path, sticky.Domain} {
		if strings.ContainsAny(written, ";, \r\n") {
			t.Errorf("%s: %q gives the cookie %q", name, text, written)
		}
	}
}
