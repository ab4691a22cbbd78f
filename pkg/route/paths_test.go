package route

import (
	"strings"
	"testing"
)

// paths makes the rules of a host from lines such as "exact /a", whose value
// is the line itself.
func paths(t testing.TB, lines ...string) *Paths[string] {
	t.Helper()
	p, err := NewPaths(rules(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func rules(lines ...string) []Rule[string] {
	var rules []Rule[string]
	for _, line := range lines {
		kind, path, _ := strings.Cut(line, " ")
		rules = append(rules, Rule[string]{matchOf(kind), path, line})
	}
	return rules
}

func matchOf(kind string) Match {
	for _, m := range []Match{Prefix, Exact, Fallback, Pattern} {
		if m.String() == kind {
			return m
		}
	}
	panic("no match is called " + kind)
}

// The cases up to the empty line are the table of the Ingress documentation,
// section "Examples".
var pathCases = []struct{ rules, path, want string }{
	{"prefix /", "/anything", "prefix /"},
	{"exact /foo", "/foo", "exact /foo"},
	{"exact /foo", "/bar", ""},
	{"exact /foo", "/foo/", ""},
	{"exact /foo/", "/foo", ""},
	{"prefix /foo", "/foo", "prefix /foo"},
	{"prefix /foo", "/foo/", "prefix /foo"},
	{"prefix /foo/", "/foo", "prefix /foo/"},
	{"prefix /foo/", "/foo/", "prefix /foo/"},
	{"prefix /aaa/bb", "/aaa/bbb", ""},
	{"prefix /aaa/bbb", "/aaa/bbb", "prefix /aaa/bbb"},
	{"prefix /aaa/bbb/", "/aaa/bbb", "prefix /aaa/bbb/"},
	{"prefix /aaa/bbb", "/aaa/bbb/", "prefix /aaa/bbb"},
	{"prefix /aaa/bbb", "/aaa/bbb/ccc", "prefix /aaa/bbb"},
	{"prefix /aaa/bbb", "/aaa/bbbxyz", ""},
	{"prefix /, prefix /aaa", "/aaa/ccc", "prefix /aaa"},
	{"prefix /, prefix /aaa", "/ccc", "prefix /"},
	{"prefix /aaa", "/ccc", ""},
	{"prefix /foo, exact /foo", "/foo", "exact /foo"},

	{"exact /foo/, prefix /foo", "/foo/", "exact /foo/"},
	{"exact /foo/, prefix /foo", "/foo", "prefix /foo"},
	{"exact /, prefix /a", "/", "exact /"},
	{"exact /, prefix /a", "/b", ""},
	{"exact /, prefix /", "/b", "prefix /"},
	{"prefix /Foo", "/foo", ""},
	{"exact /foo", "/FOO", ""},
	{"prefix /a/b/c, prefix /a", "/a/b", "prefix /a"},
	{"prefix /a/b/c, prefix /a", "/a/b/c/d", "prefix /a/b/c"},
	{"prefix /a/b/c, prefix /a/b/d, prefix /a/e", "/a/b", ""},
	{"prefix /a/b/c, prefix /a/b/d, prefix /a/e", "/a/b/d", "prefix /a/b/d"},
	{"prefix /a/b/c, prefix /a/b/d, prefix /a/e", "/a/e/d", "prefix /a/e"},
	{"prefix /a/bc, prefix /a/bd", "/a/b", ""},
	{"prefix /ab, prefix /a", "/ab", "prefix /ab"},
	{"prefix /ab, prefix /a", "/abc", ""},
	{"exact /a/b/c", "/a/b/c/d", ""},
	{"exact /a/b/c", "/a/b", ""},
	{"exact /a/b/c, exact /a/b", "/a/b", "exact /a/b"},
	{"prefix /a", "/a//b", "prefix /a"},
	{"exact /a/b", "/a//b", "exact /a/b"},
	{"fallback, exact /a", "/b", "fallback"},
	{"fallback, exact /a", "/a", "exact /a"},
	{"fallback, prefix /", "/b", "prefix /"},
	{"", "/", ""},
	{"prefix /", "*", "prefix /"},
	{"fallback, prefix /a", "*", "fallback"},
	{"exact /a", "*", ""},
	{"prefix /", "", "prefix /"},
	{"prefix /1, prefix /2, prefix /3, prefix /4, prefix /5, prefix /6, prefix /7, prefix /8", "/7/a", "prefix /7"},
	{"prefix /1, prefix /2, prefix /3, prefix /4, prefix /5, prefix /6, prefix /7, prefix /8", "/77", ""},
	{"prefix /1/a, prefix /2, prefix /3, prefix /4, prefix /5, prefix /6, prefix /7, prefix /8", "/1/b", ""},
}

func TestPaths(t *testing.T) {
	for _, c := range pathCases {
		lines := strings.FieldsFunc(c.rules, func(r rune) bool { return r == ',' })
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		got, _, ok, _ := paths(t, lines...).Find([]byte(c.path), new(Scratch))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: path %s goes to %q, %v; want %q", c.rules, c.path, got, ok, c.want)
		}
	}
}

func TestPathsRefuses(t *testing.T) {
	for _, c := range []struct {
		lines []string
		err   string
	}{
		{[]string{"prefix a"}, `path "a" does not begin with a slash`},
		{[]string{"exact"}, `path "" does not begin with a slash`},
		{[]string{"prefix /a", "prefix /a"}, `prefix path "/a" occurs twice`},
		{[]string{"prefix /a", "prefix /a/"}, `prefix path "/a/" occurs twice`},
		{[]string{"exact /a", "exact /a"}, `exact path "/a" occurs twice`},
		{[]string{"fallback", "fallback"}, `fallback path "" occurs twice`},
	} {
		_, err := NewPaths(rules(c.lines...))
		if err == nil || err.Error() != c.err {
			t.Errorf("%q: error %v, want %s", c.lines, err, c.err)
		}
	}
}

// TestPathsNodes checks that deep rules cost no more nodes than shallow ones,
// so that the author of a rule cannot buy memory with slashes.
func TestPathsNodes(t *testing.T) {
	deep := strings.Repeat("/a", 1000)
	var lines []string
	for i := 0; i < len(deep); i += 20 {
		lines = append(lines, "prefix "+deep[:i]+"/b/c/d/e")
	}
	p := paths(t, lines...)
	if n, most := nodes(&p.root), 2*len(lines)+1; n > most {
		t.Errorf("%d rules make %d nodes, want at most %d", len(lines), n, most)
	}
}

func nodes[V any](n *node[V]) int {
	sum := 1
	for _, c := range n.few {
		sum += nodes(c)
	}
	for _, c := range n.many {
		sum += nodes(c)
	}
	return sum
}
