package downstream

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/locked"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/internal/wait"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

func TestMain(m *testing.M) {
	inmodes.Main(m, func() error {
		return goleak.Find( // fasthttp, in the benchmarks, leaves these behind
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
	})
}

const (
	get    = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	hello  = "HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 5\r\n\r\nhello"
	goodby = "HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
)

// funcs is a handler of functions.
type funcs struct {
	serve   func(*message.Exchange)
	observe func(*message.Exchange)
}

func (f funcs) ServeExchange(ex *message.Exchange) { f.serve(ex) }
func (f funcs) Observe(ex *message.Exchange) {
	if f.observe != nil {
		f.observe(ex)
	}
}

// greet answers "hello".
func greet(ex *message.Exchange) { respond(ex, helloBody) }

var helloBody = []byte("hello")

func respond(ex *message.Exchange, body []byte) {
	ex.Response.Status = 200
	ex.Response.Body = message.Framing(len(body))
	_ = ex.WriteHead()
	_ = ex.WriteBody(body)
	_ = ex.Finish(nil)
}

// serving is a server that a test has started.
type serving struct {
	*Server
	addr string
	log  *locked.Buffer
}

// start serves cfg on a loopback port until the test ends.
func start(t testing.TB, cfg Config) *serving {
	t.Helper()
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, ln, (*Server).Serve)
}

