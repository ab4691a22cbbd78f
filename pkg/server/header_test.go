package server

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
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
	if got := strings.Join(lines(&h), " "); got != "B=1! A= Content-Type=text/plain" || h.Len() != 3 {
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

// Fields that are changed again and again cost what is there, not what was there, and
// views of what was there stay as they are.
func TestRepeatedChanges(t *testing.T) {
	const rounds = 40_000
	value := func(i int) string { return fmt.Sprintf("%060d", i) }
	for _, c := range []struct {
		name   string
		change func(h *Header, i int)
	}{
		{"Set", func(h *Header, i int) { h.Set("X-Progress", value(i)) }},
		{"Set of a field from the wire", func(h *Header, i int) { h.Set("x-parsed", value(i)) }},
		{"Set of a known name", func(h *Header, i int) { h.Set("Location", value(i)) }},
		{"Del and Add", func(h *Header, i int) {
			h.Del("X-Progress")
			h.Add("X-Progress", value(i))
		}},
		{"Del and Add of two names in turn", func(h *Header, i int) {
			name := "X-" + strconv.Itoa(i%2)
			h.Del(name)
			h.Add(name, value(i))
		}},
		{"Set in a visit", func(h *Header, i int) {
			h.VisitAll(func(name, _ string) { h.Set(name, value(i)) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := new(message.Fields)
			f.Reset([]byte("X-Parsed: 1"))
			f.AddParsed(0, 8, 10, 11)
			var h Header
			h.attach(f)
			h.Add("X-First", "first")
			var views, copies []string
			for i := range rounds {
				c.change(&h, i)
				if i%1000 == 0 {
					for _, name := range []string{"X-First", "X-Parsed", "X-Progress", "Location", "X-0"} {
						views = append(views, h.Get(name))
						copies = append(copies, strings.Clone(h.Get(name)))
					}
				}
				if f.Len() > 64 || f.Added() > 1<<10 || h.wrong != "" {
					t.Fatalf("after %d rounds: %d positions, %d bytes, %q", i, f.Len(), f.Added(), h.wrong)
				}
			}
			if !slices.Equal(views, copies) {
				t.Error("views have changed")
			}
		})
	}
}

// The memory of values that were replaced is given back while the handler runs.
func TestRepeatedSetKeepsLittleMemory(t *testing.T) {
	var h Header
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, value := inUse(), strings.Repeat("x", 1000)
	for range 20_000 {
		h.Set("X-Progress", value)
	}
	if after := inUse(); after > before+4<<20 {
		t.Errorf("%d bytes are in use for a value of 1000", after-before)
	}
	if h.Get("X-Progress") != value {
		t.Error("the value is not there")
	}
}

// Positions stay where they are while somebody goes through them.
func TestChangesInAVisit(t *testing.T) {
	var h Header
	for i := range 100 {
		h.Add("X-"+strconv.Itoa(i), "1")
	}
	seen := 0
	h.VisitAll(func(name, _ string) {
		if strings.HasPrefix(name, "Y-") {
			return
		}
		seen++
		name = strings.Clone(name)
		h.Del(name)
		h.Add("Y-"+name, "1")
		h.Del("Y-" + name)
		h.Add("Y-"+name, "2")
	})
	if seen != 100 || h.Len() != 100 {
		t.Errorf("%d fields were seen, and there are %d", seen, h.Len())
	}
	for range h.Values("Y-X-1") {
		h.Set("Y-X-1", "3")
	}
	if h.Set("Z", "1"); h.f.Len() > 150 || h.Get("Y-X-1") != "3" {
		t.Errorf("%d positions for %d fields", h.f.Len(), h.Len())
	}
}

// What was removed does not count for the limit.
func TestDelGivesBytesBack(t *testing.T) {
	var h Header
	large := strings.Repeat("x", maxAdded-10)
	for range 3 {
		h.Set("A", large)
		h.Del("A")
		h.Add("B", large)
		h.Set("b", large)
		h.Del("B")
	}
	if h.wrong != "" {
		t.Fatal(h.wrong)
	}
	h.Set("A", large)
	h.Set("A", large+"0123456789")
	if h.wrong == "" || h.Has("A") {
		t.Error("a field beyond the limit was added")
	}
}

// Views of a middleware stay valid when an ordinary handler's fields replace those
// of the response.
func TestFromHTTPLeavesViews(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Handler = Chain(FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("A-Field", "another value")
		_, _ = w.Write(helloBody)
	})), func(next Handler) Handler {
		return HandlerFunc(func(w ResponseWriter, r Request) {
			w.Header().Set("X-View", "as it was")
			view := w.Header().Get("X-View")
			next.ServeHTTP(w, r)
			if view != "as it was" {
				t.Errorf("the view shows %q", view)
			}
		})
	})
	s := start(t, cfg)
	exchangeOnce(t, s.addr, get, ok11+"A-Field: another value\r\nX-View: as it was\r\n"+plain+"Content-Length: 5\r\n\r\nhello")
}
