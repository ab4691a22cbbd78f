package annotation

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestParseRanges(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":                            "10.0.0.0/8",
		" 10.1.2.3/8 , 192.0.2.1,fd00::1/8":     "10.0.0.0/8,192.0.2.1/32,fd00::/8",
		"0.0.0.0/0,::/0":                        "0.0.0.0/0,::/0",
		"::ffff:10.0.0.1,10.0.0.1,":             "10.0.0.1/32",
		"::ffff:10.0.0.0/104":                   "10.0.0.0/8",
		"":                                      "!",
		",":                                     "!",
		"10.0.0.0/33":                           "!",
		"10.0.0.0/8,x":                          "!",
		"10.0.0.0/8 192.0.2.0/24":               "!",
		"::ffff:0:0/90":                         "!",
		"fe80::1%eth0":                          "!",
		strings.Repeat("10.0.0.1,", mostRanges): "!",
	} {
		got, err := parseRanges(text, place{from: Source{Object: shop}})
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%.50q: %q, want %q", text, got, want)
		}
	}
	if list, err := parseRanges("", place{}); list != "" || err != nil {
		t.Errorf("an empty list of the ConfigMap: %q, %v", list, err)
	}
}

func TestParsePatterns(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		`"Some Bot", ~*evil|bad ,'~x$',`:       "Some Bot,~*evil|bad,~x$",
		"~(":                                   "!",
		"~*(?=x)":                              "!",
		strings.Repeat("a,", mostPatterns):     "!",
		strings.Repeat("a", longestPatterns+1): "!",
	} {
		got, err := parsePatterns(text, ours)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%.50q: %q, want %q", text, got, want)
		}
	}
}

func TestParseMatchCN(t *testing.T) {
	for text, ok := range map[string]bool{
		"CN=shop": true, "CN=(a|b),O=x": true, "CN=": true,
		"": false, "shop": false, "O=x,CN=a": false, "CN=(": false, "CN=" + strings.Repeat("a", longestMatch): false,
	} {
		if _, err := parseMatchCN(text, nginx); (err == nil) != ok {
			t.Errorf("%.50q: %v", text, err)
		}
	}
}

// TestOlderNames: the newer name holds where both stand, under each prefix, and ours
// before that of ingress-nginx.
func TestOlderNames(t *testing.T) {
	const inherited = "nginx.ingress.kubernetes.io/"
	for _, c := range []struct {
		annotations map[string]string
		want        string
		problems    int
	}{
		{map[string]string{inherited + "whitelist-source-range": "10.0.0.1"}, "10.0.0.1/32", 0},
		{map[string]string{inherited + "whitelist-source-range": "10.0.0.1", inherited + "allowlist-source-range": "10.0.0.2"}, "10.0.0.2/32", 1},
		{map[string]string{Prefix + "/whitelist-source-range": "10.0.0.1", inherited + "allowlist-source-range": "10.0.0.2"}, "10.0.0.1/32", 0},
		{map[string]string{Prefix + "/whitelist-source-range": "10.0.0.1", Prefix + "/allowlist-source-range": "10.0.0.2"}, "10.0.0.2/32", 1},
	} {
		v := Defaults(model.ProfileNginx)
		result := NewReader("", nil).Ingress(shop, c.annotations, &v)
		if v.Filters.Access.Allow != c.want || len(result.Problems) != c.problems || result.Denied != "" {
			t.Errorf("%v: %q and %+v, want %q", c.annotations, v.Filters.Access.Allow, result, c.want)
		}
	}
	v := Defaults(model.ProfileNginx)
	_, problems := NewReader("", nil).ConfigMap(model.ObjectRef{Kind: "ConfigMap"},
		map[string]string{"whitelist-source-range": "10.0.0.1", "allowlist-source-range": "10.0.0.2"}, &v)
	if v.Filters.Access.Allow != "10.0.0.2/32" || len(problems) != 1 {
		t.Errorf("the ConfigMap: %q and %v", v.Filters.Access.Allow, problems)
	}
}
