package message

import (
	"strings"
	"testing"
)

func TestEveryNameIsFoundInAnyCase(t *testing.T) {
	for n := Unknown + 1; n < names; n++ {
		for _, s := range []string{n.String(), strings.ToLower(n.String()), strings.ToUpper(n.String())} {
			if got := LookupName([]byte(s)); got != n {
				t.Errorf("LookupName(%q) = %q (%d), want %d: choose other factors in hashName", s, got, got, n)
			}
		}
	}
}

func TestOtherNamesAreUnknown(t *testing.T) {
	for _, s := range []string{"", "x", "xx", "Hos", "Hosts", "H0st", "\x48\x4f\x33\x54", "Te\x00", "Content_Length", "Content-Lengti",
		"Content\rLength", "x-request-i\x24", strings.Repeat("x", 300)} {
		if n := LookupName([]byte(s)); n != Unknown {
			t.Errorf("LookupName(%q) = %q, want none", s, n)
		}
	}
	if s := Unknown.String(); s != "" {
		t.Errorf("Unknown is spelled %q", s)
	}
	if s := Name(255).String(); s != "" {
		t.Errorf("a name that is none is spelled %q", s)
	}
}

func TestEqualFold(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"abc", "abc", true},
		{"aBC-1", "AbC-1", true},
		{"abc", "abcd", false},
		{"abc", "abd", false},
		{"@", "`", false}, // 0x20 apart, but no letters
		{"[", "{", false},
		{"\r", "-", false},
		{"K", "\u212a", false}, // the Kelvin sign folds in Unicode only
		{"\xe4", "\xc4", false},
	} {
		if got := EqualFold([]byte(c.a), c.b); got != c.want {
			t.Errorf("EqualFold(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestLookupMethod(t *testing.T) {
	for s, want := range map[string]Method{
		"GET": GET, "HEAD": HEAD, "POST": POST, "PUT": PUT, "DELETE": DELETE, "PATCH": PATCH,
		"OPTIONS": OPTIONS, "CONNECT": CONNECT, "TRACE": TRACE,
		"get": OtherMethod, "GE": OtherMethod, "GETS": OtherMethod, "": OtherMethod, "PROPFIND": OtherMethod,
	} {
		if got := LookupMethod([]byte(s)); got != want {
			t.Errorf("LookupMethod(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestIdempotent(t *testing.T) {
	for m, want := range map[Method]bool{
		GET: true, HEAD: true, PUT: true, DELETE: true, OPTIONS: true, TRACE: true,
		POST: false, PATCH: false, CONNECT: false, OtherMethod: false,
	} {
		if got := m.Idempotent(); got != want {
			t.Errorf("method %d: idempotent %v", m, got)
		}
	}
}

func BenchmarkLookupName(b *testing.B) {
	list := [][]byte{
		[]byte("Host"), []byte("User-Agent"), []byte("Accept"), []byte("Accept-Language"), []byte("Accept-Encoding"),
		[]byte("Connection"), []byte("Cookie"), []byte("Sec-Fetch-Dest"), []byte("x-forwarded-for"), []byte("Cache-Control"),
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range list {
			sinkName = LookupName(name)
		}
	}
}

var sinkName Name
