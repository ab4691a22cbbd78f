package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// serveHTTP serves an ordinary handler with the defaults.
func serveHTTP(t testing.TB, h http.HandlerFunc) *serving {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Handler = FromHTTP(h)
	return start(t, cfg)
}

func TestHTTPRequest(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		type seen struct {
			*http.Request
			body string
		}
		requests := make(chan seen, 1)
		cfg.Handler = FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			requests <- seen{r, string(b)}
		}))
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("POST /x/../a%2Fb/c?d=%41&e HTTP/1.1\r\nhost: a.example:80\r\nx-field: 1\r\nX-FIELD: 2\r\nCookie: k=v\r\n" +
			"Transfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\nX-More: 7\r\n\r\n")
		c.Expect(ok11 + "Content-Length: 0\r\n\r\n")
		r := <-requests
		// Another request on the connection, and in the same memory.
		c.Send("PUT /other/other?other HTTP/1.1\r\nHost: b\r\nX-Other: 9\r\nX-Other: 9\r\nContent-Length: 2\r\n\r\nxy")
		c.Expect(ok11 + "Content-Length: 0\r\n\r\n")
		if got, want := fmt.Sprintf("%s %s %s %s %s %s %d.%d %q %q %d %v %q %v %q %s", r.Method, r.URL, r.URL.Path, r.URL.RawQuery, r.RequestURI,
			r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host, r.Header, r.ContentLength, r.TransferEncoding, r.Trailer, r.Close, r.RemoteAddr, r.body),
			fmt.Sprintf(`POST /a%%2Fb/c?d=%%41&e /a/b/c d=%%41&e /x/../a%%2Fb/c?d=%%41&e HTTP/1.1 1.1 "a.example:80" `+
				`map["Cookie":["k=v"] "X-Field":["1" "2"]] -1 [chunked] map["X-More":["7"] "X-Other":[] "X-Sum":["6"]] false "%s" abc`,
				c.NetConn().LocalAddr()); got != want {
			t.Errorf("\n%s\nwant\n%s", got, want)
		}
		if v, err := r.Cookie("k"); err != nil || v.Value != "v" {
			t.Error(v, err)
		}
		if addr := r.Context().Value(http.LocalAddrContextKey); fmt.Sprint(addr) != s.addr {
			t.Errorf("local address %v", addr)
		}
		if r.Context().Err() == nil {
			t.Error("its context goes on")
		}
		if _, err := r.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Errorf("a read afterwards: %v", err)
		}
		kept := <-requests
		if kept.ContentLength != 2 || kept.body != "xy" || kept.TransferEncoding != nil || kept.Header.Get("Content-Length") != "2" {
			t.Errorf("%+v", kept)
		}
		c.Send("GET / HTTP/1.0\r\n\r\n")
		c.Expect(ok11 + "Content-Length: 0\r\nConnection: close\r\n\r\n")
		kept = <-requests
		if kept.Body != http.NoBody || !kept.Close || kept.ProtoMinor != 0 || kept.ContentLength != 0 || kept.Trailer != nil {
			t.Errorf("%+v", kept)
		}
	})
}

