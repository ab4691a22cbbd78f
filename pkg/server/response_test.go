package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

const (
	get10  = "GET / HTTP/1.0\r\n\r\n"
	head   = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	plain  = "Content-Type: text/plain; charset=utf-8\r\n"
	date   = "Date: @\r\n"
	ok11   = "HTTP/1.1 200 OK\r\n" + date
	failed = "HTTP/1.1 500 Internal Server Error\r\n" + date + plain + "Content-Length: 22\r\n\r\nInternal Server Error\n"
)

// What a response looks like, byte for byte.
func TestResponseOnTheWire(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<10)
	for _, c := range []struct {
		name    string
		handler HandlerFunc
		request string
		want    string
		ends    bool // the connection ends after it; otherwise another request is answered
		log     string
	}{
		{
			name:    "nothing written",
			handler: func(ResponseWriter, Request) {},
			request: get,
			want:    ok11 + "Content-Length: 0\r\n\r\n",
		}, {
			name:    "an implicit 200",
			handler: greet,
			request: get,
			want:    hello,
		}, {
			name:    "HTTP/1.0 ends with the response",
			handler: greet,
			request: get10,
			want:    goodby,
			ends:    true,
		}, {
			name:    "HTTP/1.0 that asks to go on",
			handler: greet,
			request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			want:    ok11 + plain + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
		}, {
			name: "several writes in one buffer",
			handler: func(w ResponseWriter, _ Request) {
				w.WriteHeader(201)
				for range 3 {
					_, _ = io.WriteString(w, "abc")
				}
			},
			request: get,
			want:    "HTTP/1.1 201 Created\r\n" + date + plain + "Content-Length: 9\r\n\r\nabcabcabc",
		}, {
			name:    "a buffer that grows",
			handler: func(w ResponseWriter, _ Request) { write(w, large[:2000], large[:2000], large[:4192]) },
			request: get,
			want:    ok11 + plain + "Content-Length: 8192\r\n\r\n" + large[:2000] + large[:2000] + large[:4192],
		}, {
			name:    "more than the buffer holds",
			handler: func(w ResponseWriter, _ Request) { write(w, large[:8000], large[:500], "x") },
			request: get,
			want: ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n" +
				"1f40\r\n" + large[:8000] + "\r\n1f4\r\n" + large[:500] + "\r\n1\r\nx\r\n0\r\n\r\n",
		}, {
			name:    "more than the buffer holds, to HTTP/1.0",
			handler: func(w ResponseWriter, _ Request) { write(w, large, "x") },
			request: "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			want:    ok11 + plain + "Connection: close\r\n\r\n" + large + "x",
			ends:    true,
		}, {
			name: "flushed",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "a", "b")
				_ = w.Flush()
				write(w, "c")
			},
			request: get,
			want:    ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		}, {
			name: "flushed before anything was written",
			handler: func(w ResponseWriter, _ Request) {
				_ = w.Flush()
				write(w, "c")
			},
			request: get,
			want:    ok11 + "Transfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n",
		}, {
			name: "a length of the handler's",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("content-length", "6")
				write(w, "abc", "def")
			},
			request: get,
			want:    ok11 + plain + "Content-Length: 6\r\n\r\nabcdef",
		}, {
			name: "more than the length",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Length", "3")
				write(w, "ab")
				if n, err := w.Write([]byte("cd")); n != 0 || err != http.ErrContentLength {
					panic(fmt.Sprint(n, err))
				}
				write(w, "c")
			},
			request: get,
			want:    ok11 + plain + "Content-Length: 3\r\n\r\nabc",
		}, {
			name:    "HEAD has the length of GET",
			handler: func(w ResponseWriter, _ Request) { write(w, "abc", large) },
			request: head,
			want:    ok11 + plain + "Content-Length: 16387\r\n\r\n",
		}, {
			name: "HEAD with a length of the handler's and no body",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Length", "77")
			},
			request: head,
			want:    ok11 + "Content-Length: 77\r\n\r\n",
		}, {
			name:    "HEAD without a body",
			handler: func(ResponseWriter, Request) {},
			request: head,
			want:    ok11 + "\r\n",
		}, {
			name:    "HEAD with WriteJSON",
			handler: func(w ResponseWriter, _ Request) { _ = w.WriteJSON(200, jsonBody) },
			request: head,
			want:    ok11 + "Content-Type: application/json\r\nContent-Length: 19\r\n\r\n",
		}, {
			name: "HEAD, flushed",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "abc")
				_ = w.Flush()
				write(w, "abc")
			},
			request: head,
			want:    ok11 + plain + "\r\n",
		}, {
			name: "204",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Length", "3")
				w.WriteHeader(204)
				if _, err := w.Write([]byte("abc")); err != http.ErrBodyNotAllowed {
					panic(err)
				}
			},
			request: get,
			want:    "HTTP/1.1 204 No Content\r\n" + date + "\r\n",
		}, {
			name: "304",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("ETag", `"a"`)
				w.Header().Set("Content-Length", "3")
				w.WriteHeader(304)
			},
			request: get,
			want:    "HTTP/1.1 304 Not Modified\r\n" + date + "ETag: \"a\"\r\nContent-Length: 3\r\n\r\n",
		}, {
			name: "early hints",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Link", "</a.css>; rel=preload")
				w.Header().Set("Content-Length", "2")
				w.WriteHeader(103)
				w.WriteHeader(103)
				w.Header().Del("Link")
				write(w, "ok")
			},
			request: get,
			want: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n", 2) +
				ok11 + plain + "Content-Length: 2\r\n\r\nok",
		}, {
			name: "early hints are not for HTTP/1.0",
			handler: func(w ResponseWriter, _ Request) {
				w.WriteHeader(103)
				write(w, "hello")
			},
			request: get10,
			want:    goodby,
			ends:    true,
		}, {
			name: "a second status",
			handler: func(w ResponseWriter, _ Request) {
				w.WriteHeader(404)
				w.WriteHeader(200)
				w.WriteHeader(201)
				write(w, "x")
			},
			request: get,
			want:    "HTTP/1.1 404 Not Found\r\n" + date + plain + "Content-Length: 1\r\n\r\nx",
			log:     "second status",
		}, {
			name: "fields after the status",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("A", "1")
				w.WriteHeader(200)
				w.Header().Set("A", "2")
				w.Header().Add("B", "2")
				w.Header().Del("A")
			},
			request: get,
			want:    ok11 + "A: 1\r\nContent-Length: 0\r\n\r\n",
		}, {
			name: "fields in order, repeated ones included",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Add("b", "1")
				w.Header().Add("Set-Cookie", "x=1")
				w.Header().Add("A", "")
				w.Header().Add("B", "2")
				w.Header().Add("set-cookie", "y=1")
				w.Header().Set("Server", "mine")
				w.Header().Set("Date", "today")
			},
			request: get,
			want: "HTTP/1.1 200 OK\r\nb: 1\r\nSet-Cookie: x=1\r\nA: \r\nB: 2\r\nset-cookie: y=1\r\nServer: mine\r\n" +
				"Date: @\r\nContent-Length: 0\r\n\r\n",
		}, {
			name: "fields of the connection",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Transfer-Encoding", "gzip, chunked")
				w.Header().Set("Connection", "X-Secret")
				w.Header().Set("Keep-Alive", "timeout=1000")
				w.Header().Set("Trailer", "A")
				w.Header().Set("Upgrade", "h2c")
				write(w, "hello")
			},
			request: get,
			want:    hello,
		}, {
			name: "Connection: close",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Connection", "close")
				write(w, "hello")
			},
			request: get,
			want:    goodby,
			ends:    true,
		}, {
			name: "values that would break lines",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("A", "1\r\nEvil: 2")
				w.Header().Set("B", " \t1\x00\x7f2\n\n")
				w.Header().Set("C", "gr\xfc\xdfe\t!")
			},
			request: get,
			want:    ok11 + "A: 1  Evil: 2\r\nB: 1  2\r\nC: gr\xfc\xdfe\t!\r\nContent-Length: 0\r\n\r\n",
		}, {
			name: "a name that is none",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Fine", "1")
				w.Header().Set("A: b\r\nEvil", "2")
				write(w, "hello")
			},
			request: get,
			want:    failed,
			log:     "Evil",
		}, {
			name: "an empty name, flushed",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Add("", "2")
				write(w, "hello")
				if w.Flush() == nil {
					panic("no error")
				}
				if _, err := w.Write(nil); err == nil {
					panic("no error")
				}
			},
			request: get,
			want:    failed,
			log:     "handler made a mistake",
		}, {
			name:    "a status that is none",
			handler: func(w ResponseWriter, _ Request) { w.WriteHeader(42) },
			request: get,
			want:    failed,
			log:     "status 42",
		}, {
			name: "a length that is none",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Length", "+5")
				_, _ = w.WriteString("hello")
			},
			request: get,
			want:    failed,
			log:     "Content-Length",
		}, {
			name: "two lengths",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Add("Content-Length", "5")
				w.Header().Add("Content-Length", "6")
				_, _ = w.WriteString("hello")
			},
			request: get,
			want:    failed,
			log:     "Content-Length",
		}, {
			name:    "an upgrade that nobody asked for",
			handler: func(w ResponseWriter, _ Request) { w.WriteHeader(101) },
			request: get,
			want:    failed,
			log:     "status 101",
		}, {
			name:    "JSON",
			handler: func(w ResponseWriter, _ Request) { _ = w.WriteJSON(422, []byte(`{}`)) },
			request: get,
			want:    "HTTP/1.1 422 Unprocessable Entity\r\n" + date + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		}, {
			name: "JSON of another type",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Type", "application/problem+json")
				_ = w.WriteJSON(400, []byte(`{}`))
			},
			request: get,
			want:    "HTTP/1.1 400 Bad Request\r\n" + date + "Content-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}",
		}, {
			name: "nothing follows a whole response",
			handler: func(w ResponseWriter, _ Request) {
				_ = w.WriteHTML(200, "<p>")
				if _, err := w.Write([]byte("x")); err != http.ErrContentLength {
					panic(err)
				}
				if err := w.WriteText(500, "x"); err != ErrHeaderWritten {
					panic(err)
				}
			},
			request: get,
			want:    ok11 + "Content-Type: text/html; charset=utf-8\r\nContent-Length: 3\r\n\r\n<p>",
		}, {
			name:    "an empty text",
			handler: func(w ResponseWriter, _ Request) { _ = w.WriteText(404, "") },
			request: get,
			want:    "HTTP/1.1 404 Not Found\r\n" + date + plain + "Content-Length: 0\r\n\r\n",
		}, {
			name:    "no content by WriteJSON",
			handler: func(w ResponseWriter, _ Request) { _ = w.WriteJSON(204, nil) },
			request: get,
			want:    "HTTP/1.1 204 No Content\r\n" + date + "\r\n",
		}, {
			name:    "large JSON",
			handler: func(w ResponseWriter, _ Request) { _ = w.WriteJSON(200, []byte(large)) },
			request: get,
			want:    ok11 + "Content-Type: application/json\r\nContent-Length: 16384\r\n\r\n" + large,
		}, {
			name: "a type that is found",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "<!DOCTYPE HTML>")
			},
			request: get,
			want:    ok11 + "Content-Type: text/html; charset=utf-8\r\nContent-Length: 15\r\n\r\n<!DOCTYPE HTML>",
		}, {
			name: "no type is guessed for an encoded body",
			handler: func(w ResponseWriter, _ Request) {
				w.Header().Set("Content-Encoding", "br")
				write(w, "x")
			},
			request: get,
			want:    ok11 + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
		}, {
			name: "trailers",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "abc")
				w.Trailer().Set("X-Sum", "6")
			},
			request: "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
			want:    ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n",
		}, {
			name: "trailers that the client does not take",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "abc")
				w.Trailer().Set("X-Sum", "6")
			},
			request: get,
			want:    ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		}, {
			name: "a trailer that cannot be one",
			handler: func(w ResponseWriter, _ Request) {
				write(w, "abc")
				w.Trailer().Set("Content-Length", "6")
			},
			request: get,
			want:    failed,
			log:     "cannot be a trailer",
		}, {
			name:    "a panic",
			handler: func(w ResponseWriter, _ Request) { write(w, "x"); panic("on purpose") },
			request: get,
			want: "HTTP/1.1 500 Internal Server Error\r\n" + date + plain + "Content-Length: 22\r\nConnection: close\r\n\r\n" +
				"Internal Server Error\n",
			ends: true,
			log:  "on purpose",
		}, {
			name:    "a malformed path",
			handler: greet,
			request: "GET /%0 HTTP/1.1\r\nHost: a\r\n\r\n",
			want:    "HTTP/1.1 400 Bad Request\r\n" + date + plain + "Content-Length: 28\r\n\r\nBad Request: malformed path\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAllModes(t, func(t *testing.T, cfg Config) {
				cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
					if r.Path() == "/next" {
						greet(w, r)
						return
					}
					c.handler(w, r)
				})
				s := start(t, cfg)
				conn := rawconn.Dial(t, s.addr)
				next := "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
				conn.Send(c.request + next)
				conn.Expect(c.want)
				if c.ends {
					conn.ExpectEOF()
				} else {
					conn.Expect(hello)
				}
				if got := s.log.String(); !strings.Contains(got, c.log) || (c.log == "") != (got == "") {
					t.Errorf("log: %q, want %q in it", got, c.log)
				} else if strings.Count(got, "\n") > 1 {
					t.Errorf("more than one line: %s", got)
				}
			})
		})
	}
}

