package downstream

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// waitOnSlow answers at once, but for /slow, which it answers when it is let.
func waitOnSlow(let <-chan struct{}) funcs {
	return funcs{serve: func(ex *message.Exchange) {
		switch string(ex.Request.Path) {
		case "/slow":
			<-let
		case "/panic":
			panic("asked for")
		case "/abort":
			ex.Abort()
			return
		}
		greet(ex)
	}}
}

const getSlow = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"

// A response does not wait for the requests behind its own...
func TestPipelinedResponsesComeOneByOne(t *testing.T) {
	let := make(chan struct{})
	s := start(t, Config{Handler: waitOnSlow(let)})
	c := rawconn.Dial(t, s.addr)
	c.Send(get + getSlow)
	c.Expect(hello)
	c.ExpectSilence(10 * time.Millisecond)
	close(let)
	c.Expect(hello)
}

// ...unless the server was told that its handlers do not wait.
func TestPipelinedResponsesInBatches(t *testing.T) {
	let := make(chan struct{})
	s := start(t, Config{Handler: waitOnSlow(let), BatchPipelined: true})
	c := rawconn.Dial(t, s.addr)
	c.Send(get + getSlow)
	c.ExpectSilence(10 * time.Millisecond)
	close(let)
	c.Expect(hello + hello)
	c.Send(strings.Repeat(get, 100)) // more than the buffer holds
	c.Expect(strings.Repeat(hello, 100))
	// The beginning of a request holds nothing back, nor does a body that is to come.
	c.Send(get + get[:10])
	c.Expect(hello)
	c.Send(get[10:] + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n")
	c.Expect(hello)
	c.Send("\r\n" + get)
	c.Expect(hello + hello)
}

// What comes after a good response, it is sent.
func TestBatchBeforeAFailure(t *testing.T) {
	for name, last := range map[string]string{
		"refusal": "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
		"panic":   "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n",
		"abort":   "GET /abort HTTP/1.1\r\nHost: a\r\n\r\n",
		"close":   "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Config{Handler: waitOnSlow(nil), BatchPipelined: true})
			c := rawconn.Dial(t, s.addr)
			c.Send(get + get + last)
			got, _ := c.Rest()
			if !strings.HasPrefix(got, hello+hello) && name != "abort" { // a reset may overtake it
				t.Errorf("got %q", got)
			}
			if name != "abort" && strings.Count(got, "HTTP/1.1") != 3 {
				t.Errorf("%d responses", strings.Count(got, "HTTP/1.1"))
			}
		})
	}
}

// A client that leaves in the middle of a batch leaves nothing to the next one.
func TestBatchOfAClientThatLeaves(t *testing.T) {
	let := make(chan struct{})
	s := start(t, Config{Handler: waitOnSlow(let), BatchPipelined: true})
	var gone []*rawconn.Conn
	for range 20 {
		c := rawconn.Dial(t, s.addr)
		c.Send(get + get + getSlow + get)
		gone = append(gone, c)
	}
	eventually(t, "all wait", func() bool { return s.Stats().Requests == 40 })
	for _, c := range gone {
		_ = c.NetConn().(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	time.Sleep(10 * time.Millisecond)
	close(let)
	eventually(t, "they are gone", func() bool { return s.Stats().Open == 0 })
	for range 20 {
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		c.Expect(hello)
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Error(s.log.String())
	}
}

// Each exchange's trace counts its own bytes.
func TestBatchIsCountedByExchange(t *testing.T) {
	sent := make(chan int64, 10)
	s := start(t, Config{BatchPipelined: true, Handler: funcs{serve: greet, observe: func(ex *message.Exchange) {
		sent <- ex.Trace.Sent
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(strings.Repeat(get, 3))
	c.Expect(strings.Repeat(hello, 3))
	want := int64(len(hello) - len("@") + len(dateFormat))
	for range 3 {
		if n := <-sent; n != want {
			t.Errorf("%d bytes, want %d", n, want)
		}
	}
	eventually(t, "the server counts them", func() bool { return s.Stats().Sent == uint64(3*want) })
}