func TestHTTPResponse(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		request string
		want    string
		log     string
	}{
		{
			name:    "nothing",
			handler: func(http.ResponseWriter, *http.Request) {},
			want:    ok11 + "Content-Length: 0\r\n\r\n",
		}, {
			name: "fields in the order of names",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("B", "1")
				w.Header().Add("A", "2")
				w.Header().Add("A", "3")
				w.WriteHeader(404)
				w.Header().Set("C", "too late")
				_, _ = io.WriteString(w, "hello")
			},
			want: "HTTP/1.1 404 Not Found\r\n" + date + "A: 2\r\nA: 3\r\nB: 1\r\n" + plain + "Content-Length: 5\r\n\r\nhello",
		}, {
			name: "fields without a body",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("B", "1")
			},
			want: ok11 + "B: 1\r\nContent-Length: 0\r\n\r\n",
		}, {
			name: "no Content-Type on demand",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				_, _ = io.WriteString(w, "hello")
			},
			want: ok11 + "Content-Length: 5\r\n\r\nhello",
		}, {
			name: "early hints",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a>")
				w.WriteHeader(103)
				w.Header().Del("Link")
				w.WriteHeader(204)
			},
			want: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n" + date + "\r\n",
		}, {
			name:    "an error",
			handler: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
			want: "HTTP/1.1 403 Forbidden\r\n" + date + "Content-Type: text/plain; charset=utf-8\r\n" +
				"X-Content-Type-Options: nosniff\r\nContent-Length: 3\r\n\r\nno\n",
		}, {
			name: "flushed, by each way",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "a")
				w.(http.Flusher).Flush()
				_, _ = w.Write([]byte("b"))
				rc := http.NewResponseController(w)
				if err := errors.Join(rc.Flush(), rc.EnableFullDuplex()); err != nil {
					panic(err)
				}
				for _, err := range []error{rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{})} {
					if !errors.Is(err, http.ErrNotSupported) {
						panic(err)
					}
				}
				if n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("cd")); n != 2 || err != nil {
					panic(err)
				}
			},
			want: ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n0\r\n\r\n",
		}, {
			name: "trailers",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Trailer", "X-Sum, X-Never")
				w.Header().Set("X-Sum", "early")
				_, _ = io.WriteString(w, "a")
				w.Header().Set("X-Sum", "97")
				w.Header().Set(http.TrailerPrefix+"X-More", "1")
				w.Header().Set(http.TrailerPrefix+"Content-Length", "1")
			},
			request: "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
			want:    ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-More: 1\r\nX-Sum: 97\r\n\r\n",
		}, {
			name: "a name that is none",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("a b", "1")
				_, _ = io.WriteString(w, "hello")
			},
			want: failed,
			log:  "a b",
		}, {
			name: "a body that is too large",
			handler: func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				var tooLarge *http.MaxBytesError
				if !errors.As(err, &tooLarge) || tooLarge.Limit != 100 {
					panic(err)
				}
			},
			request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n" + strings.Repeat("x", 128) + "\r\n0\r\n\r\n",
			want:    "HTTP/1.1 413 Request Entity Too Large\r\n" + date + plain + "Content-Length: 25\r\nConnection: close\r\n\r\nRequest Entity Too Large\n",
		}, {
			name: "MaxBytesReader",
			handler: func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2)); err == nil {
					panic("no error")
				}
				w.WriteHeader(413)
			},
			request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
			want:    "HTTP/1.1 413 Request Entity Too Large\r\n" + date + "Content-Length: 0\r\n\r\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAllModes(t, func(t *testing.T, cfg Config) {
				cfg.MaxRequestBodySize = 100
				cfg.Handler = FromHTTP(c.handler)
				s := start(t, cfg)
				conn := rawconn.Dial(t, s.addr)
				request := c.request
				if request == "" {
					request = get
				}
				conn.Send(request)
				conn.Expect(c.want)
				if !strings.Contains(c.want, "Connection: close") {
					conn.Send(request)
					conn.Expect(c.want)
				}
				if got := s.log.String(); !strings.Contains(got, c.log) || (c.log == "") != (got == "") {
					t.Errorf("log: %q, want %q in it", got, c.log)
				}
			})
		})
	}
}

// Fields of a middleware are there for the ordinary handler to see and to change.
func TestHTTPInMiddleware(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Handler = Chain(FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if w.Header().Get("A") != "1" {
			t.Error("the field is not there")
		}
		w.Header().Del("B")
		w.Header().Add("C", "4")
	})), func(next Handler) Handler {
		return HandlerFunc(func(w ResponseWriter, r Request) {
			w.Header().Set("A", "1")
			w.Header().Set("B", "2")
			w.Header().Set("C", "3")
			next.ServeHTTP(w, r)
		})
	})
	s := start(t, cfg)
	exchangeOnce(t, s.addr, get, ok11+"A: 1\r\nC: 3\r\nC: 4\r\nContent-Length: 0\r\n\r\n")
}

