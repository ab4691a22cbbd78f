package forwarding

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// A client that leaves in the middle of a large body must not look like one that has
// sent all of it.
func TestUploadThatEndsEarly(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, framing := range map[string]string{"length": "Content-Length: 100000000\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\n1000000\r\n"} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secure), func(t *testing.T) {
				ended := make(chan error, 1)
				reads := app(t, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					ended <- err
				})
				s := newSite(t, nil, reads)
				nc := s.dial(secure)
				_, _ = io.WriteString(nc, "PUT / HTTP/1.1\r\nHost: app.test\r\n"+framing)
				_, _ = io.Copy(nc, &endless{3 << 20})
				_ = nc.Close()
				select {
				case err := <-ended:
					if err == nil {
						t.Error("the application takes the body for whole")
					}
				case <-time.After(patience):
					t.Error("the application is not told")
				}
				s.until("nothing is left", func() bool {
					idle, active := s.pool()
					return idle == 0 && active == 0 && s.stats().Exchanges == 0
				})
			})
		}
	}
}

func (s *site) dial(secure bool) (nc net.Conn) {
	s.t.Helper()
	var err error
	if secure {
		nc, err = tls.Dial("tcp", s.secure, &tls.Config{InsecureSkipVerify: true, ServerName: "app.test", NextProtos: []string{"http/1.1"}})
	} else {
		nc, err = net.Dial("tcp", s.plain)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// An endpoint that dies in the middle of a large body is an error for the client, who
// does not have to send the rest.
func TestEndpointDiesDuringUpload(t *testing.T) {
	for _, buffering := range []bool{false, true} {
		dies := app(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			panic(http.ErrAbortHandler)
		})
		s := newSite(t, route(func(o *model.Options) { o.Buffering.Request = buffering }), dies)
		resp, err := s.client.Post("https://app.test/", "", io.LimitReader(&endless{32 << 20}, 32<<20))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != 502 {
				t.Errorf("buffered %t: %d", buffering, resp.StatusCode)
			}
		}
		s.until("nothing is left", func() bool {
			idle, active := s.pool()
			return idle == 0 && active == 0 && s.stats().Exchanges == 0
		})
	}
}

// What a WebSocket carries passes as it is: messages in fragments, pings and pongs, the
// code of whichever side closes first, and the end of a side that does not close.
func TestWebSocketEnds(t *testing.T) {
	type end struct {
		code websocket.StatusCode
		err  error
	}
	ended := make(chan end, 1)
	server := app(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		ctx := context.Background()
		if r.URL.Path == "/drop" {
			_, _, _ = c.Read(ctx)
			return
		}
		for {
			kind, in, err := c.Reader(ctx)
			if err != nil {
				ended <- end{websocket.CloseStatus(err), err}
				return
			}
			out, err := c.Writer(ctx, kind)
			if err != nil {
				return
			}
			// Each write is a fragment.
			_, _ = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 1000))
			_ = out.Close()
		}
	})
	s := newSite(t, nil, server)
	dial := func(path string) *websocket.Conn {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, _, err := websocket.Dial(ctx, "ws://app.test"+path, &websocket.DialOptions{HTTPClient: s.client})
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadLimit(8 << 20)
		return c
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	c := dial("/echo")
	w, err := c.Writer(ctx, websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		_, _ = w.Write([]byte("a fragment of a message. "))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || len(got) != 500*25 {
		t.Errorf("%d bytes of 12500: %v", len(got), err)
	}
	reading := c.CloseRead(ctx) // for the pongs
	for range 3 {
		if err := c.Ping(ctx); err != nil {
			t.Errorf("no pong: %v", err)
		}
	}
	if reading.Err() != nil {
		t.Error("ended after pings")
	}
	if err := c.Close(4002, "enough"); err != nil && websocket.CloseStatus(err) != 4002 {
		t.Errorf("close: %v", err)
	}
	if e := <-ended; e.code != 4002 {
		t.Errorf("the server saw %d, %v", e.code, e.err)
	}

	c = dial("/echo")
	_ = c.CloseNow()
	if e := <-ended; e.err == nil || e.code != -1 {
		t.Errorf("the server saw %d, %v of a client that vanished", e.code, e.err)
	}

	c = dial("/drop")
	_ = c.Write(ctx, websocket.MessageText, []byte("x"))
	if _, _, err := c.Read(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the client saw %v of a server that vanished", err)
	}
	_ = c.CloseNow()
	s.until("nothing is left", func() bool { return s.stats().Exchanges == 0 })
}
