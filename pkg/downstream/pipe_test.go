package downstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// other returns a connection that a handler pipes to or from, and its other end. It is
// made before the server, so that handlers see it.
func other(t testing.TB) (ours *sock.Conn, peer *net.TCPConn) {
	t.Helper()
	reaper := sock.NewReaper()
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); reaper.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-stopped })
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours, peer = sock.New(nc, reaper), far.(*net.TCPConn)
	t.Cleanup(func() { _ = ours.Close(); _ = peer.Close() })
	return ours, peer
}

// piping is a server whose handler pipes, and what the last piping has returned.
type piping struct {
	*serving
	to      *sock.Conn // the handler's end
	peer    *net.TCPConn
	results chan piped
	seen    chan seen
}

type piped struct {
	moved             int64
	ok                bool
	readErr, writeErr error
}

// startPiping serves requests whose bodies are piped to, or, when the query is a number,
// answers with that many bytes piped from the other connection.
func startPiping(t testing.TB, cfg Config) *piping {
	t.Helper()
	p := &piping{results: make(chan piped, 10), seen: make(chan seen, 10)}
	p.to, p.peer = other(t)
	cfg.Handler = p
	p.serving = start(t, cfg)
	return p
}

func (p *piping) ServeExchange(ex *message.Exchange) {
	var r piped
	if ex.Request.HasQuery {
		var n int64
		_, _ = fmt.Sscan(string(ex.Request.Query), &n)
		ex.Response.Status, ex.Response.Body = 200, message.Framing(n)
		switch string(ex.Request.Path) {
		case "/304":
			ex.Response.Status = 304
		case "/chunked":
			ex.Response.Body = message.Chunked
		}
		_ = ex.WriteHead()
		r.moved, r.ok, r.readErr, r.writeErr = ex.PipeFrom(p.to, n, time.Second)
		p.results <- r
		_ = ex.Finish(nil)
		return
	}
	r.moved, r.ok, r.readErr, r.writeErr = ex.PipeBody(p.to, time.Second)
	p.results <- r
	if !r.ok || r.readErr != nil {
		for {
			if _, err := ex.NextBody(); err != nil {
				break
			}
		}
	}
	greet(ex)
}

func (p *piping) Observe(ex *message.Exchange) {
	tr := &ex.Trace
	p.seen <- seen{tr.Status, tr.Received, tr.Sent, tr.BodySent, tr.Refusal, string(ex.Request.Target)}
}

// result returns what the handler's piping has returned.
func (p *piping) result(t testing.TB) piped {
	t.Helper()
	select {
	case r := <-p.results:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("the handler still pipes")
		panic("unreachable")
	}
}

func (p *piping) want(t testing.TB, want piped) {
	t.Helper()
	r := p.result(t)
	if r.moved != want.moved || r.ok != want.ok || !errors.Is(r.readErr, want.readErr) || !errors.Is(r.writeErr, want.writeErr) {
		t.Fatalf("piped: %+v, want %+v", r, want)
	}
}

// received reads n bytes of what the other end got.
func (p *piping) received(t testing.TB, n int) string {
	t.Helper()
	b := make([]byte, n)
	_ = p.peer.SetReadDeadline(time.Now().Add(10 * time.Second))
	if at, err := io.ReadFull(p.peer, b); err != nil {
		t.Fatalf("the other end got %d bytes of %d: %v", at, n, err)
	}
	return string(b)
}

func randomBody(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

// The body arrives once and whole, however much of it came with the head, and the
// connection goes on behind it.
func TestPipeBody(t *testing.T) {
	p := startPiping(t, Config{})
	c := rawconn.Dial(t, p.addr)
	for _, size := range []int{1, 1000, 10_000, 3 << 20} {
		for _, first := range []int{0, 1, size / 2, size} {
			body := randomBody(size)
			head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				c.Send(head + body[:first])
				if first < size {
					time.Sleep(2 * time.Millisecond)
					c.Send(body[first:])
				}
			}()
			if got := p.received(t, size); got != body {
				t.Fatalf("%d bytes, %d with the head: another body arrived", size, first)
			}
			<-sent
			p.want(t, piped{moved: int64(size), ok: true})
			c.Expect(hello)
			if one := <-p.seen; one.received != int64(len(head)+size) || one.status != 200 {
				t.Fatalf("%d bytes: %+v", size, one)
			}
			c.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
			p.want(t, piped{})
			c.Expect(hello)
			<-p.seen
		}
	}
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + strings.ReplaceAll(get, "GET", "PUT"))
	p.want(t, piped{moved: 3, ok: true})
	p.want(t, piped{}) // there is no body
	c.Expect(hello + hello)
	if got := p.received(t, 3); got != "abc" {
		t.Errorf("%q", got)
	}
}

