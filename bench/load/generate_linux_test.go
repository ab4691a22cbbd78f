package load

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
		Addr: server(t, answering(len(get), 0, hello)), Connections: 4, Request: always(Request{[]byte(get), wantHello}),
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
		Addr: server(t, answering(2*len(get), 0, hello+hello)), Connections: 4, Batch: 2, Rate: 500,
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
		Addr: server(t, answering(len(get), 20*time.Millisecond, hello)), Connections: 1, Rate: 200,
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
			Addr: server(t, func(conn net.Conn) {
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
			Addr: server(t, func(conn net.Conn) {
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
		Addr: server(t, answering(len(get), 0, hello)), Connections: 1, Request: always(Request{Bytes: []byte(get)}), Fresh: true,
		Window: 100 * time.Millisecond,
	})
	if err != nil || !strings.Contains(r.Failure, "does not end the connection") {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestDiscardedBodies lets the kernel throw bodies away: they are counted, and what
// follows one is still seen.
func TestDiscardedBodies(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 1<<16)
	answer := "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + body
	for _, rest := range []string{"", "rest"} {
		served := 0
		r, err := Generate(Options{
			Addr: server(t, func(conn net.Conn) {
				for {
					if _, err := io.ReadFull(conn, make([]byte, len(get))); err != nil {
						return
					}
					if served++; served == 3 {
						answer += rest
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}),
			Connections: 1, Request: always(Request{[]byte(get), &Answer{Body: []byte(body)}}), Discard: true, Window: 300 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		if failed := r.Failed > 0; failed != (rest != "") {
			t.Errorf("with %q behind the third answer: %d failed, %.100s", rest, r.Failed, r.Failure)
		}
		if rest == "" && r.Received < int64(r.Requests-1)*int64(len(body)) || r.Requests < 2 {
			t.Errorf("%+v", r)
		}
	}
}

// TestAMarkIsNotInTheLatency reads figures for longer than the requests of an open
// loop take.
func TestAMarkIsNotInTheLatency(t *testing.T) {
	marks := 0
	r, err := Generate(Options{
		Addr: server(t, answering(len(get), 0, hello)), Connections: 4, Rate: 200, Request: always(Request{[]byte(get), wantHello}),
		Warm: 50 * time.Millisecond, Window: 200 * time.Millisecond,
		Mark: func() error {
			if marks++; marks == 1 {
				time.Sleep(1500 * time.Millisecond)
			}
			return nil
		},
	})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.P999 > 1200*time.Millisecond || r.Requests > 100 {
		t.Errorf("%+v", r)
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
			Addr: server(t, answering(len(request), 0, head+string(sent))), Connections: 2,
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

func TestParseIdle(t *testing.T) {
	const stat = "cpu  9 9 9 9 9 9\ncpu0 1 2 3 100 20 6 7 8\ncpu1 1 2 3 x 20 6\nintr 1\n"
	if got, err := parseIdle(stat, 0); got != 1200*time.Millisecond || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for _, core := range []int{1, 2} {
		if _, err := parseIdle(stat, core); err == nil {
			t.Errorf("processor %d has a time", core)
		}
	}
	if idle, err := Idle(0); err != nil || idle < 0 {
		t.Errorf("got %v, %v", idle, err)
	}
}

// TestAllowFiles asks for what is allowed already, and looks at a child's limit.
func TestAllowFiles(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := AllowFiles(limit.Cur); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", "ulimit -n").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != strconv.FormatUint(limit.Cur, 10) {
		t.Errorf("a child has %q, %v; want %d", got, err, limit.Cur)
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
