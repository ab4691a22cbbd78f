package snapshot

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestTrusts(t *testing.T) {
	for _, c := range []struct{ list, yes, no string }{
		{"", "", "10.0.0.1 ::1"},
		{"0.0.0.0/0", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4", "::1"},
		{"0.0.0.0/0,::/0", "1.2.3.4 :: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"10.0.0.0/8,10.1.0.0/16,192.0.2.7/32", "10.0.0.0 10.1.2.3 10.255.255.255 192.0.2.7", "9.255.255.255 11.0.0.0 192.0.2.6 192.0.2.8 ::1"},
		{"2001:db8::/33,fe80::/10", "2001:db8:: 2001:db8:7fff:ffff:: fe80::1%eth0 febf::1", "2001:db8:8000:: 2001:db7:ffff:: 10.0.0.1"},
	} {
		f := compileForwarding(&model.Listener{TrustedProxies: c.list})
		for text := range strings.FieldsSeq(c.yes) {
			if !f.Trusts(netip.MustParseAddr(text)) {
				t.Errorf("%q does not have %s", c.list, text)
			}
		}
		for text := range strings.FieldsSeq(c.no) {
			if f.Trusts(netip.MustParseAddr(text)) {
				t.Errorf("%q has %s", c.list, text)
			}
		}
	}
}

func TestSkips(t *testing.T) {
	l, err := compileAccessLog(&model.AccessLog{Skip: "/healthz,~^/static/,~*\\.png$"})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"/healthz": true, "/HealthZ": true, "/healthz?a": false, "/healthz/": false,
		"/static/a.js": true, "/Static/a.js": false, "/a.PNG": true, "/a.png?x": false, "": false, "/": false,
	} {
		if got := l.Skips([]byte(target)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if _, err := compileAccessLog(&model.AccessLog{Format: "$"}); err == nil {
		t.Error("no format is one")
	}
	if _, err := compileAccessLog(&model.AccessLog{Skip: "~("}); err == nil {
		t.Error("no regular expression is one")
	}
}