func TestPipeBodyAsksForTheBody(t *testing.T) {
	p := startPiping(t, Config{})
	c := rawconn.Dial(t, p.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	c.Expect("HTTP/1.1 100 Continue\r\n\r\n")
	c.Send("hello")
	p.want(t, piped{moved: 5, ok: true})
	c.Expect(hello)
}

func TestPipeBodyIsBounded(t *testing.T) {
	p := startPiping(t, Config{BodyTimeout: 2 * sock.Tick})
	post := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"
	c := rawconn.Dial(t, p.addr)
	c.Send(post)
	p.want(t, piped{moved: 3, ok: true, readErr: message.ErrTimeout})
	c.Expect(goodby)

	c = rawconn.Dial(t, p.addr)
	c.Send(post)
	c.CloseWrite()
	p.want(t, piped{moved: 3, ok: true, readErr: message.ErrClientGone})
	c.Expect(goodby)

	p = startPiping(t, Config{RequestTimeout: 4 * sock.Tick})
	c = rawconn.Dial(t, p.addr)
	stopped := make(chan struct{})
	c.Send(strings.Replace(post, "6", "600", 1))
	go func() {
		defer close(stopped)
		for range 100 {
			time.Sleep(20 * time.Millisecond)
			if _, err := c.NetConn().Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	if r := p.result(t); !r.ok || r.readErr != message.ErrTimeout {
		t.Errorf("a slow request: %+v", r)
	}
	_, _ = c.Rest()
	c.Close()
	<-stopped
}

// A handler may lower the limit when it knows what the request is for.
func TestPipeBodyKeepsTheLimit(t *testing.T) {
	got := make(chan error, 1)
	to, _ := other(t)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Request.MaxBody = 5
		moved, ok, readErr, _ := ex.PipeBody(to, time.Second)
		if moved != 0 || !ok {
			t.Errorf("moved %d, %v", moved, ok)
		}
		got <- readErr
		ex.Response.Status = 413
		_ = ex.WriteHead()
		_ = ex.Finish(nil)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef")
	if err := <-got; err != message.ErrBodyTooLarge {
		t.Errorf("%v", err)
	}
	c.Expect("HTTP/1.1 413 Request Entity Too Large\r\nDate: @\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// When the other side is lost, the client still gets its answer, and what of the body
// was not taken is known.
func TestPipeBodyToALostPeer(t *testing.T) {
	p := startPiping(t, Config{})
	_ = p.peer.SetLinger(0)
	_ = p.peer.Close()
	c := rawconn.Dial(t, p.addr)
	for i := range 2 {
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", strings.Repeat("x", 5000))
		if r := p.result(t); !r.ok || r.readErr != nil || r.writeErr == nil || r.moved != 0 {
			t.Fatalf("%d: %+v", i, r)
		}
		c.Expect(hello)
		<-p.seen
	}

	p = startPiping(t, Config{})
	go func() {
		_, _ = io.CopyN(io.Discard, p.peer, 1<<20)
		_ = p.peer.SetLinger(0)
		_ = p.peer.Close()
	}()
	c = rawconn.Dial(t, p.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
	stopped := make(chan struct{})
	go func() { defer close(stopped); c.Send(strings.Repeat("x", 50_000_000)) }()
	if r := p.result(t); !r.ok || r.readErr != nil || r.writeErr == nil || r.moved < 1<<20 || r.moved == 50_000_000 {
		t.Fatalf("%+v", r)
	}
	c.Expect("HTTP/1.1 200 OK\r\n")
	_, _ = c.Rest()
	<-stopped
}

// A peer that takes nothing is given up after the time that the caller allows.
func TestPipeBodyToAStalledPeer(t *testing.T) {
	p := startPiping(t, Config{})
	c := rawconn.Dial(t, p.addr)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
	stopped := make(chan struct{})
	go func() { defer close(stopped); c.Send(strings.Repeat("x", 50_000_000)) }()
	p.want(t, piped{moved: -1, ok: true, writeErr: os.ErrDeadlineExceeded}.but(p, t))
	c.Close()
	<-stopped
}

// but is r with the count of the next result, which the test does not know.
func (r piped) but(p *piping, t testing.TB) piped {
	got := p.result(t)
	r.moved = got.moved
	p.results <- got
	return r
}

// The end of the response frees a goroutine that pipes the body, and the connection goes
// on when the rest of that arrives.
func TestEarlyResponseFreesThePipe(t *testing.T) {
	to, peer := other(t)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	ends := make(chan error, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, ok, readErr, _ := ex.PipeBody(to, time.Second)
			if !ok {
				t.Error("the body cannot be piped")
			}
			ends <- readErr
		}()
		if ex.Request.HasQuery {
			time.Sleep(20 * time.Millisecond) // so that the pipe waits by now
		}
		if string(ex.Request.Path) == "/abort" {
			ex.Abort()
		} else {
			greet(ex)
		}
		<-done
	}}})
	c := rawconn.Dial(t, s.addr)
	for i := range 50 {
		target := "/"
		if i%10 == 0 {
			target = "/?wait"
		}
		c.Send("POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		c.Expect(hello)
		if err := <-ends; err != errResponseEnded {
			t.Fatalf("%d: %v", i, err)
		}
		c.Send("def") // is drained, and the connection goes on
	}
	for _, target := range []string{"/abort", "/abort?wait"} {
		c = rawconn.Dial(t, s.addr)
		c.Send("POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		if err := <-ends; err == nil {
			t.Errorf("%s: the body has ended", target)
		}
		c.ExpectReset()
	}
}

func TestPipeNeedsPlainSockets(t *testing.T) {
	results := make(chan piped, 10)
	to, _ := other(t)
	s := startTLS(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		var r piped
		r.moved, r.ok, r.readErr, r.writeErr = ex.PipeBody(to, time.Second)
		results <- r
		if _, err := ex.NextBody(); err != nil {
			t.Error(err)
		}
		ex.Response.Status, ex.Response.Body = 200, 5
		_ = ex.WriteHead()
		r.moved, r.ok, r.readErr, r.writeErr = ex.PipeFrom(to, 5, time.Second)
		results <- r
		_ = ex.WriteBody(helloBody)
		_ = ex.Finish(nil)
	}}})
	c := rawconn.DialTLS(t, s.addr, trusting)
	c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
	c.Expect(hello)
	for range 2 {
		if r := <-results; r != (piped{}) {
			t.Errorf("%+v", r)
		}
	}
}