func TestFileServer(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("0123456789abcdef", 1<<14)
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = FromHTTP(http.FileServer(http.Dir(dir)))
		s := start(t, cfg)
		for range 2 {
			resp, err := http.Get("http://" + s.addr + "/a.txt")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != large || resp.ContentLength != int64(len(large)) || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%d bytes of %d, %v, %v", len(body), resp.ContentLength, resp.Header, err)
			}
		}
		c := rawconn.Dial(t, s.addr)
		c.Send("HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := c.Until("\r\n\r\n"); !strings.Contains(got, "\r\nContent-Length: 262144\r\n") {
			t.Errorf("HEAD: %s", got)
		}
		c.Send("GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=16-19\r\n\r\n")
		if got := c.Until("0123"); !strings.HasPrefix(got, "HTTP/1.1 206 Partial Content\r\n") || !strings.Contains(got, "\r\nContent-Range: bytes 16-19/262144\r\n") {
			t.Errorf("range: %s", got)
		}
		c.Send("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n")
		c.Expect("HTTP/1.1 404 Not Found\r\n")
		http.DefaultClient.CloseIdleConnections()
	})
}

// newProxy is a reverse proxy to a server of ours.
func newProxy(t *testing.T, to *serving) *httputil.ReverseProxy {
	u, err := url.Parse("http://" + to.addr)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(u)
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	p.Transport = transport
	p.ErrorLog = log.New(io.Discard, "", 0)
	return p
}

func TestReverseProxy(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			w.Header().Set("X-Path", r.Path())
			w.Header().Set("X-From", r.Header().Get("X-Forwarded-For"))
			switch r.Path() {
			case "/early":
				_ = w.WriteText(403, "no")
			default:
				w.Trailer().Set("X-Sum", "1")
				_, _ = io.Copy(w, r.Body())
			}
		})
		upstream := start(t, cfg)
		cfg.Handler = FromHTTP(newProxy(t, upstream))
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for range 3 {
			c.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
			if got := c.Until("0\r\n\r\n"); !strings.Contains(got, "\r\nX-From: 127.0.0.1\r\nX-Path: /echo\r\n") || !strings.Contains(got, "3\r\nabc\r\n") {
				t.Fatalf("%s", got)
			}
			c.Send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
			c.Expect("HTTP/1.1 200 OK\r\n")
			c.Until("0\r\n\r\n")
		}
		// An answer that comes before the body: the transport is still reading.
		c.Send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\nabc")
		if got := c.Until("no"); !strings.HasPrefix(got, "HTTP/1.1 403 Forbidden\r\n") {
			t.Errorf("%s", got)
		}
		c.ExpectEOF()
		c.Close()
		// A client that leaves takes its request upstream along.
		c = rawconn.Dial(t, s.addr)
		c.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
		c.Close()
		eventually(t, "all is over", func() bool { return upstream.Stats().Active == 0 && s.Stats().Open == 0 })
	})
}

// An upgrade through a reverse proxy, whose both ends are ours.
func TestReverseProxyUpgrade(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", r.Header.Get("Upgrade"))
			w.Header().Set("Sec-WebSocket-Accept", "x")
			w.WriteHeader(http.StatusSwitchingProtocols)
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					return
				}
				_, _ = io.WriteString(nc, "echo "+line)
			}
		}))
		upstream := start(t, cfg)
		cfg.Handler = FromHTTP(newProxy(t, upstream))
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if got := c.Until("\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 101 Switching Protocols\r\n") || !strings.Contains(got, "Sec-Websocket-Accept: x\r\n") {
			t.Fatalf("%s", got)
		}
		c.Send("first\n")
		c.Expect("echo first\n")
		c.Send("second\n")
		c.Expect("echo second\n")
		c.CloseWrite()
		c.ExpectEOF()
	})
}

