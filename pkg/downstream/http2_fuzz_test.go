package downstream

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// Whatever x/net might let pass, a request that is accepted has the method, the target,
// the host and the field that it came with, and nothing else.
func FuzzHTTP2Head(f *testing.F) {
	for _, s := range [][5]string{
		{"GET", "/", "a", "X", "y"},
		{"GET / HTTP/1.1\r\nX:", "/", "a", "X", "y"},
		{"GET", "/ HTTP/1.1\r\nHost: b\r\nX:", "a", "X", "y"},
		{"GET", "/a b", "a", "X", "y"},
		{"GET", "http://b/", "a", "X", "y"},
		{"OPTIONS", "*", "a", "X", "y"},
		{"CONNECT", "", "a:80", "X", "y"},
		{"GET", "/", "a\r\nHost: b", "X", "y"},
		{"GET", "/", "a", "X\r\nHost: b\r\nY", "y"},
		{"GET", "/", "a", "X", "y\r\nHost: b"},
		{"GET", "/", "a", "X", "y\r\n\r\nGET / HTTP/1.1"},
		{"GET", "/", "a", "X: z", "y"},
		{"GET", "/", "", "Host", "b"},
		{"GET", "/", "a", "Host", "b"},
		{"GET", "/", "a", "Content-Length", "3"},
		{"GET", "/", "a", "Transfer-Encoding", "chunked"},
		{"GET", "/", "a", "X", " \ty\x00"},
		{"", "", "", "", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	f.Fuzz(func(t *testing.T, method, target, host, name, value string) {
		x := &stream{set: newSettings(&Config{}), mem: alloc.TakeMemory(inmodes.Mode())}
		defer x.mem.Release()
		x.req = &http.Request{Method: method, RequestURI: target, Host: host, Header: http.Header{name: {value}}}
		x.body.reset()
		if x.readHead() != nil {
			return
		}
		r := &x.ex.Request
		if string(r.Method) != method || !strings.HasSuffix(target, string(r.Target)) && string(r.Target) != "/" || r.Body != 0 {
			t.Errorf("%q %q: %q %q, body %d", method, target, r.Method, r.Target, r.Body)
		}
		value = strings.Trim(value, " \t") // as http11 does
		want := strings.Trim(host, " \t")
		if host == "" {
			want = value
		}
		if string(r.Authority) != want {
			t.Errorf("host %q of %q", r.Authority, host)
		}
		for i := range r.Fields.Len() {
			if _, n, v, ok := r.Fields.At(i); ok && (i > 1 || string(n) != "Host" && (string(n) != name || string(v) != value)) {
				t.Errorf("field %d: %q: %q", i, n, v)
			}
		}
	})
}
