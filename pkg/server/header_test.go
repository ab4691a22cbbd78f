package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

func lines(h *Header) (all []string) {
	h.VisitAll(func(name, value string) { all = append(all, strings.Clone(name)+"="+strings.Clone(value)) })
	return all
}

func TestHeader(t *testing.T) {
	var h Header // the zero value can be used
	if h.Get("A") != "" || h.Has("A") || h.Len() != 0 || h.Clone().Len() != 0 {
		t.Error("an empty header has something")
	}
	h.Del("A")
	for _, f := range []string{"b=1", "Set-Cookie=x", "A=", "B=2", "set-cookie=y", "content-type=text/plain"} {
		name, value, _ := strings.Cut(f, "=")
		h.Add(name, value)
	}
	if got := strings.Join(lines(&h), " "); got != "b=1 Set-Cookie=x A= B=2 set-cookie=y content-type=text/plain" {
		t.Errorf("in order: %s", got)
	}
	for name, want := range map[string][]string{
		"B": {"1", "2"}, "b": {"1", "2"}, "SET-COOKIE": {"x", "y"}, "a": {""}, "Content-Type": {"text/plain"}, "C": nil, "": nil,
	} {
		if got := slices.Collect(h.Values(name)); !slices.Equal(got, want) {
			t.Errorf("values of %q: %q", name, got)
		}
		if h.Has(name) != (want != nil) {
			t.Errorf("Has(%q) is wrong", name)
		}
		if want != nil && h.Get(name) != want[0] {
			t.Errorf("Get(%q) = %q", name, h.Get(name))
		}
	}
	for range h.Values("b") {
		break
	}

	kept := h.Clone()
	h.Set("B", h.Get("b")+"!")
	h.Set("Content-Type", h.Get("Content-Type")) // of itself
	h.Del("set-Cookie")
	if got := strings.Join(lines(&h), " "); got != "A= B=1! Content-Type=text/plain" || h.Len() != 3 {
		t.Errorf("after changes: %s", got)
	}
	if kept.Len() != 6 || kept.Get("B") != "1" {
		t.Errorf("the clone changed too: %q", lines(kept))
	}
	h.VisitAll(func(name, _ string) { h.Del(name) })
	if h.Len() != 0 {
		t.Errorf("after all were deleted: %q", lines(&h))
	}
}

func TestInvalidFieldsAreNotAdded(t *testing.T) {
	for _, name := range []string{"", " ", "A ", " A", "A:", "A\r\nB", "A\x00", "Ä", "a/b", "\x7f"} {
		var h Header
		h.Set(name, "1")
		h.Add("Fine", "1")
		if got := lines(&h); len(got) != 1 || h.wrong == "" {
			t.Errorf("%q: %q, %q", name, got, h.wrong)
		}
	}
	for value, want := range map[string]string{
		"":                 "",
		"a b\tc":           "a b\tc",
		"\xe4\xff":         "\xe4\xff",
		" a ":              "a",
		"\t":               "",
		"a\rb\nc\x00d":     "a b c d",
		"\r\n\r\nHTTP/1.1": "HTTP/1.1",
		"a\x01\x1f\x7fb":   "a   b",
	} {
		var h Header
		h.Set("A", value)
		if got := h.Get("A"); got != want || h.wrong != "" {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}

func TestFieldsAreBounded(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		n := maxAdded
		if r.Path() == "/ok" {
			n = 100 << 10
		}
		for i := 0; i < n; i += 1 << 10 {
			w.Header().Add("A", text512+text512)
		}
		greet(w, r)
	})
	exchangeOnce(t, s.addr, get, failed)
	c := rawconn.Dial(t, s.addr)
	for range 2 {
		c.Send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := c.Until("hello"); strings.Count(got, "\r\nA: ") != 100 {
			t.Errorf("%.100q", got)
		}
	}
}

// A handler sees the fields as they were sent, and middlewares may change them.
func TestRequestHeader(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		clones := make(chan *Header, 1)
		cfg.Handler = Chain(HandlerFunc(func(w ResponseWriter, r Request) {
			clones <- r.Header().Clone()
			_ = w.WriteText(200, "")
		}), func(next Handler) Handler {
			return HandlerFunc(func(w ResponseWriter, r Request) {
				r.Header().Set("X-User", "me")
				r.Header().Del("x-b")
				next.ServeHTTP(w, r)
			})
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for range 2 {
			c.Send("GET / HTTP/1.1\r\nhost: a\r\nX-A: \t1 \r\nX-B: 2\r\nx-a: 3\r\nx-user: root\r\n\r\n")
			c.Expect(ok11 + plain + "Content-Length: 0\r\n\r\n")
			if got := strings.Join(lines(<-clones), " "); got != "host=a X-A=1 x-a=3 X-User=me" {
				t.Errorf("%s", got)
			}
		}
	})
}
