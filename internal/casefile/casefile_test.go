package casefile

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse("a.txt", []byte("# about\n\n== first\n> GET /\nfin\n== second case\n"))
	want := []Case{
		{"a.txt", 3, "first", []Line{{4, ">", "GET /"}, {5, "fin", ""}}},
		{"a.txt", 6, "second case", nil},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Parse("a.txt", []byte("> lost\n")); err == nil || err.Error() != "a.txt:1: text before the first case" {
		t.Errorf("%v", err)
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("an empty directory is no error")
	}
}

func TestUnescape(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`GET / HTTP/1.1\r\n`, "GET / HTTP/1.1\r\n"},
		{`a\tb\\n\x00\xfF`, "a\tb\\n\x00\xff"},
		{`{ab\r\n*2}!{x*0}`, "ab\r\nab\r\n!"},
		{`\x7b\x7d`, "{}"},
	} {
		if got, err := Unescape(c.text); err != nil || got != c.want {
			t.Errorf("%s is %q, %v", c.text, got, err)
		}
	}
	for _, text := range []string{`\`, `\q`, `\x1`, `\xzz`, `{me}`, `}`, `{x*}`} {
		if got, err := Unescape(text); err == nil {
			t.Errorf("%s is accepted as %q", text, got)
		}
	}
}
