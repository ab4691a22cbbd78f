package route

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// wide is a table of 10,000 hosts and one host with 10,000 paths.
func wide(t testing.TB) *Table[string] {
	t.Helper()
	var hosts []Host[string]
	add := func(name string, rules []Rule[string]) {
		p, err := NewPaths(rules)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, Host[string]{name, p})
	}
	for i := range 10000 {
		add(fmt.Sprintf("host-%d.example.com", i), rules("prefix /", "prefix /api", "exact /health"))
	}
	var many []Rule[string]
	for i := range 10000 {
		many = append(many, Rule[string]{Prefix, fmt.Sprintf("/team-%d/service-%d/v%d", i%100, i, i%3), "many"})
	}
	add("paths.example.com", many)
	add("deep.example.com", []Rule[string]{{Prefix, strings.Repeat("/a", 1000), "deep"}})
	add("*.wild.example.com", rules("prefix /"))
	var expressions []Rule[string]
	for i := range 5000 {
		expressions = append(expressions, Rule[string]{Pattern, fmt.Sprintf("/team-%d/v[0-9]+/(.*)x", i), "expression"},
			Rule[string]{Pattern, fmt.Sprintf("/area-%d(/|$)(.*)", i), "shape"})
	}
	add("patterns.example.com", append(expressions, rules("fallback")...))
	tab, err := New(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

var lookups = []struct{ name, host, path string }{
	{"host", "host-7777.example.com", "/api/v1/users"},
	{"paths", "paths.example.com", "/team-77/service-7777/v1/users"},
	{"wildcard", "a.wild.example.com", "/"},
	{"no host", "nowhere.example.com", "/"},
	{"no path", "paths.example.com", "/team-77/service-7778/v0"},
	{"slashes", "paths.example.com", strings.Repeat("/", 8000)},
	{"deep", "deep.example.com", strings.Repeat("/a", 4000)},
	{"pattern", "patterns.example.com", "/team-777/v2/users/x"},
	{"escapes", "patterns.example.com", "/team-777/v2/%C3%A9%20/x"},
	{"shape", "patterns.example.com", "/area-777/v2/users"},
	{"no pattern", "patterns.example.com", "/region-777/v2/users"},
	{"readings", "patterns.example.com", "/area-777/a%2Fb%5Cc//d"},
}

func TestLookupAllocatesNothing(t *testing.T) {
	tab := wide(t)
	for _, l := range lookups {
		host, path := []byte(l.host), []byte(l.path)
		var scratch Scratch
		if n := testing.AllocsPerRun(100, func() { _, _, _, _ = tab.Find(host, path, &scratch) }); n != 0 {
			t.Errorf("%s: %v allocations", l.name, n)
		}
	}
}

// TestLookupDoesNotKeep checks that a value does not depend on the bytes of a
// lookup that have changed since.
func TestLookupDoesNotKeep(t *testing.T) {
	tab := table(t, "foo.com")
	host, path := []byte("foo.com"), []byte("/a/b")
	before, _, _, _ := tab.Find(host, path, new(Scratch))
	copy(host, bytes.Repeat([]byte("x"), len(host)))
	copy(path, bytes.Repeat([]byte("x"), len(path)))
	after, _, ok, _ := tab.Find([]byte("foo.com"), []byte("/a/b"), new(Scratch))
	if !ok || before != after {
		t.Errorf("got %q, then %q", before, after)
	}
}

func BenchmarkLookup(b *testing.B) {
	tab := wide(b)
	for _, l := range lookups {
		host, path := []byte(l.host), []byte(l.path)
		var scratch Scratch
		b.Run(l.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _, _ = tab.Find(host, path, &scratch)
			}
		})
	}
}

// BenchmarkNew is the part of a change that grows with the number of hosts.
func BenchmarkNew(b *testing.B) {
	var hosts []Host[string]
	p := paths(b, "prefix /")
	for i := range 10000 {
		hosts = append(hosts, Host[string]{fmt.Sprintf("host-%d.example.com", i), p})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(hosts); err != nil {
			b.Fatal(err)
		}
	}
}