func write(w ResponseWriter, parts ...string) {
	for _, p := range parts {
		if n, err := w.WriteString(p); n != len(p) || err != nil {
			panic(fmt.Sprint(n, err))
		}
	}
}

// A client sees that a response is not whole.
func TestResponseCutShort(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler HandlerFunc
		log     string
	}{
		{"shorter than its length", func(w ResponseWriter, _ Request) {
			w.Header().Set("Content-Length", "10")
			write(w, "abc")
			_ = w.Flush()
		}, "shorter"},
		{"nothing of its length", func(w ResponseWriter, _ Request) { w.Header().Set("Content-Length", "10") }, "shorter"},
		{"a panic after a flush", func(w ResponseWriter, _ Request) {
			write(w, "abc")
			_ = w.Flush()
			panic("on purpose")
		}, "on purpose"},
		{"ErrAbortHandler", func(w ResponseWriter, _ Request) {
			write(w, "abc")
			_ = w.Flush()
			panic(http.ErrAbortHandler)
		}, ""},
		{"ErrAbortHandler before anything was sent", func(w ResponseWriter, _ Request) { panic(http.ErrAbortHandler) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startHandler(t, c.handler)
			other := rawconn.Dial(t, s.addr) // is not harmed
			conn := rawconn.Dial(t, s.addr)
			conn.Send(get)
			if got := conn.ExpectReset(); strings.HasSuffix(got, "\r\n0\r\n\r\n") {
				t.Errorf("%q looks whole", got)
			}
			other.Send("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n")
			other.Expect("HTTP/1.1 400 ")
			if got := s.log.String(); !strings.Contains(got, c.log) || (c.log == "") != (got == "") {
				t.Errorf("log: %q, want %q in it", got, c.log)
			}
		})
	}
}

// What a handler writes after its client has gone fails, and its context ends.
func TestWriteToNobody(t *testing.T) {
	result := make(chan error, 1)
	s := startHandler(t, func(w ResponseWriter, r Request) {
		ctx := r.Context()
		for {
			if _, err := w.WriteString(text512); err != nil {
				result <- errors.Join(err, ctx.Err())
				return
			}
		}
	})
	conn := rawconn.Dial(t, s.addr)
	conn.Send(get)
	conn.Until("0123")
	conn.Close()
	err := <-result
	if !errors.Is(err, ErrClientGone) || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("%v", err)
	}
	eventually(t, "it is counted", func() bool { return s.Stats().Aborted == 1 })
}

func TestServerName(t *testing.T) {
	cfg := DefaultConfig()
	cfg.ServerName = "shockwave"
	s := start(t, cfg)
	exchangeOnce(t, s.addr, get, ok11+"Server: shockwave\r\n"+plain+"Content-Length: 5\r\n\r\nhello")
}
