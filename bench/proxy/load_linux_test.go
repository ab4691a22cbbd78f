package main

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/manifests"
)

func TestRequestIsLikeABrowsers(t *testing.T) {
	r := string(requestFor(hostName(1234)))
	if n := len(r); n < 370 || n > 420 {
		t.Errorf("it has %d bytes", n)
	}
	if n := strings.Count(r, "\r\n") - 2; n != 10 {
		t.Errorf("it has %d fields", n)
	}
}

func TestAnswerLength(t *testing.T) {
	for _, c := range []struct {
		data   string
		length int
		ends   bool
		err    error
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 43, false, nil},
		{"HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 12\r\nConnection: close\r\n\r\nabc", 79, true, nil},
		{"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 62, false, nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 0, false, nil},
		{"", 0, false, nil},
		{"HTTP/1.1 200 OK\r\n\r\n", 0, false, errNoLength},
		{"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n", 0, false, errOtherState},
	} {
		length, ends, err := answerLength([]byte(c.data))
		if length != c.length || ends != c.ends || err != c.err {
			t.Errorf("%q: %d, %v, %v; want %d, %v, %v", c.data, length, ends, err, c.length, c.ends, c.err)
		}
	}
}

// serveAlone starts the backend, without proxies.
func serveAlone(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- serveBackend(ln.(*net.TCPListener), stop) }()
	t.Cleanup(func() {
		close(stop)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return addr
}

func TestClosedLoop(t *testing.T) {
	addr := serveAlone(t)
	r, err := generate(loadOptions{addr: addr, connections: 4, hosts: 10, warm: 20 * time.Millisecond, window: 100 * time.Millisecond, pid: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.Requests < 10 || r.Total < r.Requests {
		t.Errorf("%+v", r)
	}
	if r.Elapsed < 100*time.Millisecond || r.P50 <= 0 || r.P99 < r.P50 || r.CPU.User+r.CPU.System <= 0 {
		t.Errorf("%+v", r)
	}
	body, err := get(context.Background(), addr, "backend", statsTarget)
	if err != nil {
		t.Fatal(err)
	}
	// Those in flight at the end are answered and not counted.
	requests := r.Total
	if !strings.HasPrefix(body, "4 ") {
		t.Errorf("connections and requests %s, want 4 and about %d", body, requests)
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	r, err := generate(loadOptions{addr: serveAlone(t), connections: 8, hosts: 8, rate: 500, window: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.throughput() < 300 || r.throughput() > 600 {
		t.Errorf("%.0f requests per second, want 500; %+v", r.throughput(), r)
	}
}

// TestOpenLoopCountsFromTheIntendedTime asks more than a server gives that
// answers on one connection after 20 ms: the wait must be in the latency.
func TestOpenLoopCountsFromTheIntendedTime(t *testing.T) {
	addr := scripted(t, func(conn net.Conn) {
		buf := make([]byte, 4096)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
			if _, err := conn.Write(backendAnswer); err != nil {
				return
			}
		}
	})
	r, err := generate(loadOptions{addr: addr, connections: 1, hosts: 1, rate: 200, window: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.P99 < 100*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

func TestFailuresAreTold(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", errOtherState.Error()},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nrest", `OK\r\nContent-Length: 0\r\n\r\nrest`},
		{"", "the connection ended before the answer"},
	} {
		addr := scripted(t, func(conn net.Conn) {
			buf := make([]byte, 4096)
			if _, err := conn.Read(buf); err == nil {
				_, _ = conn.Write([]byte(c.answer))
			}
		})
		r, err := generate(loadOptions{addr: addr, connections: 1, hosts: 1, window: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed != 1 || !strings.Contains(r.Failure, c.want) {
			t.Errorf("%d failures, %q; want %q", r.Failed, r.Failure, c.want)
		}
	}
}

// TestConnectionsAreMadeAnew lets the server end the connection with each
// answer.
func TestConnectionsAreMadeAnew(t *testing.T) {
	addr := scripted(t, func(conn net.Conn) {
		buf := make([]byte, 4096)
		if _, err := conn.Read(buf); err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		}
	})
	r, err := generate(loadOptions{addr: addr, connections: 2, hosts: 2, window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.Requests < 4 {
		t.Errorf("%+v", r)
	}
}

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

func TestLoadOptionsReachTheChild(t *testing.T) {
	want := loadOptions{"127.0.0.1:80", 64, 10000, 12345.678, time.Second, 4 * time.Second, 42}
	var got loadOptions
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	got.register(flags)
	if err := flags.Parse(want.args()); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBackendAnswersHeadsInParts(t *testing.T) {
	conn, err := net.Dial("tcp", serveAlone(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	for _, part := range []string{"GET / HTTP/1.1\r\n", "Host: a\r\n\r", "\nGET / HT", "TP/1.1\r\n\r\n"} {
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	got := make([]byte, 2*len(backendAnswer))
	for n := 0; n < len(got); {
		m, err := conn.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if string(got) != string(backendAnswer)+string(backendAnswer) {
		t.Errorf("got %q", got)
	}
}

func TestParseStat(t *testing.T) {
	got, err := parseStat("12 (a) b (c) S 1 12 12 0 -1 4194560 9 0 0 0 150 25 0 0 20 0 5 0 100 1 1\n")
	if want := (cpuTime{1500 * time.Millisecond, 250 * time.Millisecond}); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := parseStat("12 (a) S 1"); err == nil {
		t.Error("a short stat was accepted")
	}
}

func TestProcessFigures(t *testing.T) {
	if _, err := cpu(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := rss(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("%d bytes are resident, %v", n, err)
	}
}

// TestManifests reads what is written as the controller does.
func TestManifests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	if err := writeManifests(dir, 1001, "127.0.0.1:4711"); err != nil {
		t.Fatal(err)
	}
	objs, err := manifests.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(objs.Problems) > 0 || len(objs.Ingresses) != 1001 || len(objs.Services) != 1 || len(objs.EndpointSlices) != 1 {
		t.Errorf("%d Ingresses, %d Services, %d slices; problems %v",
			len(objs.Ingresses), len(objs.Services), len(objs.EndpointSlices), objs.Problems)
	}
}
