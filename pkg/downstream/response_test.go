package downstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// A body made of many small writes is sent as it grows: the write buffer stays
// as small as it was.
func TestManySmallWritesStayBounded(t *testing.T) {
	largest := make(chan int, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		for range 20_000 {
			_ = ex.WriteBody(helloBody)
		}
		largest <- cap(ex.Stream.(*exchange).write.buf)
		_ = ex.Finish(nil)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 20 {
		c.Expect(strings.Repeat("5\r\nhello\r\n", 1000))
	}
	c.Expect("0\r\n\r\n")
	if n := <-largest; n > outBuffer {
		t.Errorf("the write buffer grew to %d bytes", n)
	}
}

// Chunks of every size around that of the write buffer.
func TestChunksOfAllSizes(t *testing.T) {
	body := []byte(strings.Repeat("x", outBuffer+10))
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		for n := outBuffer - 200; n <= len(body); n++ {
			_ = ex.WriteBody(body[:n])
			if n%7 == 0 {
				_ = ex.Flush()
			}
		}
		_ = ex.Finish(nil)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Until("\r\n\r\n")
	for n := outBuffer - 200; n <= len(body); n++ {
		c.Expect(fmt.Sprintf("%x\r\n%s\r\n", n, body[:n]))
	}
	c.Expect("0\r\n\r\n")
}

func TestLargeHeads(t *testing.T) {
	long := strings.Repeat("y", 10_000)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		var hints message.Fields
		hints.AddName("Link", []byte(long))
		_ = ex.WriteInterim(103, &hints)
		for i := range 10 {
			ex.Response.Fields.AddName(fmt.Sprintf("X-%d", i), []byte(long))
		}
		greet(ex)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect("HTTP/1.1 103 Early Hints\r\nLink: " + long + "\r\n\r\nHTTP/1.1 200 OK\r\nDate: @\r\n")
	for i := range 10 {
		c.Expect(fmt.Sprintf("X-%d: %s\r\n", i, long))
	}
	c.Expect("Content-Length: 5\r\n\r\nhello")
}

// A handler that calls out of order gets an error, and the client a response
// that is not damaged.
func TestCallsOutOfOrder(t *testing.T) {
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		check := func(what string, got error, want error) {
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		check("WriteBody first", ex.WriteBody(helloBody), errNoHead)
		check("Finish first", ex.Finish(nil), errNoHead)
		check("Flush first", ex.Flush(), nil)
		check("101 as interim", ex.WriteInterim(101, nil), errStatus)
		check("200 as interim", ex.WriteInterim(200, nil), errStatus)
		if ex.HeadWritten() {
			t.Error("HeadWritten before WriteHead")
		}
		greet(ex)
		if !ex.HeadWritten() {
			t.Error("not HeadWritten after WriteHead")
		}
		check("WriteHead twice", ex.WriteHead(), message.ErrHeadWritten)
		check("interim after the head", ex.WriteInterim(103, nil), message.ErrHeadWritten)
		check("WriteBody after Finish", ex.WriteBody(helloBody), errFinished)
		check("Finish twice", ex.Finish(nil), nil)
		_, _, err := ex.Upgrade()
		check("Upgrade without 101", err, errNoUpgrade)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get + get)
	c.Expect(hello + hello)
}
