package filter

import (
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// rewriting makes the filter of a pattern and a target.
func rewriting(t *testing.T, pattern, target string) Request {
	t.Helper()
	f, _, err := newRewrite(&Settings{
		Filters: model.Filters{Rewrite: model.Rewrite{Target: target}}, Path: pattern, Pattern: true, Shared: new(Shared),
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ pattern, target, path, want string }{
		{"/api(/|$)(.*)", "/$2", "/api/x", "/x"},
		{"/api(/|$)(.*)", "/$2", "/API", "/"},
		{"/api(/|$)(.*)", "/$2", "/api/a%2Fb%25%C3%A9", "/a/b%25%C3%A9"},
		{"/api(/|$)(.*)", "/$2", "/api//a//b", "/a/b"},
		{"/a(.*)", "/x/$1", "/a..", "400"},
		{"/a(.*)", "/x/$1", "/a../y", "400"},
		{"/a(.*)", "/x/.$1", "/a.%3B/y", "400"},
		{"/a(.*)", "/x/.$1", "/a.%5Cy", "400"},
		{"/a(.*)", "/x/.$1", "/a..", "/x/..."},
		{"/a(.*)", "$1", "/ab", "/b"},
		{"/a(.*)", "$1", "/a/b", "/b"},
		{"/a(.*)", "$1", "/a", "/"},
		{"/a([0-9])?([a-z]+)?", "/$1$2$3$4", "/a1", "/1"},
		{"/a(.*)", "/$10", "/ab", "/b0"},
		{"/a(.*)", "/$request_uri", "/a", "/"},
		{"/(?-i)a(.*)", "/$1", "/A", ""}, // not rewritten
		{"/a|/b", "/c", "/x/b", "/c"},
	} {
		ex := &message.Exchange{Mem: alloc.Take(alloc.Standard)}
		s := State{Path: []byte(c.path)}
		got := "400"
		if rewriting(t, c.pattern, c.target).Request(ex, &s) {
			got = string(s.Target.Path)
		}
		if got != c.want {
			t.Errorf("%s to %s: %s becomes %q, want %q", c.pattern, c.target, c.path, got, c.want)
		}
		ex.Mem.Release()
	}
}

func TestRewriteAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	for mode := range alloc.Mode(alloc.Modes) {
		f := rewriting(t, "/api(/|$)(.*)", "/app/$2")
		path := []byte("/api/caf%C3%A9/x%2Fy")
		ex, s := &message.Exchange{}, new(State)
		if n := testing.AllocsPerRun(100, func() {
			ex.Mem = alloc.Take(mode)
			*s = State{Path: path}
			if !f.Request(ex, s) || s.Target.Path == nil {
				t.Fatal("not rewritten")
			}
			ex.Mem.Release()
		}); n != 0 {
			t.Errorf("%v: %v allocations", mode, n)
		}
	}
}

func TestDotted(t *testing.T) {
	for path, want := range map[string]bool{
		"/": false, "/a": false, "/.": true, "/..": true, "/../a": true, "/a/./b": true, "/...": false, "/a..": false, "/..a": false,
		"/%2e": true, "/%2E.": true, "/a%2F..": true, "/a%5c..": true, `/a\..`: true, "/..;x": true, "/..%3bx": true, "/;..": false, "/a;../b": false,
	} {
		if got := dotted([]byte(path)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestUpstreamHost(t *testing.T) {
	for host, want := range map[string]bool{
		"a.example": true, "a.example:80": true, "[::1]:80": true, "a_b": true, "": false, "a b": false, "a/b": false, "a\r\nb": false, "a@b": false, "a%2e": false,
	} {
		if got := isHost([]byte(host)); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
