package load

import (
	"bytes"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// scripted serves each connection with a function, and closes it then.
func scripted(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				serve(conn)
			}()
		}
	}()
	return ln.Addr().String()
}

// answering answers each so many bytes, after a while.
func answering(size int, after time.Duration, answer string) func(net.Conn) {
	return func(conn net.Conn) {
		buf := make([]byte, size)
		for {
			if _, err := io.ReadFull(conn, buf); err != nil {
				return
			}
			time.Sleep(after)
			if _, err := conn.Write([]byte(answer)); err != nil {
				return
			}
		}
	}
}

const (
	get   = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	hello = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
)

var wantHello = &Answer{Fields: []string{"Content-Type: text/plain"}, Body: []byte("hello")}

func always(r Request) func(int, int) *Request {
	return func(int, int) *Request { return &r }
}

func TestClosedLoop(t *testing.T) {
	marks := 0
	r, err := Generate(Options{
		Addr: scripted(t, answering(len(get), 0, hello)), Connections: 4, Request: always(Request{[]byte(get), wantHello}),
		Warm: 20 * time.Millisecond, Window: 100 * time.Millisecond,
		PID: os.Getpid(), Mark: func() error { marks++; return nil },
	})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.Requests < 10 || r.Total < r.Requests || marks != 2 {
		t.Errorf("%d marks; %+v", marks, r)
	}
	if r.Elapsed < 100*time.Millisecond || r.P50 <= 0 || r.P99 < r.P50 || r.P999 < r.P99 || r.Clock <= 0 || r.CPU.User+r.CPU.System <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	r, err := Generate(Options{
		Addr: scripted(t, answering(2*len(get), 0, hello+hello)), Connections: 4, Batch: 2, Rate: 500,
		Request: always(Request{[]byte(get + get), wantHello}), Window: 400 * time.Millisecond,
	})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.Throughput() < 300 || r.Throughput() > 600 {
		t.Errorf("%.0f requests per second, want 500; %+v", r.Throughput(), r)
	}
}

// TestOpenLoopCountsFromTheIntendedTime asks more than a server gives that
// answers on one connection after 20 ms: the wait must be in the latency.
func TestOpenLoopCountsFromTheIntendedTime(t *testing.T) {
	r, err := Generate(Options{
		Addr: scripted(t, answering(len(get), 20*time.Millisecond, hello)), Connections: 1, Rate: 200,
		Request: always(Request{[]byte(get), wantHello}), Window: 300 * time.Millisecond,
	})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.P99 < 100*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

func TestFailuresAreTold(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", errOtherState.Error()},
		{hello + "rest", "4 bytes are left"},
		{strings.Replace(hello, "hello", "hallo", 1), errBody.Error()},
		{strings.Replace(hello, "plain", "html", 1), `there is no "Content-Type: text/plain"`},
		{"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", "its body has 0 bytes"},
		{"", "the connection ended before the answer"},
	} {
		r, err := Generate(Options{
			Addr: scripted(t, func(conn net.Conn) {
				if _, err := io.ReadFull(conn, make([]byte, len(get))); err == nil {
					_, _ = conn.Write([]byte(c.answer))
				}
			}),
			Connections: 1, Request: always(Request{[]byte(get), wantHello}), Window: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed != 1 || !strings.Contains(r.Failure, c.want) || r.Err() == nil {
			t.Errorf("%d failures, %q; want %q", r.Failed, r.Failure, c.want)
		}
	}
}

// TestConnectionsAreMadeAnew lets the server end the connection with each
// answer, with and without the client's consent.
func TestConnectionsAreMadeAnew(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		r, err := Generate(Options{
			Addr: scripted(t, func(conn net.Conn) {
				if _, err := io.ReadFull(conn, make([]byte, len(get))); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
				}
			}),
			Connections: 2, Request: always(Request{Bytes: []byte(get)}), Fresh: fresh, Window: 100 * time.Millisecond,
		})
		if err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		if r.Requests < 4 {
			t.Errorf("%+v", r)
		}
	}
	r, err := Generate(Options{
		Addr: scripted(t, answering(len(get), 0, hello)), Connections: 1, Request: always(Request{Bytes: []byte(get)}), Fresh: true,
		Window: 100 * time.Millisecond,
	})
	if err != nil || !strings.Contains(r.Failure, "does not end the connection") {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestLargeMessages sends and gets more than a socket takes at once, and checks
// each byte of the first answer alone.
func TestLargeMessages(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	request := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n" + strings.Repeat("x", 8<<20)
	head := "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"
	for _, wrong := range []int{-1, len(body) - 1} {
		sent := bytes.Clone(body)
		if wrong >= 0 {
			sent[wrong] = '!'
		}
		r, err := Generate(Options{
			Addr: scripted(t, answering(len(request), 0, head+string(sent))), Connections: 2,
			Request: always(Request{[]byte(request), &Answer{Body: body}}), Window: 300 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		if failed := r.Failed > 0; failed != (wrong >= 0) || !failed && r.Requests == 0 {
			t.Errorf("with a wrong byte at %d: %d requests, %d failed, %.100s", wrong, r.Requests, r.Failed, r.Failure)
		}
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("12 (a) b (c) S 1 12 12 0 -1 4194560 9 0 0 0 150 25 0 0 20 0 5 0 100 1 1\n")
	if want := (CPUTime{1500 * time.Millisecond, 250 * time.Millisecond}); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := parseStat("12 (a) S 1"); err == nil {
		t.Error("a short stat was accepted")
	}
}

func TestProcessFigures(t *testing.T) {
	c, err := CPU(os.Getpid())
	if err != nil {
		t.Error(err)
	}
	if exact, err := CPUClock(os.Getpid()); err != nil || (exact-c.User-c.System).Abs() > time.Second {
		t.Errorf("the clock says %s, /proc %v; %v", exact, c, err)
	}
	if n, err := RSS(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("%d bytes are resident, %v", n, err)
	}
}