func TestPipeFrom(t *testing.T) {
	p := startPiping(t, Config{})
	c := rawconn.Dial(t, p.addr)
	for _, size := range []int{1, 1000, 10_000, 1 << 20} {
		body := randomBody(size)
		go func() { _, _ = p.peer.Write([]byte(body)) }()
		c.Send(fmt.Sprintf("GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n", size))
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: %d\r\n\r\n", size)
		c.Expect(head)
		c.Expect(body)
		p.want(t, piped{moved: int64(size), ok: true})
		sent := int64(len(head) - 1 + len(dateFormat) + size)
		if one := <-p.seen; one.status != 200 || one.bodySent != int64(size) || one.sent != sent {
			t.Fatalf("%d bytes: %+v, want %d sent", size, one, sent)
		}
	}
	c.Send("GET /?5 HTTP/1.0\r\nHost: a\r\n\r\n")
	_, _ = p.peer.Write(helloBody)
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	p.want(t, piped{moved: 5, ok: true})

	for _, request := range []string{
		"HEAD /?5 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /304?5 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /chunked?5 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /chunked?5 HTTP/1.0\r\nHost: a\r\n\r\n",
	} {
		c := rawconn.Dial(t, p.addr)
		c.Send(request)
		p.want(t, piped{})
	}
}

