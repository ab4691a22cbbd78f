package annotation

import (
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

func TestIsEveryone(t *testing.T) {
	for text, want := range map[string]bool{
		"0.0.0.0/0,::/0": true, "::/0, 0.0.0.0/0": true, "10.0.0.0/8,0.0.0.0/0,::/0": true,
		"0.0.0.0/0": false, "::/0": false, "0.0.0.0": false, "": false, "0.0.0.0/0,::/0,x": false,
	} {
		if got := isEveryone(text); got != want {
			t.Errorf("isEveryone(%q) = %v", text, got)
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
	for _, seed := range []string{"5", "1m30s", "8k", "-1", "", "9223372036854775807g", "0.0.0.0/0,::/0", "standard"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range Table {
			v := Defaults()
			if err := a.apply(&v, text, ours, Source{What: "fuzz"}); err != nil && v != Defaults() {
				t.Errorf("%s: %q is refused (%v) and changes %+v", a.Name, text, err, v)
			}
			if v.Options.ReadTimeout <= 0 || v.Options.MaxBodyBytes < 0 || v.Policy.Pool.IdleConnections < 0 || v.Listener.KeepAliveTimeout < 0 || v.Listener.MaxHeaderBytes < 1024 {
				t.Errorf("%s: %q gives %+v", a.Name, text, v)
			}
		}
		for _, a := range nginxTable {
			if a.idle != nil {
				a.idle(text)
			}
		}
	})
}
