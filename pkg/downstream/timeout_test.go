package downstream

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// A head that trickles in is cut at the deadline, however often bytes come.
func TestSlowHeadIsCut(t *testing.T) {
	s := start(t, Config{HeaderTimeout: 200 * time.Millisecond})
	for _, beginning := range []string{"GET / HTTP/1.1\r\nHost: a\r\n", get + "GET /"} {
		c := rawconn.Dial(t, s.addr)
		c.Send(beginning)
		if strings.HasPrefix(beginning, get) {
			c.Expect(hello)
		}
		begin := time.Now()
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for range 50 {
				time.Sleep(20 * time.Millisecond)
				if _, err := c.NetConn().Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		c.Expect("HTTP/1.1 408 Request Timeout\r\n")
		if d := time.Since(begin); d > 200*time.Millisecond+5*sock.Tick {
			t.Errorf("cut after %v", d)
		}
		c.Close()
		<-stop
	}
}

// A connection on which no request has begun ends without a word.
func TestIdleConnectionsAreClosed(t *testing.T) {
	s := start(t, Config{KeepAliveTimeout: 100 * time.Millisecond, HeaderTimeout: 100 * time.Millisecond})
	for _, first := range []string{"", get, "\r\n", get + "\r\n"} {
		c := rawconn.Dial(t, s.addr)
		c.Send(first)
		if strings.HasPrefix(first, get) {
			c.Expect(hello)
		}
		begin := time.Now()
		c.ExpectEOF()
		if d := time.Since(begin); d > 100*time.Millisecond+5*sock.Tick {
			t.Errorf("closed after %v", d)
		}
	}
}

// The deadline of one state must not end the next one.
func TestHandlersMayTakeLongerThanTheTimeouts(t *testing.T) {
	const short = 2 * sock.Tick
	s := start(t, Config{
		KeepAliveTimeout: short, HeaderTimeout: short, BodyTimeout: short, WriteTimeout: short,
		Handler: funcs{serve: func(ex *message.Exchange) {
			for {
				if _, err := ex.NextBody(); err != nil {
					break
				}
				time.Sleep(2 * short)
			}
			ex.Response.Status, ex.Response.Body = 200, 5
			_ = ex.WriteHead()
			_ = ex.Flush()
			time.Sleep(2 * short)
			_ = ex.WriteBody(helloBody)
			_ = ex.Finish(nil)
		}},
	})
	c := rawconn.Dial(t, s.addr)
	for range 2 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		time.Sleep(short / 2)
		c.Send("def")
		c.Expect(hello)
	}
}

func TestSilentBodyTimesOut(t *testing.T) {
	got := make(chan error, 1)
	s := start(t, Config{BodyTimeout: 100 * time.Millisecond, Handler: funcs{serve: func(ex *message.Exchange) {
		for {
			if _, err := ex.NextBody(); err != nil {
				got <- err
				break
			}
		}
		ex.Response.Status = 408
		_ = ex.WriteHead()
		_ = ex.Finish(nil)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
	c.Expect("HTTP/1.1 408 Request Timeout\r\nDate: @\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	c.ExpectEOF()
	if err := <-got; !errors.Is(err, message.ErrTimeout) {
		t.Errorf("NextBody: %v", err)
	}
}

func TestBodyRate(t *testing.T) {
	for _, c := range []struct {
		data   int64
		waited time.Duration
		want   bool
	}{
		{0, 20 * time.Second, false},
		{0, 22 * time.Second, true},
		{2*minBodyRate - 1, 22 * time.Second, true},
		{2 * minBodyRate, 22 * time.Second, false},
		{1, 60 * time.Second, true},
	} {
		var x exchange
		x.body.data, x.body.waited = c.data, c.waited
		if got := x.tooSlow(); got != c.want {
			t.Errorf("%d bytes in %v: too slow %v, want %v", c.data, c.waited, got, c.want)
		}
	}
}

// A client that takes nothing is cut, and the handler learns of it.
func TestClientThatDoesNotReadIsCut(t *testing.T) {
	got := make(chan error, 1)
	part := bytes.Repeat([]byte("x"), 1<<20)
	s := start(t, Config{WriteTimeout: 100 * time.Millisecond, Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		for range 100 {
			if err := ex.WriteBody(part); err != nil {
				got <- err
				return
			}
		}
		got <- nil
	}}})
	c := rawconn.Dial(t, s.addr)
	_ = c.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
	c.Send(get)
	select {
	case err := <-got:
		if !errors.Is(err, message.ErrTimeout) {
			t.Fatalf("WriteBody: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the handler still writes")
	}
	if _, err := c.Rest(); err == nil {
		t.Fatal("the response ended cleanly")
	}
}

func TestTunnelIdle(t *testing.T) {
	got := make(chan error, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status = 101
		_ = ex.WriteHead()
		tun, _, err := ex.Upgrade()
		if err != nil {
			t.Error(err)
			return
		}
		tun.SetIdle(100 * time.Millisecond)
		b := make([]byte, 8)
		for err == nil {
			_, err = tun.Read(b)
		}
		got <- err
		_ = tun.CloseWrite()
		_ = tun.Close()
		if _, err := tun.Read(b); err == nil {
			t.Error("read from a closed tunnel")
		}
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
	c.Until("\r\n\r\n")
	for range 4 {
		time.Sleep(50 * time.Millisecond)
		c.Send("x")
	}
	if err := <-got; !errors.Is(err, message.ErrTimeout) {
		t.Fatalf("Read: %v", err)
	}
	c.ExpectEOF()
}

func TestDateCache(t *testing.T) {
	var d dateCache
	at := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	first := d.field(at)
	if string(first) != "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" {
		t.Fatalf("%q", first)
	}
	if again := d.field(at.Add(999 * time.Millisecond)); &again[0] != &first[0] {
		t.Error("formatted twice in one second")
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{time.Second, "08:49:38"},
		{0, "08:49:38"}, // a reading a little older than another connection's
		{-time.Minute, "08:48:37"},
		{time.Hour, "09:49:37"},
	} {
		if got := d.field(at.Add(c.d)); !strings.Contains(string(got), c.want) {
			t.Errorf("%v later: %q", c.d, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { d.field(at.Add(time.Hour)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// answeringConn writes before each read, as TLS does when it answers a KeyUpdate.
type answeringConn struct{ net.Conn }

func (c answeringConn) Read(p []byte) (int, error) {
	if _, err := c.Conn.Write(make([]byte, 32<<20)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

type answeringListener struct{ net.Listener }

func (l answeringListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return answeringConn{c}, err
}

// A client that does not take what a read has to write is not waited for longer
// than one that says nothing.
func TestReadThatWritesIsCut(t *testing.T) {
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, Config{KeepAliveTimeout: 100 * time.Millisecond}, answeringListener{ln}, (*Server).Serve)
	rawconn.Dial(t, s.addr)
	eventually(t, "connection is open", func() bool { return s.Stats().Accepted == 1 })
	eventually(t, "connection is closed", func() bool { return s.Stats().Open == 0 })
}
