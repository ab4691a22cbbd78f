package server

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// within fails the test unless ctx ends soon.
func within(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Error("the context goes on")
	}
	if ctx.Err() != context.Canceled {
		t.Errorf("Err: %v", ctx.Err())
	}
}

// Contexts end with their handler, and no later request revives one.
func TestContextEndsWithTheHandler(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		kept := make(chan context.Context, 100)
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			ctx := r.Context()
			if ctx != r.Context() || ctx.Err() != nil {
				t.Errorf("a new context: %v", ctx.Err())
			}
			switch r.Path() {
			case "/done":
				select {
				case <-ctx.Done():
					t.Error("it has ended already")
				default:
				}
			case "/child":
				child, cancel := context.WithTimeout(ctx, time.Hour)
				if r.Query() == "cancel" {
					defer cancel()
				} else {
					t.Cleanup(cancel)
				}
				kept <- child
			}
			kept <- ctx
			greet(w, r)
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for range 3 {
			for _, path := range []string{"/", "/done", "/child", "/child?cancel"} {
				c.Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				c.Expect(hello)
			}
		}
		seen := make(map[context.Context]bool)
		for range 3 * 6 {
			ctx := <-kept
			within(t, ctx)
			if seen[ctx] {
				t.Fatal("two requests had one context")
			}
			seen[ctx] = true
			if _, ok := ctx.Deadline(); ok && ctx.Value(http.LocalAddrContextKey) == nil {
				t.Error("the child lost its parent's value")
			}
		}
	})
}

// An unused context costs nothing, one that is only asked for its error one object.
func TestContextIsOneObject(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	s := startHandler(t, func(w ResponseWriter, r Request) {
		if r.Context().Err() == nil {
			greet(w, r)
		}
	})
	c := rawconn.Dial(t, s.addr).NetConn()
	request, buf := []byte(get), make([]byte, responseLength(t, s.addr, get))
	if n := testing.AllocsPerRun(200, func() {
		_, _ = c.Write(request)
		_, _ = io.ReadFull(c, buf)
	}); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

// While a handler works, it can learn that its client has gone: at once, or when it
// has read the body.
func TestContextEndsWithTheClient(t *testing.T) {
	for _, c := range []struct{ name, request string }{
		{"GET", get},
		{"POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"},
		{"chunked POST", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				inAllModes(t, func(t *testing.T, cfg Config) {
					working, ended := make(chan bool, 10), make(chan bool, 10)
					cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
						ctx := r.Context()
						if r.Header().Has("Quick") {
							ctx.Done()
							greet(w, r)
							return
						}
						before := ctx.Done()
						_, _ = io.Copy(io.Discard, r.Body())
						working <- true
						select {
						case <-before:
							ended <- true
						case <-time.After(5 * time.Second):
							t.Error("the context goes on")
							ended <- false
						}
					})
					s, dial := start(t, cfg), func(addr string) *rawconn.Conn { return rawconn.Dial(t, addr) }
					if secure {
						s = startTLS(t, cfg)
						dial = func(addr string) *rawconn.Conn { return rawconn.DialTLS(t, addr, trusting) }
					}
					conn := dial(s.addr)
					quick := "GET / HTTP/1.1\r\nHost: a\r\nQuick: 1\r\n\r\n"
					conn.Send(quick, quick)
					conn.Expect(hello + hello)
					conn.Send(quick)
					conn.Expect(hello)
					conn.Send(c.request)
					<-working
					conn.Close()
					<-ended
				})
			})
		}
	}
}

// What a client sends while its request is worked on is not lost, whether the
// server has read of it or not.
func TestWatchedConnectionLosesNothing(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			r.Context().Done()
			if r.Header().Has("Slow") {
				time.Sleep(20 * time.Millisecond)
			}
			_, _ = io.Copy(w, r.Body())
			_, _ = w.WriteString(".")
		})
		for _, secure := range []bool{false, true} {
			s, dial := start(t, cfg), func(addr string) *rawconn.Conn { return rawconn.Dial(t, addr) }
			if secure {
				s = startTLS(t, cfg)
				dial = func(addr string) *rawconn.Conn { return rawconn.DialTLS(t, addr, trusting) }
			}
			c := dial(s.addr)
			for _, post := range []string{
				"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
				"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
				// Longer than the buffer of a head at its beginning.
				"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: " + strings.Repeat("x", 6000) + "\r\n\r\nabc",
			} {
				c.Send("GET / HTTP/1.1\r\nHost: a\r\nSlow: 1\r\n\r\n")
				time.Sleep(5 * time.Millisecond) // it is being worked on, and watched
				c.Send(post[:1])
				time.Sleep(5 * time.Millisecond)
				c.Send(post[1:] + get)
				c.Expect(ok11 + plain + "Content-Length: 1\r\n\r\n.")
				c.Expect(ok11 + plain + "Content-Length: 4\r\n\r\nabc.")
				c.Expect(ok11 + plain + "Content-Length: 1\r\n\r\n.")
			}
		}
	})
}

// Close and the end of Shutdown's context end contexts too, also of a handler that
// has not read its body, whose connection cannot be watched.
func TestContextEndsWithTheServer(t *testing.T) {
	for _, request := range []string{get, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", get + get} {
		for _, end := range []func(s Server){
			func(s Server) { _ = s.Close() },
			func(s Server) {
				ctx, cancel := context.WithTimeout(context.Background(), short)
				defer cancel()
				if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
					t.Errorf("Shutdown: %v", err)
				}
			},
		} {
			working, ended := make(chan bool), make(chan bool, 1)
			s := startHandler(t, func(_ ResponseWriter, r Request) {
				done := r.Context().Done()
				working <- true
				select {
				case <-done:
					ended <- true
				case <-time.After(5 * time.Second):
					ended <- false
				}
			})
			c := rawconn.Dial(t, s.addr)
			c.Send(request)
			<-working
			end(s.Server)
			if !<-ended {
				t.Errorf("%.4q: the context goes on", request)
			}
		}
	}
}

// Watching ends with the request: it leaves no goroutine, and no deadline.
func TestWatchLeavesNothing(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		r.Context().Done()
		greet(w, r)
	})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(hello)
	before := runtime.NumGoroutine()
	for range 100 {
		c.Send(get)
		c.Expect(hello)
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
