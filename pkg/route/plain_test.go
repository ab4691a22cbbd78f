package route

import "testing"

func TestAppendPlain(t *testing.T) {
	for path, want := range map[string]string{
		"/": "", "/a/b": "", "*": "", "/a%3b": "",
		"/a;b": "/a", "/;/a": "//a", "/a;b=c;d/e;/f": "/a/e/f", "/a%3Bb/c": "/a/c", "/a/;": "/a/", "/a/..;x/b": "/b", "/a;%2F/b": "/a/b",
	} {
		plain, had := AppendPlain(nil, []byte(path))
		if string(plain) != want || had != (want != "") {
			t.Errorf("%s: %q, %v", path, plain, had)
		}
	}
}
