package http11

import "testing"

var paths = []struct{ path, want string }{
	{"/", "/"},
	{"*", "*"},
	{"/a/b.c", "/a/b.c"},
	{"//a//b/", "//a//b/"},
	{"/.well-known/x", "/.well-known/x"},
	{"/...", "/..."},
	{"/a../b", "/a../b"},
	{"/..a/.b/", "/..a/.b/"},
	{"/;a=b/!$&'()*+,:@|\"\\", "/;a=b/!$&'()*+,:@|\"\\"},

	{"/.", "/"},
	{"/..", "/"},
	{"/./", "/"},
	{"/../", "/"},
	{"/a/.", "/a/"},
	{"/a/..", "/"},
	{"/a/./b", "/a/b"},
	{"/a/../b", "/b"},
	{"/a/b/..", "/a/"},
	{"/a/b/../", "/a/"},
	{"/a/b/../../..", "/"},
	{"/../../a", "/a"},
	{"/a/b/c/./../../g", "/a/g"}, // RFC 3986, section 5.2.4
	{"/a//../b", "/a/b"},
	{"//../a", "/a"},
	{"/./.a/../..b/.", "/..b/"},
	{"/.a/./b", "/.a/b"},

	{"/%61%7E%2D%5f", "/a~-_"},
	{"/%2e%2E/a", "/a"},                          // CVE-2025-47952
	{"/public/%2e%2e/admin", "/admin"},           // CVE-2025-47952
	{"/public/.%2e/admin", "/admin"},             //
	{"/a/%2e", "/a/"},                            //
	{"/a%2fb%5c%3b%3f%23", "/a%2Fb%5C%3B%3F%23"}, // CVE-2025-66490: not decoded
	{"/a/..%2fb", "/a/..%2Fb"},
	{"/%252e%252e/a", "/%252e%252e/a"}, // once, not twice
	{"/%25%32%65", "/%252e"},
	{"/%c3%a4%20", "/%C3%A4%20"},
	{"/%0d%0A", "/%0D%0A"},
	{"/%7f%ff", "/%7F%FF"},
}

var badPaths = []string{
	"/%", "/%a", "/%zz", "/%a/", "/a%2", "/%-1", "/%+1", "/% 1", "/%u0061", "/%%41", "/%2%65", "/%00", "/a%00b", "/%2e%2e/%00", "/%g0", "/%0g",
}

func TestNormalizePath(t *testing.T) {
	scratch := make([]byte, 0, 64)
	for _, c := range paths {
		path := []byte(c.path)
		got, err := NormalizePath(scratch, path)
		if err != nil || string(got) != c.want {
			t.Errorf("%q becomes %q, %v; want %q", c.path, got, err, c.want)
			continue
		}
		if string(path) != c.path {
			t.Errorf("%q was changed to %q", c.path, path)
		}
		if same := &got[0] == &path[0]; same != (c.path == c.want) {
			t.Errorf("%q: the path itself was returned: %v", c.path, same)
		}
		again, err := NormalizePath(nil, got)
		if err != nil || string(again) != c.want {
			t.Errorf("%q becomes %q, and that %q, %v", c.path, got, again, err)
		}
	}
	for _, path := range badPaths {
		if got, err := NormalizePath(scratch, []byte(path)); err != errPath {
			t.Errorf("%q becomes %q, %v; want %v", path, got, err, errPath)
		}
	}
}
