package pattern

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
)

// FuzzCompile lets an Ingress author write anything. What is accepted matches as the
// expression does that package regexp makes of it, whatever shortcut was found; what is
// refused has a denial that is accepted.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"/", "/api(/|$)(.*)", "/api/?(.*)", "/v[0-9]+/x", `/v1\.0`, "/a|/b", "/(?i)a", "/[^]a]", "/é", `/\x41`, "/(?-i)K",
		"/a++", "/(?=a)", `/(a)\1`, "/x{2,3}?", "/((((a)?)*)+)?", "/a(/|$)/b", "/api(/(.*))?", "/a?b?(.*)", "/(api)/?(v1)?(.*)(.*)",
	} {
		f.Add(seed, "api/v1.0")
		f.Add(seed, "aB%C3%A9%2F")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		text, err := AppendText(nil, []byte("/"+path))
		p, refused := Compile(pattern)
		if refused != nil {
			denial, err := Compile(Denial(pattern))
			if err != nil || denial.rest != anything {
				t.Fatalf("%q is refused (%v), and its denial %q too: %v", pattern, refused, Denial(pattern), err)
			}
			return
		}
		translated, _ := translate(pattern)
		re := regexp.MustCompile("(?i)^" + translated)
		if err == nil && p.matches(text) != re.Match(text) {
			t.Errorf("%q (%q, %d) and %q: %v, want %v", pattern, p.literal, p.rest, text, p.matches(text), re.Match(text))
		}
		if denial, err2 := Compile(Denial(pattern)); err == nil && err2 == nil && p.matches(text) && !denial.matches(text) {
			t.Errorf("%q matches %q, and its denial %q does not", pattern, text, Denial(pattern))
		}
		g, err2 := CompileGroups(pattern)
		if err2 != nil {
			t.Fatalf("%q: %v", pattern, err2)
		}
		if err == nil {
			var places [MaxPlaces]int
			want := regexp.MustCompile("(?i)" + translated).FindSubmatchIndex(text)
			if got := g.Find(&places, text); !slices.Equal(got, want) {
				t.Errorf("%q has groups in %q at %v, want %v", pattern, text, got, want)
			}
		}
	})
}

// FuzzText checks that a path comes back from its text.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"/", "/a b", "/é", "/%", "/\xff", "/a\\b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, decoded []byte) {
		path := AppendPath(nil, decoded)
		text, err := AppendText(nil, path)
		if err != nil {
			return
		}
		again := AppendPath(nil, text)
		if !bytes.Equal(path, again) && !bytes.Contains(path, []byte("%25")) {
			t.Errorf("%q is %q as a path, that is %q, and that %q", decoded, path, text, again)
		}
	})
}
