package annotation

import (
	"errors"
	"strings"
	"testing"
)

// FuzzFieldLines lets the author of a ConfigMap write anything: what comes out are
// lines that can be sent, within bounds.
func FuzzFieldLines(f *testing.F) {
	for _, seed := range [][2]string{
		{"X-Frame-Options", "DENY\n"}, {"X-A", "a\r\nX-B: b"}, {"Content-Length", "5"}, {"x a", ""}, {"", "x"},
		{"Host", "$host"}, {"Host", "a b"}, {"X-A", "\x00"}, {"X-é", "é"}, {"X-A", strings.Repeat("x", longestValue+1)},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, to := range []Direction{ToEndpoint, ToClient} {
			lines, wrong := NewReader("", nil).FieldLines(map[string]string{name: value, strings.ToUpper(name): value, "X-Last": "z"}, to)
			if len(lines) > 2*mostBytes {
				t.Fatalf("%d bytes", len(lines))
			}
			for line := range strings.SplitSeq(lines, "\n") {
				field, text, ok := strings.Cut(line, ": ")
				if !ok || !consistsOf(field, fieldNameBytes) || field == "" || !isFieldValue(text) || text != strings.TrimSpace(text) {
					t.Errorf("%q is no field", line)
				}
				if strings.EqualFold(field, "Content-Length") || strings.EqualFold(field, "Transfer-Encoding") {
					t.Errorf("%q frames a message", line)
				}
			}
			for _, err := range wrong {
				if len(err.Error()) > 500 {
					t.Errorf("a message of %d bytes", len(err.Error()))
				}
			}
		}
	})
}

// What endpoints get as Host is a host, as with upstream-vhost.
func TestHostOfFieldLines(t *testing.T) {
	for value, want := range map[string]bool{
		"a.example": true, "a.example:80": true, "[::1]:80": true, "$host": true, "up.${host}": true, "": true,
		"a b": false, "a/b": false, "a@b": false, "a{b}": false, "a,b": false, strings.Repeat("a", longestExpression+1): false,
	} {
		_, wrong := NewReader("", nil).FieldLines(map[string]string{"host": value}, ToEndpoint)
		if (len(wrong) == 0) != want {
			t.Errorf("%.40q: %v", value, wrong)
		}
		if _, wrong := NewReader("", nil).FieldLines(map[string]string{"host": value}, ToClient); len(wrong) > 0 {
			t.Errorf("%.40q for clients: %v", value, wrong)
		}
	}
}

func TestFieldLinesAreBounded(t *testing.T) {
	data := make(map[string]string)
	for i := range 2 * mostLines {
		data["X-"+strings.Repeat("a", i)] = "b"
	}
	lines, wrong := NewReader("", nil).FieldLines(data, ToClient)
	if n := strings.Count(lines, "\n") + 1; n != mostLines || len(wrong) != 1 {
		t.Errorf("%d lines and %v", n, wrong)
	}
	lines, wrong = NewReader("", nil).FieldLines(map[string]string{
		"A": strings.Repeat("x", longestValue), "B": strings.Repeat("x", longestValue), "C": strings.Repeat("x", longestValue),
		"D": strings.Repeat("x", longestValue), "E": "x",
	}, ToClient)
	if len(lines) > mostBytes || len(wrong) != 1 {
		t.Errorf("%d bytes and %v", len(lines), wrong)
	}
}

// FuzzOrigins: an origin that is allowed has the form of one, and nobody is allowed by
// mistake.
func FuzzOrigins(f *testing.F) {
	for _, seed := range []string{
		"*", "null", "https://shop.example", "https://*.shop.example:8443, http://a", "https://a.*.b", "a,*", "", ",", "https://*", "HTTPS://A",
		"https://a:123456", "chrome-extension://abc", "https://a/b", "https://a@b", "*.a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseOrigins(text, nginx)
		if some := (partial{}); err != nil && !errors.As(err, &some) {
			t.Fatalf("%q: %v leaves the default, which is all", text, err)
		}
		if list == "*" {
			if !strings.Contains(text, "*") {
				t.Errorf("%q allows all", text)
			}
			return
		}
		for origin := range strings.SplitSeq(list, ",") {
			if list != "" && (!isOrigin(origin) || origin != strings.ToLower(origin) || !isGraphic(origin)) {
				t.Errorf("%q allows %q", text, origin)
			}
		}
	})
}
