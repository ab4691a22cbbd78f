package downstream

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// A hijacked connection belongs to the handler: the server counts it no more, and
// neither closes it nor ends its reads by deadlines of its own.
func TestHijack(t *testing.T) {
	taken := make(chan net.Conn, 1)
	serve := funcs{serve: func(ex *message.Exchange) {
		if string(ex.Request.Path) == "/" {
			greet(ex)
			return
		}
		nc, buffered, err := ex.Hijack()
		if err != nil || string(buffered) != "rest" {
			t.Errorf("%q, %v", buffered, err)
		}
		if _, _, err := ex.Hijack(); err == nil {
			t.Error("it can be hijacked twice")
		}
		if _, err := ex.NextBody(); err == nil || err == io.EOF {
			t.Errorf("NextBody: %v", err)
		}
		if err := ex.WriteHead(); err == nil || !ex.HeadWritten() {
			t.Error("a head can be written")
		}
		ex.Abort()
		taken <- nc
	}}
	const short = 100 * time.Millisecond
	s := start(t, Config{Handler: serve, KeepAliveTimeout: short, HeaderTimeout: short, BodyTimeout: short, WriteTimeout: short})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(hello)
	c.Send("GET /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nrest")
	nc := <-taken
	defer nc.Close()
	eventually(t, "both requests are counted", func() bool { return s.Stats().Requests == 2 })
	if st := s.Stats(); st.Open != 0 || st.Accepted != 1 {
		t.Errorf("Stats: %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	time.Sleep(2 * short)
	c.Send("more")
	b := make([]byte, 4)
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "more" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := nc.Write([]byte("raw")); err != nil {
		t.Error(err)
	}
	c.Expect("raw")
}

// Watch tells that the client has gone, and what it reads ahead is not lost.
func TestWatch(t *testing.T) {
	for _, secure := range []bool{false, true} {
		gone := make(chan bool, 10)
		serve := funcs{serve: func(ex *message.Exchange) {
			told := make(chan bool, 1)
			ex.Watch(func() { told <- true })
			ex.Watch(func() { t.Error("a second watch was told") })
			for {
				if _, err := ex.NextBody(); err != nil {
					break
				}
			}
			if string(ex.Request.Path) == "/wait" {
				gone <- <-told
			}
			time.Sleep(10 * time.Millisecond)
			greet(ex)
		}}
		s, dial := start(t, Config{Handler: serve}), rawconn.Dial
		if secure {
			s = startTLS(t, Config{Handler: serve})
			dial = func(t testing.TB, addr string) *rawconn.Conn { return rawconn.DialTLS(t, addr, trusting) }
		}
		c := dial(t, s.addr)
		for range 3 {
			c.Send(get)
			time.Sleep(5 * time.Millisecond)
			c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"[:1])
			c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"[1:], get)
			c.Expect(hello + hello + hello)
		}
		c.Send("POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
		time.Sleep(5 * time.Millisecond)
		if len(gone) > 0 {
			t.Fatal("told although the client is there")
		}
		c.CloseWrite()
		<-gone
		c.Expect(hello) // it has only ended its own direction
		c.ExpectEOF()
	}
}

// Close tells whoever watches, also where the connection cannot be read ahead.
func TestCloseTellsWhoWatches(t *testing.T) {
	working, gone := make(chan bool, 1), make(chan bool, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Watch(func() { gone <- true })
		working <- true
		<-gone
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
	<-working
	_ = s.Close()
	c.ExpectReset()
}

// A request that takes too long as a whole is cut, however steadily it arrives.
func TestSlowRequestIsCut(t *testing.T) {
	const limit = 200 * time.Millisecond
	result := make(chan error, 1)
	s := start(t, Config{RequestTimeout: limit, Handler: funcs{serve: func(ex *message.Exchange) {
		for {
			if _, err := ex.NextBody(); err != nil {
				result <- err
				break
			}
		}
		greet(ex)
	}}})
	for _, beginning := range []string{
		"GET / HTTP/1.1\r\nX: ",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
	} {
		c := rawconn.Dial(t, s.addr)
		c.Send(beginning)
		begin := time.Now()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for range 100 {
				time.Sleep(20 * time.Millisecond)
				if _, err := c.NetConn().Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		if strings.HasPrefix(beginning, "GET") {
			c.Expect("HTTP/1.1 408 Request Timeout\r\n")
		} else {
			c.Expect(goodby)
			if err := <-result; err != message.ErrTimeout {
				t.Errorf("NextBody: %v", err)
			}
		}
		if d := time.Since(begin); d < limit/2 || d > 5*limit {
			t.Errorf("cut after %v", d)
		}
		c.Close()
		<-stopped
	}
	// One after another on a connection, each has its own time.
	c := rawconn.Dial(t, s.addr)
	for range 3 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", "a")
		time.Sleep(limit / 2)
		c.Send("b")
		c.Expect(hello)
		<-result
	}
}

// A body that is announced to be too large never reaches the handler.
func TestLargeBodyIsRefused(t *testing.T) {
	s := start(t, Config{MaxBody: 5, Handler: funcs{serve: func(ex *message.Exchange) {
		if ex.Request.Body > 5 {
			t.Errorf("a body of %d bytes", ex.Request.Body)
		}
		for {
			if _, err := ex.NextBody(); err == io.EOF {
				greet(ex)
				return
			} else if err != nil {
				ex.Response.Status = 413
				_ = ex.WriteHead()
				_ = ex.Finish(nil)
				return
			}
		}
	}}})
	for request, want := range map[string]string{
		"Content-Length: 5\r\n\r\nhello":                             "HTTP/1.1 200 OK\r\n",
		"Content-Length: 6\r\n\r\nhello!":                            "HTTP/1.1 413 Request Entity Too Large\r\nDate: @\r\nContent-Type: text/plain; charset=utf-8\r\n",
		"Content-Length: 6\r\nExpect: 100-continue\r\n\r\n":          "HTTP/1.1 413 Request Entity Too Large\r\n",
		"Transfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n": "HTTP/1.1 413 Request Entity Too Large\r\nDate: @\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":  "HTTP/1.1 200 OK\r\n",
	} {
		c := rawconn.Dial(t, s.addr)
		c.Send("POST / HTTP/1.1\r\nHost: a\r\n" + request)
		c.Expect(want)
	}
}
