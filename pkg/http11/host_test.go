package http11

import (
	"net/netip"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	for authority, hostname := range map[string]string{
		"a":                              "a",
		"a:0":                            "a",
		"a:00080":                        "a",
		"a.b.":                           "a.b.",
		"192.0.2.1:80":                   "192.0.2.1",
		"xn--bcher-kva.example":          "xn--bcher-kva.example",
		"a_b~c-d":                        "a_b~c-d",
		"[::]":                           "[::]",
		"[::1]:8080":                     "[::1]",
		"[1:2:3:4:5:6:7:8]:":             "[1:2:3:4:5:6:7:8]",
		"[::ffff:192.0.2.1]":             "[::ffff:192.0.2.1]",
		strings.Repeat("a", maxHostname): strings.Repeat("a", maxHostname),
	} {
		if got, ok := cutPort([]byte(authority)); !ok || string(got) != hostname || !validHostname(got) {
			t.Errorf("%q: hostname %q, %v, %v", authority, got, ok, validHostname(got))
		}
	}
	for _, authority := range []string{
		"", ":", ":80", "a:b", "a:-1", "a:+1", "a:65536", "a:000080", "a:80:80", "a::80", "a b", "a,b", "a/b", "a?b", "a#b", "a\\b",
		"u@a", "u:p@a", "a@", "a%41", "a;b", "(a)", "'a'", "\"a\"", "a\x00", "\xe4", "a\t",
		"::1", "[::1", "::1]", "[]", "[]:80", "[a]", "[::1]80", "[::1]:a", "[::1%25eth0]", "[v1.a]", "[[::1]]", "[192.0.2.1]", "a[::1]", ".a", "a..b", ".", "..",
		strings.Repeat("a", maxHostname+1),
	} {
		if got, ok := cutPort([]byte(authority)); ok && validHostname(got) {
			t.Errorf("%q is taken for hostname %q", authority, got)
		}
	}
}

// FuzzIPv6 compares with the standard library's reading.
func FuzzIPv6(f *testing.F) {
	for _, s := range []string{
		"::", "::1", "1::", "1::2", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3::5:6:7:8", "1:2:3:4::5:6:7:8",
		"::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "", ":", ":::", "1:", ":1", "1::2::3", "::1::", "::1:",
		"12345::", "g::", "ABCD:ef01::", "::192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1",
		"1:2:3:4:5::192.0.2.1", "1:2:3:4:5:6::192.0.2.1", "::192.0.2.256", "::192.0.2", "::192.0.2.1.1", "::192.0.2.01", "::192.0.2.", "::.0.2.1",
		"::192.0.2.1:1", "::a.0.2.1", "::1a.0.2.1", "192.0.2.1", "::1%eth0", "::0.0.0.0", "::1234.0.0.1", "::255.255.255.255", "1:g",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		want := err == nil && addr.Is6() && addr.Zone() == ""
		if got := validIPv6([]byte(s)); got != want {
			t.Errorf("%q: %v, net/netip says %v", s, got, want)
		}
	})
}
