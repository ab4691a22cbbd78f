package pattern

import (
	"strings"
	"testing"
)

func text(t *testing.T, path string) []byte {
	t.Helper()
	b, err := AppendText(nil, []byte(path))
	if err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	return b
}

// matches asks as package route does.
func (p *Pattern) matches(text []byte) bool { return HasPrefixFold(text, p.Literal()) && p.Match(text) }

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		match   string // paths with spaces between them
		other   string
		literal string
		rest    rest
	}{
		{"/", "/ /a", "", "/", anything},
		{"/foo", "/foo /FOO /foobar /foo/bar", "/fo /a/foo", "/foo", anything},
		{"/Foo", "/foo /FOO", "/fo", "/foo", anything},
		{"/api(/|$)(.*)", "/api /api/ /API/v1", "/apis /ap", "/api", boundary},
		{"/api(?:/|$)", "/api /api/x", "/apis", "/api", boundary},
		{"/api/?(.*)", "/api /apis /api/x", "/ap", "/api", anything},
		{"/(.*)", "/ /x", "", "/", anything},
		{"/api/v[0-9]+/keys", "/api/v1/keys /API/V22/KEYS/x", "/api/v/keys", "/api/v", expression},
		{"/v1.0/", "/v1.0/ /v1x0/a", "/v10/", "/v1", expression},
		{`/v1\.0/`, "/v1.0/", "/v1x0/", "/v1.0/", anything},
		{`/v1\\.0/`, "/v1.0/", "/v1x0/", "/v1.0/", anything}, // nginx takes one backslash away
		{"/a$", "/a /A", "/a/ /ab", "/a", expression},
		{"/a|/b", "/a /ab /x/b", "/c", "", expression},
		{"/(a|b)/c", "/a/c /b/c", "/c/c", "/", expression},
		{"/(?<name>a+)/(?P<other>b)", "/aa/b", "/b", "/", expression},
		{"/(?-i)a", "/a", "/A", "/a", expression},
		{"/(?:a)?b", "/ab /b", "/a", "/", expression},
		{"/a{2}", "/aa", "/a", "/", expression},
		{"/a{b", "/a{b", "/ab", "/a{b", anything},
		{"/[]a]x", "/]x /ax", "/bx", "/", expression},
		{"/[^]a]x", "/bx", "/]x", "/", expression},
		{`/\x41\x{42}`, "/ab", "/xy", "/ab", anything},
		{"/é", "/%C3%A9", "/%C3%A8 /e", "/\ue0c3\ue0a9", anything},
		{"/..x", "/%C3%A9x", "/%C3x", "/", expression}, // one character for each byte
		{"/ſ", "/%C5%BF", "/s", "/\ue0c5\ue0bf", anything},
		{"/s", "/s /S", "/%C5%BF", "/s", anything},
		{"/a b", "/a%20b", "/a+b", "/a b", anything},
		{"/a%2Fb", "/a%2Fb", "/a/b", "/a%2fb", anything},
		{`/\d+\Z`, "/12", "/12a", "/", expression},
		{"/[[:alpha:]]+-[\\w-.]$", "/ab-.", "/1-.", "/", expression},
	} {
		p, err := Compile(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if p.Literal() != c.literal || p.rest != c.rest {
			t.Errorf("%s begins with %q and goes on as %d, want %q and %d", c.pattern, p.Literal(), p.rest, c.literal, c.rest)
		}
		for _, path := range strings.Fields(c.match) {
			if !p.matches(text(t, path)) {
				t.Errorf("%s does not match %s", c.pattern, path)
			}
		}
		for _, path := range strings.Fields(c.other) {
			if p.matches(text(t, path)) {
				t.Errorf("%s matches %s", c.pattern, path)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		pattern string
		err     string // a part of it
		denial  string
	}{
		{"api", "begins with /", "/"},
		{"/api/(?!internal)(.*)", "look-around", "/api/"},
		{"/api/(?=v1)", "look-around", "/api/"},
		{"/api/(?<=v1)", "look-around", "/api/"},
		{"/api/(?<!v1)", "look-around", "/api/"},
		{"/(?>a+)b", "atomic", "/"},
		{`/(a)\1`, "back-reference", "/"},
		{`/(?<n>a)\k<n>`, "back-reference", "/"},
		{"/(?P<n>a)(?P=n)", "back-reference", "/"},
		{"/a++b", "possessive", "/a"},
		{"/ab*+c", "possessive", "/a"},
		{"/ab{2}+c", "possessive", "/a"},
		{"/(a)(?1)", "recursion", "/"},
		{"/(a)?(?(1)b|c)", "recursion", "/"},
		{"/admin(*SKIP)", "verb", "/admin"},
		{"/admin(?|a|b)", "branch reset", "/admin"},
		{"/admin(?#x)", "comment", "/admin"},
		{"/admin(?x)y", "kind of group", "/admin"},
		{"/admin(?i)?", "kind of group", "/admin"},
		{`/a\Kb`, `\K`, "/a"},
		{`/a\Qb\E`, `\Q`, "/a"},
		{`/\p{L}`, `\p`, "/"},
		{`/a\R`, `\R`, "/a"},
		{"/a(", "missing closing )", "/a"},
		{"/a)", "unexpected )", "/a"},
		{"/[a", "missing closing ]", "/"},
		{"/a|/b(?=c)", "look-around", "/"},
		{"/(a|b)(?=c)", "look-around", "/"},
		{"/x(a|b)(?=c)", "look-around", "/x"},
		{`/v1\.0/(?=c)`, "look-around", `/v1\.0/`},
		{"/[a-z]{1000}[a-z]{900}", "too large", "/"},
		{"/a{1,2000}", "too large", "/"},
		{"/a\x01", "control", "/"},
		{`/a"b`, `\"`, "/"}, {"/(a|b", "missing closing )", "/"}, {"/a(b|c", "missing closing )", "/"}, {`/a\Q(\E|b`, `\Q`, "/"},
		{"/é(?=c)", "look-around", "/é"},
		{"/" + strings.Repeat("a", MaxLength), "bytes at most", "/"},
		{"/a{,2}", "two meanings", "/"},
		{`/a\\\\b/(?=c)`, "look-around", `/a\\\\b/`},
		{`/a\"b/(?=c)`, "look-around", `/a\"b/`},
	} {
		_, err := Compile(c.pattern)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.40q: %v, want %s", c.pattern, err, c.err)
		}
		if got := Denial(c.pattern); got != c.denial {
			t.Errorf("the denial of %.40q is %q, want %q", c.pattern, got, c.denial)
		}
		if p, err := Compile(Denial(c.pattern)); err != nil || p.rest != anything {
			t.Errorf("the denial of %.40q: %v", c.pattern, err)
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range [][2]string{
		{"/a/b", "/a/b"}, {"/a%20b", "/a b"}, {"/a%2Fb", "/a%2Fb"}, {"/%25", "/%"}, {"/%C3", "/\ue0c3"}, {"/%5C", `/\`},
	} {
		if got := string(text(t, c[0])); got != c[1] {
			t.Errorf("the text of %q is %q, want %q", c[0], got, c[1])
		}
	}
	for _, path := range []string{"/%0A", "/%00", "/%7F", "/a%1Fb"} {
		if _, err := AppendText(nil, []byte(path)); err != ErrControl {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	path, dst := []byte("/api/v1%20%C3%A9/keys"), make([]byte, 0, 256)
	for _, pattern := range []string{"/api(/|$)(.*)", "/api/v[0-9]+.*/keys", "/(api|web)/v([0-9]+)(.*)$"} {
		p, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			text, _ := AppendText(dst[:0], path)
			if !p.matches(text) {
				t.Fatal(pattern)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", pattern, n)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		groups        string // separated by commas, - for none
		steps         bool
	}{
		{"/api(/|$)(.*)", "/API", ",", true},
		{"/api(/|$)(.*)", "/api/x/y", "/,x/y", true},
		{"/api/?(.*)", "/api/x", "x", true},
		{"/api/?(.*)", "/apix", "x", true},
		{"/(.*)", "/x", "x", true},
		{"/(api)(/(.*))?", "/Api", "Api,-,-", true},
		{"/(api)(/(.*))?", "/api/x", "api,/x,x", true},
		{"/(api)(?:/(.*))?(.*)", "/apis", "api,-,s", true},
		{"/api(/|$)(.*)", "/x/api/y", "/,y", true}, // not only at the beginning
		{"/v([0-9]+)/(.*)", "/v12/x", "12,x", false},
		{"/(a|b)(.*)", "/bc", "b,c", false},
		{"/a(b(c)?)?(.*)", "/abcd", "bc,c,d", false},
		{"/a(.*?)(.*)", "/ab", ",b", false},
	} {
		g, err := CompileGroups(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		var places [MaxPlaces]int
		text := text(t, c.path)
		found := g.Find(&places, text)
		var groups []string
		for n := 1; n <= g.re.NumSubexp(); n++ {
			group := Group(text, found, n)
			if group == nil {
				groups = append(groups, "-")
			} else {
				groups = append(groups, string(group))
			}
		}
		if got := strings.Join(groups, ","); got != c.groups || (g.steps != nil) != c.steps {
			t.Errorf("%s: the groups in %s are %q, want %q; steps %v", c.pattern, c.path, got, c.groups, g.steps)
		}
		if n := testing.AllocsPerRun(100, func() { g.Find(&places, text) }); c.steps && !strings.Contains(c.path, "/x/api") && n != 0 {
			t.Errorf("%s: %v allocations", c.pattern, n)
		}
		if found := g.Find(&places, []byte("/nothing/here")); c.pattern != "/(.*)" && found != nil {
			t.Errorf("%s is found", c.pattern)
		}
	}
}
