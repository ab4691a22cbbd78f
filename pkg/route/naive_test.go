package route

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/pattern"
)

// naive is the specification's text as code: it looks at every rule. Patterns are as
// package regexp has them.
func naive(rules []Rule[string], path string) (value string, ok bool) {
	elements := split(path)
	best, length := -1, 0
	for _, r := range rules {
		if r.Match == Exact && r.Path == path {
			return r.Value, true
		}
		if r.Match == Fallback && best < 0 {
			value, ok = r.Value, true
		}
		if r.Match != Prefix {
			continue
		}
		prefix := split(strings.TrimSuffix(r.Path, "/"))
		if len(prefix) > best && len(prefix) <= len(elements) && slices.Equal(prefix, elements[:len(prefix)]) {
			value, ok, best, length = r.Value, true, len(prefix), len(strings.TrimSuffix(r.Path, "/"))
		}
	}
	for _, r := range rules {
		if r.Match != Pattern || !regexp.MustCompile("(?i)^"+r.Path).MatchString(decoded(path)) {
			continue
		}
		if compiled, _ := pattern.Compile(r.Path); len(compiled.Literal()) >= length {
			return r.Value, true
		}
	}
	return value, ok
}

// decoded is the text of an ASCII path.
func decoded(path string) string {
	text, _ := url.PathUnescape(strings.ReplaceAll(path, "%2F", "%252F"))
	return text
}

// readings are the ways to read a path.
func readings(path string) (list []string) {
	several := strings.ContainsAny(path, `\`) || strings.Contains(path, "%2F") || strings.Contains(path, "%5C") ||
		regexp.MustCompile(`/\.\.?(;|%3B)`).MatchString(path)
	list = append(list, merge(path))
	if several {
		slashed := strings.ReplaceAll(path, "%2F", "/")
		list = append(list, undotted(merge(slashed)), undotted(merge(strings.NewReplacer("%2F", "/", `\`, "/", "%5C", "/").Replace(path))))
	}
	return list
}

func merge(path string) string { return regexp.MustCompile("/+").ReplaceAllString(path, "/") }

// undotted is a path without dot segments.
func undotted(path string) string {
	var out []string
	segments := strings.Split(path, "/")[1:]
	for i, s := range segments {
		name, _, _ := strings.Cut(strings.ReplaceAll(s, "%3B", ";"), ";")
		switch {
		case name != "." && name != "..":
			out = append(out, s)
			continue
		case name == ".." && len(out) > 0:
			out = out[:len(out)-1]
		}
		if i == len(segments)-1 {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}

// split returns the elements of a path that begins with "/"; any other path
// has none.
func split(path string) []string {
	if path == "" || path[0] != '/' {
		return nil
	}
	return strings.Split(path[1:], "/")
}

// compare makes paths of the rules, without those that repeat one, and looks a
// path up in both ways.
func compare(t *testing.T, all []Rule[string], path string) {
	t.Helper()
	seen := map[string]bool{}
	var rules []Rule[string]
	for _, r := range all {
		key := r.Match.String()
		switch r.Match {
		case Exact:
			key += r.Path
		case Prefix:
			key += strings.TrimSuffix(r.Path, "/")
		}
		if !seen[key] {
			seen[key] = true
			rules = append(rules, r)
		}
	}
	p, err := NewPaths(rules)
	if err != nil {
		t.Fatalf("%q: %v", rules, err)
	}
	got, forward, ok, err := p.Find([]byte(path), new(Scratch))
	want, wantOK := naive(rules, path)
	wantForward := path
	if strings.HasPrefix(path, "/") {
		list := readings(path)
		if len(list) == 1 {
			other, otherOK := naive(rules, list[0])
			if other != want || otherOK != wantOK {
				want, wantOK, wantForward = other, otherOK, list[0]
			}
		}
		for _, reading := range list {
			other, otherOK := naive(rules, reading)
			if other == want && otherOK == wantOK {
				continue
			}
			if err != ErrAmbiguous {
				t.Fatalf("%q: path %q goes to %q, and as %q to %q, but: %v", rules, path, want, reading, other, err)
			}
			return
		}
	}
	if got != want || ok != wantOK || string(forward) != wantForward || err != nil {
		t.Fatalf("%q: path %q goes to %q, %v as %q (%v); want %q, %v as %q", rules, path, got, ok, forward, err, want, wantOK, wantForward)
	}
}

func TestPathsAgainstNaive(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	elements := []string{"", "a", "b", "ab", "aa", "c", "d", "e", "f", "g", "-"}
	path := func() string {
		var b strings.Builder
		for range 1 + random.IntN(5) {
			b.WriteString("/" + elements[random.IntN(len(elements))])
		}
		return b.String()
	}
	for range 20000 {
		var rules []Rule[string]
		for i := range random.IntN(20) {
			rules = append(rules, Rule[string]{Match(random.IntN(3)), path(), fmt.Sprint(i)})
		}
		compare(t, rules, path())
	}
}

// TestReadingsAgainstNaive is TestPathsAgainstNaive with patterns, and with paths that
// may be read in several ways.
func TestReadingsAgainstNaive(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	of := func(first string, parts ...string) string {
		b := first
		for range random.IntN(6) {
			b += parts[random.IntN(len(parts))]
		}
		return b
	}
	for range 10000 {
		var rules []Rule[string]
		for i := range random.IntN(8) {
			r := Rule[string]{Match(random.IntN(4)), of("/", "a", "b", "a/", "b/", "B"), fmt.Sprint(i)}
			if r.Match == Pattern {
				r.Path = of("/", "a", "b", "/", "(/|$)", "(.*)", "[ab]", "b?", "a+", "A", "$", "(?-i)A", "|/b")
				if _, err := pattern.Compile(r.Path); err != nil {
					continue
				}
			}
			rules = append(rules, r)
		}
		path := of("/", "a", "b", "/", "A", "%2F", "%5C", `\`, "%20", "..;x", "/.;", "..%3B", "%2F..", "c")
		if normal, err := http11.NormalizePath(make([]byte, 0, len(path)), []byte(path)); err == nil {
			compare(t, rules, string(normal))
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, c := range pathCases {
		f.Add(strings.ReplaceAll(c.rules, ", ", "\n"), c.path)
	}
	f.Fuzz(func(t *testing.T, lines, path string) {
		var all []Rule[string]
		for i, line := range strings.Split(lines, "\n") {
			r := Rule[string]{Prefix, line, fmt.Sprint(i)}
			switch {
			case strings.HasPrefix(line, "exact "):
				r.Match, r.Path = Exact, line[len("exact "):]
			case strings.HasPrefix(line, "prefix "):
				r.Path = line[len("prefix "):]
			case strings.HasPrefix(line, "pattern "):
				r.Match, r.Path = Pattern, line[len("pattern "):]
				if _, err := pattern.Compile(r.Path); err != nil || !isASCII(r.Path) {
					continue
				}
			case line == "fallback":
				r.Match = Fallback
			}
			if r.Match == Fallback || strings.HasPrefix(r.Path, "/") {
				all = append(all, r)
			}
		}
		normal, err := http11.NormalizePath(make([]byte, 0, len(path)), []byte(path))
		if err == nil && isASCII(path) && !strings.Contains(strings.ReplaceAll(path, "\\", ""), "%") {
			compare(t, all, string(normal))
		}
	})
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}
