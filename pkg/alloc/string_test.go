package alloc

import "testing"

func TestViews(t *testing.T) {
	for _, s := range []string{"", "a", "a longer one"} {
		b := []byte(s)
		if String(b) != s || string(Bytes(s)) != s {
			t.Errorf("%q: %q, %q", s, String(b), Bytes(s))
		}
	}
	b := []byte("abc")
	view := String(b)
	if b[0] = 'x'; view != "xbc" {
		t.Errorf("%q is a copy", view)
	}
	if String(nil) != "" || len(Bytes("")) != 0 {
		t.Error("views of nothing")
	}
}
