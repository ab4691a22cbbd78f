package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// A handler that tells what it got.
var tell = HandlerFunc(func(w ResponseWriter, r Request) {
	body, err := io.ReadAll(r.Body())
	_ = w.WriteText(200, fmt.Sprintf("%s path=%s query=%s target=%s proto=%s host=%s length=%d tls=%v body=%s err=%v",
		r.Method(), r.Path(), r.Query(), r.Target(), r.Proto(), r.Host(), r.ContentLength(), r.TLS() != nil, body, err))
})

func TestRequest(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = tell
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for _, x := range []struct{ request, want string }{
			{"GET /a/../b%2f%7e?x=%41 HTTP/1.1\r\nHost: a:80\r\n\r\n",
				"GET path=/b%2F~ query=x=%41 target=/a/../b%2f%7e?x=%41 proto=HTTP/1.1 host=a:80 length=0 tls=false body= err=<nil>"},
			{"get //x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
				"get path=//x query= target=//x proto=HTTP/1.0 host= length=0 tls=false body= err=<nil>"},
			{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
				"OPTIONS path=* query= target=* proto=HTTP/1.1 host=a length=0 tls=false body= err=<nil>"},
			{"GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET path=/x query=y target=/x?y proto=HTTP/1.1 host=a length=0 tls=false body= err=<nil>"},
			{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
				"POST path=/ query= target=/ proto=HTTP/1.1 host=a length=3 tls=false body=abc err=<nil>"},
			{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
				"POST path=/ query= target=/ proto=HTTP/1.1 host=a length=-1 tls=false body=abc err=<nil>"},
		} {
			c.Send(x.request)
			c.Until("\r\n\r\n")
			c.Expect(x.want)
		}
	})
}

func TestAddresses(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(fmt.Stringer)
		_ = w.WriteText(200, fmt.Sprint(r.RemoteAddr(), " ", r.LocalAddr(), " ", local))
	})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Until("\r\n\r\n")
	c.Expect(c.NetConn().LocalAddr().String() + " " + s.addr + " " + s.addr)
}

func TestTLS(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Handler = tell
	s := startTLS(t, cfg)
	c := rawconn.DialTLS(t, s.addr, trusting)
	for range 2 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		c.Until("\r\n\r\n")
		c.Expect("POST path=/ query= target=/ proto=HTTP/1.1 host=a length=3 tls=true body=abc err=<nil>")
	}
	c = rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect("HTTP/1.1 400 Bad Request\r\n")
}

// Of the errors of a body the handler learns what happened, and so does the client
// when the handler has nothing to say.
func TestBodyErrors(t *testing.T) {
	const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name, request string
		end           bool // the client ends its direction
		err           error
		want          string // when the handler answers nothing
	}{
		{"too large", chunked + "b\r\nhello world\r\n0\r\n\r\n", false, ErrBodyTooLarge, "HTTP/1.1 413 "},
		{"malformed", chunked + "2\r\nabc\r\n0\r\n\r\n", false, ErrBodyMalformed, "HTTP/1.1 400 "},
		{"slow", chunked + "2\r\na", false, ErrTimeout, "HTTP/1.1 408 "},
		{"cut", chunked + "2\r\na", true, ErrClientGone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, answers := range []bool{false, true} {
				result := make(chan error, 1)
				cfg := DefaultConfig()
				cfg.MaxRequestBodySize, cfg.BodyTimeout = 10, short
				cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
					_, err := io.Copy(io.Discard, r.Body())
					result <- err
					if _, again := r.Body().Read(make([]byte, 1)); again != err {
						t.Errorf("then %v", again)
					}
					if answers {
						greet(w, r)
					}
				})
				s := start(t, cfg)
				conn := rawconn.Dial(t, s.addr)
				conn.Send(c.request)
				if c.end {
					conn.CloseWrite()
				}
				if err := <-result; err != c.err {
					t.Errorf("%v, want %v", err, c.err)
				}
				switch {
				case answers:
					conn.Expect(goodby)
				case c.want == "":
					if rest := conn.ExpectReset(); rest != "" {
						t.Errorf("%q", rest)
					}
				default:
					conn.Expect(c.want)
				}
				if s.log.String() != "" {
					t.Errorf("log: %s", s.log)
				}
			}
		})
	}
}

// A body that nobody read is not taken for the next request, however it looks.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	evil := "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.MaxRequestBodySize = -1
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			if r.Path() == "/evil" {
				t.Error("a body was served as a request")
			}
			if r.Path() == "/some" {
				_, _ = r.Body().Read(make([]byte, 3))
			}
			greet(w, r)
		})
		s := start(t, cfg)
		for _, path := range []string{"/none", "/some"} {
			c := rawconn.Dial(t, s.addr)
			for _, body := range []string{
				fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(evil), evil),
				fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(evil), evil),
			} {
				c.Send("POST "+path+" HTTP/1.1\r\nHost: a\r\n"+body, get)
				c.Expect(hello + hello)
			}
			// One that is too large to be read for the sake of the connection.
			c.Send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, 1<<20, strings.Repeat(evil, 1<<20/len(evil)+1)[:1<<20]), get)
			c.Until("hello")
			c.ExpectEOF()
		}
	})
}

func TestExpectContinue(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			if r.Path() == "/read" {
				readAll(w, r)
			} else {
				greet(w, r)
			}
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
		c.Expect("HTTP/1.1 100 Continue\r\n\r\n")
		c.Send("abc")
		c.Expect(ok11 + plain + "Content-Length: 3\r\n\r\nabc")
		// The body may follow or not: the connection cannot go on.
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
		c.Expect(goodby)
		c.ExpectEOF()
	})
}

func TestRequestTrailer(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		before := r.Trailer().Len()
		_, _ = io.Copy(io.Discard, r.Body())
		_ = w.WriteText(200, fmt.Sprint(before, lines(r.Trailer())))
	})
	c := rawconn.Dial(t, s.addr)
	for range 2 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 97\r\nAuthorization: no\r\n\r\n")
		c.Until("\r\n\r\n")
		c.Expect("0 [X-Sum=97]")
	}
}

// A request can be read while its response is written.
func TestFullDuplex(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		buf := make([]byte, 10)
		for {
			n, err := r.Body().Read(buf)
			if err != nil {
				return
			}
			_, _ = w.Write(buf[:n])
			_ = w.Flush()
		}
	})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
	c.Expect(ok11 + plain + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
	c.Send("1\r\nc\r\n")
	c.Expect("1\r\nc\r\n")
	c.Send("0\r\n\r\n" + get)
	c.Expect("0\r\n\r\n")
}
