package server

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
)

// manyFields are the names of 20 fields, of which the program knows some.
var manyFields = func() (names []string) {
	names = []string{"Accept", "User-Agent", "Cookie", "Referer", "Authorization"}
	for i := len(names); i < 20; i++ {
		names = append(names, fmt.Sprintf("X-Field-%d", i))
	}
	return names
}()

// sink keeps the compiler from leaving work out.
var sink int

type readerOfFields struct{ n int }

func (h *readerOfFields) ServeHTTP(w ResponseWriter, r Request) {
	for _, name := range manyFields {
		h.n += len(r.Header().Get(name))
		for v := range r.Header().Values(name) {
			h.n += len(v)
		}
	}
	r.Header().VisitAll(func(name, value string) { h.n += len(name) + len(value) })
	for _, name := range manyFields {
		w.Header().Set(name, "a value that is not short")
	}
	_, _ = w.Write(helloBody)
}

var (
	helloBody = []byte("hello")
	jsonBody  = []byte(`{"message":"hello"}`)
)

// bodyCounter reads bodies into a buffer of its own: it is for one connection.
type bodyCounter struct{ buf [512]byte }

func (h *bodyCounter) ServeHTTP(w ResponseWriter, r Request) {
	n := 0
	for {
		m, err := r.Body().Read(h.buf[:])
		n += m
		if err != nil {
			break
		}
	}
	if n != 4096 {
		panic(n)
	}
	_ = w.WriteText(200, "read")
}

// layer is a middleware.
func layer(next Handler) Handler {
	return HandlerFunc(func(w ResponseWriter, r Request) {
		w.Header().Add("X-Layer", "one more")
		next.ServeHTTP(w, r)
		sink++
	})
}

func readBody(w ResponseWriter, r Request) {
	body, err := r.ReadBody()
	if err != nil || int64(len(body)) < r.ContentLength() {
		panic(err)
	}
	_ = w.WriteText(200, "read")
}

func TestNoAllocationPerRequest(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	var fields strings.Builder
	for _, name := range manyFields {
		fmt.Fprintf(&fields, "%s: value of %s\r\n", name, name)
	}
	for _, c := range []struct {
		name    string
		handler Handler
		request string
	}{
		{"GET with Write", HandlerFunc(func(w ResponseWriter, _ Request) { _, _ = w.Write(helloBody) }), get},
		{"WriteJSON", HandlerFunc(func(w ResponseWriter, _ Request) { _ = w.WriteJSON(200, jsonBody) }), get},
		{"WriteHTML", HandlerFunc(func(w ResponseWriter, _ Request) { _ = w.WriteHTML(200, "<p>hello") }), get},
		{"404", HandlerFunc(func(w ResponseWriter, _ Request) { _ = w.WriteText(404, "no such page") }), get},
		{"20 fields in and out", new(readerOfFields), "GET / HTTP/1.1\r\nHost: a\r\n" + fields.String() + "\r\n"},
		{"POST of 4 KB", new(bodyCounter), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096)},
		{"POST in chunks", new(bodyCounter), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + strings.Repeat("x", 4096) + "\r\n0\r\n\r\n"},
		{"ReadBody of 4 KB", HandlerFunc(readBody), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096)},
		{"ReadBody of 30 KB", HandlerFunc(readBody), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30000)},
		{"ReadBody of chunks", HandlerFunc(readBody), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + strings.Repeat("x", 4096) + "\r\n0\r\n\r\n"},
		{"three layers", Chain(greet, layer, layer, layer), get},
		{"all of a request", HandlerFunc(func(w ResponseWriter, r Request) {
			sink += len(r.Method()) + len(r.Path()) + len(r.Query()) + len(r.Target()) + len(r.Proto()) + len(r.Host())
			sink += int(r.RemoteAddr().Port()) + r.Header().Len() + int(r.ContentLength())
			if r.TLS() == nil && r.Header().Has("host") {
				_ = w.WriteText(200, r.Path())
			}
		}), "GET /a/%2e%2e/%7Eb?q HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"chunks of 10 KB", HandlerFunc(func(w ResponseWriter, _ Request) {
			for range 20 {
				_, _ = io.WriteString(w, text512)
			}
		}), get},
		{"6 KB in pieces", HandlerFunc(func(w ResponseWriter, _ Request) {
			for range 12 {
				_, _ = w.WriteString(text512)
			}
		}), get},
		{"HEAD", greet, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"Content-Length of the handler's", HandlerFunc(func(w ResponseWriter, _ Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = w.Write(helloBody)
		}), get},
		{"Flush", HandlerFunc(func(w ResponseWriter, _ Request) {
			_, _ = w.Write(helloBody)
			_ = w.Flush()
		}), get},
		{"io.Copy", HandlerFunc(func(w ResponseWriter, r Request) { _, _ = io.Copy(w, r.Body()) }),
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
		{"malformed path", greet, "GET /%zz HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAllModes(t, func(t *testing.T, cfg Config) {
				cfg.Handler = c.handler
				s := start(t, cfg)
				nc, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				request := []byte(c.request)
				buf := make([]byte, responseLength(t, s.addr, c.request))
				n := testing.AllocsPerRun(300, func() {
					if _, err := nc.Write(request); err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(nc, buf); err != nil {
						t.Fatal(err)
					}
				})
				if n != 0 {
					t.Errorf("%v allocations per request", n)
				}
				if s.log.String() != "" {
					t.Errorf("log: %s", s.log)
				}
			})
		})
	}
}

var text512 = strings.Repeat("0123456789abcde\n", 32)

// responseLength sends a request twice and returns how long the answer is.
func responseLength(t *testing.T, addr, request string) int {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, request+request); err != nil {
		t.Fatal(err)
	}
	if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(nc)
	if err != nil || len(all) == 0 || len(all)%2 != 0 {
		t.Fatalf("%q, %v", all, err)
	}
	return len(all) / 2
}