func startOn(t testing.TB, cfg Config, ln net.Listener, serve func(*Server, net.Listener) error) *serving {
	t.Helper()
	cfg.AllocationMode = inmodes.Mode()
	log := new(locked.Buffer)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	if cfg.Handler == nil {
		cfg.Handler = funcs{serve: greet}
	}
	s := &serving{New(cfg), ln.Addr().String(), log}
	done := make(chan error)
	go func() { done <- serve(s.Server, ln) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-done; err != ErrServerClosed {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
	return s
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	wait.For(t, 5*time.Second, what, ok)
}

func TestServesPipelinedRequests(t *testing.T) {
	s := start(t, Config{})
	c := rawconn.Dial(t, s.addr)
	c.Send(strings.Repeat(get, 100))
	c.Expect(strings.Repeat(hello, 100))
	if st := s.Stats(); st.Requests != 100 || st.Accepted != 1 || st.Received != 100*uint64(len(get)) {
		t.Errorf("Stats: %+v", st)
	}
}

func TestLastRequestSaysSo(t *testing.T) {
	s := start(t, Config{KeepAliveRequests: 3})
	c := rawconn.Dial(t, s.addr)
	c.Send(strings.Repeat(get, 4))
	c.Expect(hello + hello + goodby)
	c.ExpectEOF()
}

func TestDisableKeepAlive(t *testing.T) {
	s := start(t, Config{DisableKeepAlive: true})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(goodby)
	c.ExpectEOF()
}

func TestServerName(t *testing.T) {
	s := start(t, Config{ServerName: "shockwave"})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nServer: shockwave\r\nContent-Length: 5\r\n\r\nhello")
	c.Send("nonsense\r\n\r\n")
	c.Expect("HTTP/1.1 400 Bad Request\r\nDate: @\r\nServer: shockwave\r\n")
}

func TestSettingsChangeLive(t *testing.T) {
	s := start(t, Config{})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(hello)
	s.SetConfig(Config{DisableKeepAlive: true})
	c.Send(get)
	c.Expect(goodby)
}

func TestConnectionsBeyondTheLimitAreClosed(t *testing.T) {
	s := start(t, Config{MaxConnections: 2})
	a, b := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	for _, c := range []*rawconn.Conn{a, b} {
		c.Send(get)
		c.Expect(hello)
	}
	third := rawconn.Dial(t, s.addr)
	if rest, _ := third.Rest(); rest != "" {
		t.Fatalf("the third connection got %q", rest)
	}
	if st := s.Stats(); st.Rejected != 1 || st.Open != 2 || st.Accepted != 3 {
		t.Fatalf("Stats: %+v", st)
	}
	a.Close()
	eventually(t, "the connection is counted out", func() bool { return s.Stats().Open == 1 })
	d := rawconn.Dial(t, s.addr)
	d.Send(get)
	d.Expect(hello)
}

// Connections of clients do not get all descriptors, and the log says once that
// they want more.
func TestKeepsDescriptorsForOtherUses(t *testing.T) {
	s := start(t, Config{})
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if uint64(s.most) >= limit.Cur || s.most < 1 {
		t.Fatalf("%d connections with a limit of %d descriptors", s.most, limit.Cur)
	}
	s.mu.Lock()
	s.most = 2
	s.mu.Unlock()
	a, b := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	for range 2 {
		for _, c := range []*rawconn.Conn{a, b} {
			c.Send(get)
			c.Expect(hello)
		}
		rawconn.Dial(t, s.addr).ExpectEOF()
	}
	if n := strings.Count(s.log.String(), "descriptors run short"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, s.log)
	}
	a.Close()
	eventually(t, "there is room again", func() bool { return s.Stats().Open == 1 })
	again := rawconn.Dial(t, s.addr)
	again.Send(get)
	again.Expect(hello)
}

func TestPanicEndsOneConnection(t *testing.T) {
	s := start(t, Config{Handler: funcs{
		serve: func(ex *message.Exchange) {
			if string(ex.Request.Path) == "/panic" {
				panic("on purpose")
			}
			greet(ex)
		},
		observe: func(ex *message.Exchange) {
			if string(ex.Request.Path) == "/observe" {
				panic("on purpose too")
			}
		},
	}})
	other := rawconn.Dial(t, s.addr)
	other.Send(get)
	other.Expect(hello)

	c := rawconn.Dial(t, s.addr)
	c.Send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n" + get)
	if rest, err := c.Rest(); err != nil || !strings.HasPrefix(rest, "HTTP/1.1 500 ") || strings.Contains(rest, "hello") {
		t.Fatalf("after a panic: %q, %v", rest, err)
	}
	c = rawconn.Dial(t, s.addr)
	c.Send("GET /observe HTTP/1.1\r\nHost: a\r\n\r\n" + get)
	c.Expect(hello)
	c.ExpectEOF()

	other.Send(get)
	other.Expect(hello)
	if n := strings.Count(s.log.String(), "stack="); n != 2 {
		t.Errorf("%d stacks in the log, want 2:\n%s", n, s.log)
	}
	if n := s.Stats().Panics; n != 2 {
		t.Errorf("%d panics counted, want 2", n)
	}
}

// seen is what an observer keeps of an exchange.
type seen struct {
	status                   int
	received, sent, bodySent int64
	refusal, target          string
}

func TestObserveIsCalledOnceWithTheTrace(t *testing.T) {
	got := make(chan seen, 10)
	s := start(t, Config{Handler: funcs{
		serve: func(ex *message.Exchange) {
			switch string(ex.Request.Path) {
			case "/panic":
				panic("on purpose")
			case "/abort":
				ex.Abort()
			case "/none":
			case "/":
				for {
					if _, err := ex.NextBody(); err != nil {
						break
					}
				}
				greet(ex)
			case "/tunnel":
				ex.Response.Status = 101
				_ = ex.WriteHead()
				if tun, buffered, err := ex.Upgrade(); err == nil {
					_, _ = tun.Write(append([]byte("got "), buffered...))
					_ = tun.Close()
				}
			}
		},
		observe: func(ex *message.Exchange) {
			tr := &ex.Trace
			got <- seen{tr.Status, tr.Received, tr.Sent, tr.BodySent, tr.Refusal, string(ex.Request.Target)}
		},
	}})
	const head = int64(len("GET /none HTTP/1.1\r\nHost: a\r\n\r\n"))
	helloLen := int64(len(hello) - len("@") + len(dateFormat))
	for _, c := range []struct {
		send string
		want seen
	}{
		{get, seen{200, int64(len(get)), helloLen, 5, "", "/"}},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", seen{200, 50, helloLen, 5, "", "/"}},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", seen{200, 69, helloLen, 5, "", "/"}},
		{"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", seen{500, head, 177, 22, "", "/none"}},
		{"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n", seen{500, head + 1, 177, 22, "", "/panic"}},
		{"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc", seen{101, 69, 113, 7, "", "/tunnel"}},
		{"GET /abort HTTP/1.1\r\nHost: a\r\n\r\n", seen{0, head + 1, 0, 0, "", "/abort"}},
		{"GET / HTTP/1.1\nHost: a\r\n\r\n", seen{400, 26, 186, 41, "line does not end with CRLF", ""}},
	} {
		conn := rawconn.Dial(t, s.addr)
		conn.Send(c.send)
		select {
		case one := <-got:
			if one != c.want {
				t.Errorf("%q:\n got %+v\nwant %+v", c.send, one, c.want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%q was not observed", c.send)
		}
		conn.Close()
	}
	if len(got) > 0 {
		t.Errorf("observed once too often: %+v", <-got)
	}
}

func TestLargeResponses(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status = 200
		ex.Response.Body = message.Framing(len(body))
		if ex.Request.HasQuery {
			ex.Response.Body = message.Chunked
		}
		_ = ex.WriteHead()
		for left := body; len(left) > 0; {
			n := min(len(left), 100_000)
			_ = ex.WriteBody(left[:n])
			left = left[n:]
		}
		_ = ex.Finish(nil)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 1048576\r\n\r\n" + string(body))
	c.Send("GET /?chunked HTTP/1.1\r\nHost: a\r\n\r\n")
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nTransfer-Encoding: chunked\r\n\r\n")
	for left := string(body); left != ""; {
		n := min(len(left), 100_000)
		if n == 100_000 {
			c.Expect("186a0\r\n" + left[:n] + "\r\n")
		} else {
			c.Expect("bdc0\r\n" + left[:n] + "\r\n")
		}
		left = left[n:]
	}
	c.Expect("0\r\n\r\n")
}

func TestLargeRequestBodies(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		var got []byte
		for {
			p, err := ex.NextBody()
			got = append(got, p...)
			if err != nil {
				if err != io.EOF || ex.Request.Body != 0 && !bytes.Equal(got, body) || string(ex.Request.Authority) != "a" {
					t.Errorf("read %d bytes, then %v", len(got), err)
				}
				break
			}
		}
		greet(ex)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n", string(body))
	c.Expect(hello)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	for left := string(body); left != ""; left = left[1<<14:] {
		c.Send("4000\r\n", left[:1<<14], "\r\n")
	}
	c.Send("0\r\n\r\n" + get)
	c.Expect(hello)
}

// A client that is still sending when it is refused reads the reason: no reset
// overtakes it.
func TestRefusedClientReadsTheReason(t *testing.T) {
	s := start(t, Config{})
	for range 20 {
		c := rawconn.Dial(t, s.addr)
		c.Send("POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 1000000\r\n\r\n")
		for range 20 {
			c.Send(strings.Repeat("x", 50_000))
		}
		c.Expect("HTTP/1.1 400 Bad Request\r\n")
		if _, err := c.Rest(); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

// The response may end while another goroutine still waits for the request body.
func TestEarlyResponseFreesTheBodyPump(t *testing.T) {
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		pumped := make(chan struct{})
		go func() {
			defer close(pumped)
			for {
				if _, err := ex.NextBody(); err != nil {
					return // io.EOF, if the client was quick after our response
				}
			}
		}()
		if ex.Request.HasQuery {
			time.Sleep(20 * time.Millisecond) // so that the pump is waiting by now
		}
		greet(ex)
		<-pumped
	}}})
	c := rawconn.Dial(t, s.addr)
	for i := range 100 {
		target := "/"
		if i%10 == 0 {
			target = "/?wait"
		}
		c.Send("POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		c.Expect(hello)
		c.Send("def") // is drained, and the connection goes on
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	s := New(Config{Handler: funcs{serve: greet}})
	defer s.Close()
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := s.Serve(ln); err == nil || err == ErrServerClosed {
		t.Fatalf("Serve on a closed listener: %v", err)
	}
	_ = s.Shutdown(context.Background())
	if err := s.Serve(ln); err != ErrServerClosed {
		t.Fatalf("Serve after Shutdown: %v", err)
	}
}