// A source that ends, or says nothing, leaves a response that the client sees cut.
func TestPipeFromAFailingPeer(t *testing.T) {
	p := startPiping(t, Config{})
	c := rawconn.Dial(t, p.addr)
	c.Send("GET /?100 HTTP/1.1\r\nHost: a\r\n\r\n")
	_, _ = p.peer.Write(helloBody)
	p.want(t, piped{moved: 5, ok: true, readErr: sock.ErrTimeout})
	c.ExpectReset()

	p = startPiping(t, Config{})
	c = rawconn.Dial(t, p.addr)
	_, _ = p.peer.Write(helloBody)
	_ = p.peer.Close()
	c.Send("GET /?100 HTTP/1.1\r\nHost: a\r\n\r\n")
	p.want(t, piped{moved: 5, ok: true, readErr: io.EOF})
	c.ExpectReset()
}

func TestPipeFromToALostClient(t *testing.T) {
	p := startPiping(t, Config{WriteTimeout: 4 * sock.Tick})
	go func() {
		for {
			if _, err := p.peer.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}()
	c := rawconn.Dial(t, p.addr)
	c.Send("GET /?10000000000 HTTP/1.1\r\nHost: a\r\n\r\n") // and reads nothing
	p.want(t, piped{ok: true, writeErr: message.ErrTimeout}.but(p, t))

	c = rawconn.Dial(t, p.addr)
	c.Send("GET /?10000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
	c.Expect("HTTP/1.1 200 OK\r\n")
	_ = c.NetConn().(*net.TCPConn).SetLinger(0)
	c.Close()
	p.want(t, piped{ok: true, writeErr: message.ErrClientGone}.but(p, t))
	_ = p.to.Close()
}

// More than was announced is refused before anything is moved.
func TestPipeFromKeepsTheLength(t *testing.T) {
	from, peer := other(t)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		if _, ok, _, _ := ex.PipeFrom(from, 5, time.Second); ok {
			t.Error("piped before the head")
		}
		ex.Response.Status, ex.Response.Body = 200, 5
		_ = ex.WriteHead()
		if moved, ok, _, writeErr := ex.PipeFrom(from, 6, time.Second); moved != 0 || !ok || writeErr != message.ErrBodyLength {
			t.Errorf("moved %d, %v, %v", moved, ok, writeErr)
		}
		_ = ex.WriteBody(helloBody[:2])
		if moved, _, readErr, writeErr := ex.PipeFrom(from, 2, time.Second); moved != 2 || readErr != nil || writeErr != nil {
			t.Errorf("moved %d: %v, %v", moved, readErr, writeErr)
		}
		_ = ex.WriteBody(helloBody[4:])
		_ = ex.Finish(nil)
		if _, ok, _, _ := ex.PipeFrom(from, 1, time.Second); ok {
			t.Error("piped after the end")
		}
	}}})
	_, _ = peer.Write([]byte("ll"))
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(hello)
}

func TestPipesDoNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	const size = 20_000
	to, peer := other(t)
	s := start(t, Config{KeepAliveRequests: -1, Handler: funcs{serve: func(ex *message.Exchange) {
		_, _, _, _ = ex.PipeBody(to, time.Second)
		ex.Response.Status, ex.Response.Body = 200, size
		_ = ex.WriteHead()
		_, _, _, _ = ex.PipeFrom(to, size, time.Second)
		_ = ex.Finish(nil)
	}}})
	nc := dialRaw(t, s.addr)
	body := bytes.Repeat([]byte("x"), size)
	request := append([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"), body...)
	response := make([]byte, len("HTTP/1.1 200 OK\r\nDate: \r\nContent-Length: 20000\r\n\r\n")+len(dateFormat)+size)
	if n := testing.AllocsPerRun(200, func() {
		_, _ = nc.Write(request)
		_, _ = io.ReadFull(peer, body)
		_, _ = peer.Write(body)
		_, _ = io.ReadFull(nc, response)
	}); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}