func TestTimeoutHandler(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		result := make(chan error, 1)
		cfg.Handler = FromHTTP(http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				<-r.Context().Done()
				for range 3 { // a body that comes when the handler has been given up
					if _, err := r.Body.Read(make([]byte, 1)); err != nil {
						result <- err
						return
					}
				}
				result <- nil
				return
			}
			_, _ = io.WriteString(w, "hello")
		}), 50*time.Millisecond, "too slow"))
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for range 3 {
			c.Send(get)
			c.Expect(hello)
		}
		c.Send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
		if got := c.Until("too slow"); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("%s", got)
		}
		c.Send(strings.Repeat("x", 30) + get)
		if err := <-result; err == nil {
			t.Error("a handler that was given up reads on")
		}
	})
}

// A goroutine that outlives its handler cannot reach the next request on the
// connection.
func TestHTTPAfterTheHandler(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		type kept struct {
			w http.ResponseWriter
			r *http.Request
		}
		var late kept
		cfg.Handler = FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keep" {
				late = kept{w, r}
				return
			}
			late.w.WriteHeader(500)
			late.w.(http.Flusher).Flush()
			if _, err := io.WriteString(late.w, "evil"); err == nil {
				t.Error("a write succeeded")
			}
			if _, err := late.w.(io.ReaderFrom).ReadFrom(strings.NewReader("evil")); err == nil {
				t.Error("a copy succeeded")
			}
			if _, _, err := late.w.(http.Hijacker).Hijack(); err == nil {
				t.Error("a hijack succeeded")
			}
			if _, err := late.r.Body.Read(make([]byte, 10)); err == nil {
				t.Error("a read succeeded")
			}
			_, _ = io.Copy(w, r.Body)
		}))
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
		c.Expect(ok11 + "Content-Length: 0\r\n\r\n" + hello)
	})
}

// A body that a middleware has wrapped works as well.
func TestHTTPWithWrappedBody(t *testing.T) {
	cfg := DefaultConfig()
	inner := FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = fmt.Fprint(w, r.Trailer, r.Close)
	}))
	cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) { inner.ServeHTTP(w, upperCase{r}) })
	s := start(t, cfg)
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
	c.Until("\r\n\r\n")
	c.Expect("HELLOmap[X-Sum:[1]] false")
}

type upperCase struct{ Request }

func (u upperCase) Body() io.Reader { return upperReader{u.Request.Body()} }

type upperReader struct{ io.Reader }

func (u upperReader) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	copy(p, strings.ToUpper(string(p[:n])))
	return n, err
}

// What adapting costs: it is told in the comment of FromHTTP.
func TestHTTPAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	s := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(helloBody) })
	nc := rawconn.Dial(t, s.addr).NetConn()
	request, buf := []byte("GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"), make([]byte, responseLength(t, s.addr, get))
	n := testing.AllocsPerRun(200, func() {
		_, _ = nc.Write(request)
		_, _ = io.ReadFull(nc, buf)
	})
	t.Logf("%v allocations", n)
	if n > 20 {
		t.Errorf("%v allocations, which is more than we say", n)
	}
}

