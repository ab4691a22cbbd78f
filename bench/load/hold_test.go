package load

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// server serves each connection with a function, and closes it then.
func server(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	return rawconn.Listen(t, func(conn net.Conn) {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		serve(conn)
	}).String()
}

func TestHold(t *testing.T) {
	const request, answer = "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	want := func(int) *Request { return &Request{[]byte(request), &Answer{Body: []byte("ok")}} }
	for _, c := range []struct {
		answers int // of each connection
		why     string
	}{{2, ""}, {1, "when it had been idle"}, {0, "connection 0"}} {
		var open, answered atomic.Int32
		addr := server(t, func(conn net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			for range c.answers {
				if _, err := io.ReadFull(conn, make([]byte, len(request))); err != nil {
					return
				}
				answered.Add(1)
				if _, err := io.WriteString(conn, answer); err != nil {
					return
				}
			}
			_, _ = conn.Read(make([]byte, 1))
		})
		idle := false
		err := Hold(context.Background(), addr, 5, want, func() error {
			idle = true
			if n := answered.Load(); n != 5 {
				t.Errorf("%d connections had an answer", n)
			}
			if n := open.Load(); n != 5 {
				t.Errorf("%d connections are open", n)
			}
			return nil
		})
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("got %v, want %q", err, c.why)
		}
		if idle != (c.answers > 0) {
			t.Errorf("idle: %v", idle)
		}
	}
	broken := errors.New("broken")
	if err := Hold(context.Background(), "", 0, want, func() error { return broken }); err != broken {
		t.Errorf("got %v", err)
	}
}
