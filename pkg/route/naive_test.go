package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// naive is the specification's text as code: it looks at every rule.
func naive(rules []Rule[string], path string) (value string, ok bool) {
	elements := split(path)
	best := -1
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
			value, ok, best = r.Value, true, len(prefix)
		}
	}
	return value, ok
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
	got, ok := p.Lookup([]byte(path))
	if want, wantOK := naive(rules, path); got != want || ok != wantOK {
		t.Fatalf("%q: path %q goes to %q, %v; want %q, %v", rules, path, got, ok, want, wantOK)
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
			case line == "fallback":
				r.Match = Fallback
			}
			if r.Match == Fallback || strings.HasPrefix(r.Path, "/") {
				all = append(all, r)
			}
		}
		compare(t, all, path)
	})
}
