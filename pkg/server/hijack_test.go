package server

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// A hijacked connection is the handler's: it has the bytes that the client sent
// already, outlives handler and server, and is not counted.
func TestHijack(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		for _, secure := range []bool{false, true} {
			taken := make(chan net.Conn, 1)
			cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
				if r.Path() == "/" {
					greet(w, r)
					return
				}
				if r.Path() == "/watched" {
					r.Context().Done()
					time.Sleep(20 * time.Millisecond)
				}
				nc, rw, err := w.Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				if _, isTLS := nc.(*tls.Conn); isTLS != secure {
					t.Errorf("%T", nc)
				}
				if _, err := w.Write(nil); err != http.ErrHijacked {
					t.Errorf("Write: %v", err)
				}
				if _, _, err := w.Hijack(); err != http.ErrHijacked {
					t.Errorf("Hijack: %v", err)
				}
				if _, err := r.Body().Read(make([]byte, 1)); err == nil || err == io.EOF {
					t.Errorf("Read: %v", err)
				}
				_, _ = rw.WriteString("raw\n")
				_ = rw.Flush()
				line, err := rw.ReadString('\n')
				if err != nil {
					t.Error(err)
				}
				_, _ = io.WriteString(nc, "got "+line)
				taken <- nc
			})
			for _, path := range []string{"/taken", "/watched"} {
				s, dial := start(t, cfg), func(addr string) *rawconn.Conn { return rawconn.Dial(t, addr) }
				if secure {
					s = startTLS(t, cfg)
					dial = func(addr string) *rawconn.Conn { return rawconn.DialTLS(t, addr, trusting) }
				}
				c := dial(s.addr)
				c.Send(get)
				c.Expect(hello)
				request := "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"
				if path == "/watched" {
					c.Send(request)
					time.Sleep(5 * time.Millisecond)
					c.Send("fir")
				} else {
					c.Send(request + "fir")
				}
				c.Expect("raw\n")
				if st := s.Stats(); st.Open != 0 || st.Active != 0 || st.Requests < 1 {
					t.Errorf("a hijacked connection counts: %+v", st)
				}
				c.Send("st\n")
				c.Expect("got first\n")
				nc := <-taken
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				if err := s.Shutdown(ctx); err != nil {
					t.Errorf("Shutdown waits: %v", err)
				}
				cancel()
				if st := s.Stats(); st.Requests != 2 || st.Accepted != 1 || st.Aborted != 0 {
					t.Errorf("%+v", st)
				}
				c.Send("more")
				b := make([]byte, 4)
				if _, err := io.ReadFull(nc, b); err != nil || string(b) != "more" {
					t.Errorf("after the end of the server: %q, %v", b, err)
				}
				_ = nc.Close()
				c.ExpectEOF()
			}
		}
	})
}

// A response that was begun is sent before the connection changes hands, and a body
// that was not read is in the reader.
func TestHijackAfterWrite(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, r Request) {
		if r.Path() == "/body" {
			_, _ = r.Body().Read(make([]byte, 1))
		}
		w.Header().Set("Content-Length", "100")
		write(w, "begun,")
		nc, rw, err := w.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("got " + line)
		_ = rw.Flush()
	})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc\n")
	c.Expect(ok11 + plain + "Content-Length: 100\r\n\r\nbegun,got bc\n")
	c.ExpectEOF()
}

// A switch of protocols by status and Hijack.
func TestUpgrade(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.Handler = HandlerFunc(func(w ResponseWriter, _ Request) {
			w.Header().Set("Upgrade", "echo")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("X-Accept", "1")
			w.WriteHeader(101)
			nc, rw, err := w.Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			line, _ := rw.ReadString('\n')
			_, _ = io.WriteString(nc, line)
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat, echo\r\n\r\nhello\n")
		c.Expect("HTTP/1.1 101 Switching Protocols\r\n" + date + "X-Accept: 1\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
		c.ExpectEOF()
	})
}

// A handler that says 101 and does nothing more has its connection cut.
func TestUpgradeWithoutHijack(t *testing.T) {
	s := startHandler(t, func(w ResponseWriter, _ Request) {
		w.WriteHeader(101)
		if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
			t.Error(err)
		}
		_ = w.Flush()
	})
	exchangeOnce(t, s.addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n", failed)
}

// A panic leaves a hijacked connection alone.
func TestPanicAfterHijack(t *testing.T) {
	taken := make(chan net.Conn, 1)
	s := startHandler(t, func(w ResponseWriter, _ Request) {
		nc, _, err := w.Hijack()
		if err != nil {
			t.Error(err)
		}
		taken <- nc
		panic(http.ErrAbortHandler)
	})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	nc := <-taken
	time.Sleep(10 * time.Millisecond)
	_, _ = io.WriteString(nc, "still here")
	_ = nc.Close()
	c.Expect("still here")
	c.ExpectEOF()
}