// Server-sent events, the usual reason to flush, end when the client leaves.
func TestEventStream(t *testing.T) {
	ended := make(chan error, 1)
	s := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for i := 0; ; i++ {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = rc.Flush()
			select {
			case <-r.Context().Done():
				ended <- context.Cause(r.Context())
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	resp, err := http.Get("http://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		lines.Scan()
		if want := fmt.Sprintf("data: %d", i); lines.Text() != want {
			t.Errorf("%q, want %q", lines.Text(), want)
		}
		lines.Scan()
	}
	_ = resp.Body.Close()
	if err := <-ended; err != context.Canceled {
		t.Errorf("%v", err)
	}
}

// What a middleware checks is what the ordinary handler serves.
func TestHTTPPathIsTheOneThatWasChecked(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		public := func(next Handler) Handler {
			return HandlerFunc(func(w ResponseWriter, r Request) {
				if !strings.HasPrefix(r.Path(), "/public/") {
					_ = w.WriteText(403, "forbidden\n")
					return
				}
				next.ServeHTTP(w, r)
			})
		}
		tell := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%s %s %s", r.URL.Path, r.URL.EscapedPath(), r.URL)
		})
		backend := cfg
		backend.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			_, _ = fmt.Fprintf(w, "%s", r.Target())
		})
		proxy := newProxy(t, start(t, backend))
		cfg.Handler = Chain(FromHTTP(tell), public)
		direct := start(t, cfg)
		cfg.Handler = Chain(FromHTTP(proxy), public)
		proxied := start(t, cfg)
		for target, want := range map[string][2]string{
			"/admin/../public/x":                 {"/public/x /public/x /public/x", "/public/x"},
			"/admin/%2e%2E/public/x?a=/../b":     {"/public/x /public/x /public/x?a=/../b", "/public/x?a=/../b"},
			"/%70ublic/./a%2fb%25?":              {"/public/a/b% /public/a%2Fb%25 /public/a%2Fb%25?", "/public/a%2Fb%25?"},
			"/public//a:b?c?d":                   {"/public//a:b /public//a:b /public//a:b?c?d", "/public//a:b?c?d"},
			"http://h.example/admin/../public/x": {"/public/x /public/x /public/x", "/public/x"},
			"/public/../admin/x":                 {"forbidden\n", "forbidden\n"},
			"/public/%2e./admin/x":               {"forbidden\n", "forbidden\n"},
		} {
			for i, s := range []*serving{direct, proxied} {
				c := rawconn.Dial(t, s.addr)
				c.Send("GET " + target + " HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n")
				all, _ := c.Rest()
				if _, got, _ := strings.Cut(all, "\r\n\r\n"); got != want[i] {
					t.Errorf("%s, server %d: %q, want %q", target, i, got, want[i])
				}
				c.Close()
			}
		}
	})
}

// A path that a middleware has put in place of the request's is the one that counts;
// it is a path whatever it looks like.
func TestHTTPURL(t *testing.T) {
	targets := make(chan string, 1)
	inner := FromHTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		targets <- fmt.Sprintf("%q %q %q %q", r.URL.Host, r.URL.Path, r.URL.RawQuery, r.RequestURI)
	}))
	var path atomic.Value
	path.Store("")
	s := startHandler(t, func(w ResponseWriter, r Request) {
		if p := path.Load().(string); p != "" {
			r = withPath{r, p}
		}
		inner.ServeHTTP(w, r)
	})
	for _, c := range [][3]string{
		{"GET /a?b", "", `"" "/a" "b" "/a?b"`},
		{"GET //evil/x?b", "", `"" "//evil/x" "b" "//evil/x?b"`},
		{"OPTIONS *", "", `"" "*" "" "*"`},
		{"GET /a?b", "/c", `"" "/c" "b" "/a?b"`},
		{"GET /a?b", "http://evil/c", `"" "http://evil/c" "b" "/a?b"`},
	} {
		path.Store(c[1])
		exchangeOnce(t, s.addr, c[0]+" HTTP/1.1\r\nHost: a\r\n\r\n", ok11+"Content-Length: 0\r\n\r\n")
		if got := <-targets; got != c[2] {
			t.Errorf("%q: %s, want %s", c[:2], got, c[2])
		}
	}
	path.Store("/%zz")
	exchangeOnce(t, s.addr, get, "HTTP/1.1 400 Bad Request\r\n"+date+plain+"Content-Length: 28\r\n\r\nBad Request: malformed path\n")
}

type withPath struct {
	Request
	path string
}

func (w withPath) Path() string { return w.path }
