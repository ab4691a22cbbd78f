package downstream

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmemory"
	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// drainBodies reads the request's body and answers.
var drainBodies = funcs{serve: func(ex *message.Exchange) {
	for {
		if _, err := ex.NextBody(); err != nil {
			break
		}
	}
	greet(ex)
}}

// dialRaw returns a connection that costs the test nothing.
func dialRaw(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// roundTrip sends a request and reads a response of a known length.
func roundTrip(t testing.TB, nc net.Conn, request, buf []byte) {
	if _, err := nc.Write(request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, buf); err != nil {
		t.Fatal(err)
	}
}

func TestNoAllocationPerRequest(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	s := start(t, Config{KeepAliveRequests: -1, Handler: drainBodies})
	helloLen := len(hello) - len("@") + len(dateFormat)
	for _, c := range []struct{ name, request string }{
		{"GET", get},
		{"browser GET", browserGet},
		{"POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
		{"chunked POST", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"large POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("x", 40000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc := dialRaw(t, s.addr)
			request, buf := []byte(c.request), make([]byte, helloLen)
			if n := testing.AllocsPerRun(500, func() { roundTrip(t, nc, request, buf) }); n != 0 {
				t.Errorf("%v allocations per request", n)
			}
		})
	}
}

// A refused request costs a connection, but no more than any other connection.
func TestNoAllocationPerRefusal(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	s := start(t, Config{})
	buf := make([]byte, 1024)
	per := func(request string) float64 {
		b := []byte(request)
		return testing.AllocsPerRun(200, func() {
			nc, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := nc.Write(b); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = nc.Read(buf)
			}
			_ = nc.Close()
		})
	}
	accepted := per("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	for _, request := range []string{
		"GET / HTTP/1.1\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /" + strings.Repeat("a", 9000),
	} {
		if refused := per(request); refused > accepted {
			t.Errorf("%.30q: %v allocations, a request that is served has %v", request, refused, accepted)
		}
	}
}

// Idle connections hold no buffers: what 1000 of them cost, their clients in the
// same process included, is little more than a goroutine's stack each.
func TestIdleConnectionsAreCheap(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector needs memory of its own")
	}
	s := start(t, Config{})
	buf := make([]byte, len(hello)-len("@")+len(dateFormat))
	before := inUse()
	const n = 1000
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = dialRaw(t, s.addr)
		roundTrip(t, conns[i], []byte(get), buf)
	}
	eventually(t, "all are idle", func() bool { return s.Stats().Idle == n })
	per := (inUse() - before) / n
	t.Logf("%d bytes per idle connection", per)
	if per > 7000 {
		t.Errorf("%d bytes per idle connection", per)
	}
	runtime.KeepAlive(conns)
}

// Ten thousand idle connections hold no memory of exchanges, although each has
// carried one.
func TestIdleConnectionsHoldNoExchangeMemory(t *testing.T) {
	n := 10_000
	if race.Enabled {
		n = 1000
	}
	ln := inmemory.NewListener()
	s := startOn(t, Config{}, ln, (*Server).Serve)
	buf := make([]byte, len(hello)-len("@")+len(dateFormat))
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = ln.Dial()
		roundTrip(t, conns[i], []byte(get), buf)
	}
	eventually(t, "all are idle", func() bool { return s.Stats().Idle == n })
	eventually(t, "all memory is released", func() bool { return alloc.ReadStats()[inmodes.Mode()].BytesInUse == 0 })
	eventually(t, "little is kept for others", func() bool { return alloc.ReadStats()[inmodes.Mode()].BytesKept <= 8<<20 })
	runtime.KeepAlive(conns)
}

// A client that never lets its connection wait, with bodies that do not fit into the
// first buffer, is served from the same few buffers.
func TestPipelinedBodiesNeedNoMoreMemory(t *testing.T) {
	ln := inmemory.NewListener() // on which every write arrives by itself
	var most atomic.Int64
	startOn(t, Config{KeepAliveRequests: -1, Handler: funcs{serve: drainBodies.serve, observe: func(*message.Exchange) {
		if n := alloc.ReadStats()[inmodes.Mode()].BytesInUse; n > most.Load() {
			most.Store(n)
		}
	}}}, ln, (*Server).Serve)
	c := ln.Dial()
	go func() {
		for i := range 1000 {
			n := 14000 + i%97*13
			_, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("x", n))
		}
	}()
	buf := make([]byte, len(hello)-len("@")+len(dateFormat))
	for range 1000 {
		if _, err := io.ReadFull(c, buf); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Close()
	if n := most.Load(); n > 300<<10 {
		t.Errorf("%d bytes were in use", n)
	}
}

// A panic of whoever observes a request that was refused ends that connection, and
// leaves nothing behind.
func TestObserverPanicsForARefusal(t *testing.T) {
	s := start(t, Config{Handler: funcs{serve: greet, observe: func(*message.Exchange) { panic("asked for") }}})
	c := rawconn.Dial(t, s.addr)
	c.Send("nonsense\r\n\r\n")
	_, _ = c.Rest()
	eventually(t, "its connection is gone", func() bool { return s.Stats().Open == 0 })
	if strings.Contains(s.log.String(), "connection panicked") {
		t.Error(s.log.String())
	}
	if n := alloc.ReadStats()[inmodes.Mode()].BytesInUse; n != 0 {
		t.Errorf("%d bytes are in use", n)
	}
}

// A client that sends a beginning and then nothing costs us a small buffer.
func TestBegunHeadsAreBounded(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector needs memory of its own")
	}
	s := start(t, Config{HeaderTimeout: time.Minute})
	before := inUse()
	const n = 500
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = dialRaw(t, s.addr)
		if _, err := conns[i].Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all have begun", func() bool { return s.Stats().Active == n })
	time.Sleep(50 * time.Millisecond)
	per := (inUse() - before) / n
	t.Logf("%d bytes per begun head", per)
	if per > 10_000 {
		t.Errorf("%d bytes per begun head", per)
	}
	runtime.KeepAlive(conns)
}

// inUse is the memory of heap and stacks after a collection, and that outside the heap.
func inUse() int64 {
	var m runtime.MemStats
	for range 3 { // pools are emptied by the second, stacks shrink by the way
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	arena := alloc.ReadStats()[alloc.Arena]
	return int64(m.HeapInuse+m.StackInuse) + arena.BytesInUse + arena.BytesKept
}

// When the process has no descriptor left, the listener waits without spinning,
// connections go on, and accepting resumes by itself. The test runs itself in a
// process whose limit is low.
func TestOutOfDescriptors(t *testing.T) {
	const child = "SHOCKWAVE_TEST_FEW_DESCRIPTORS"
	if os.Getenv(child) != "" {
		outOfDescriptors(t)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestOutOfDescriptors$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), child+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOutOfDescriptors") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func outOfDescriptors(t *testing.T) {
	s := start(t, Config{})
	established := rawconn.Dial(t, s.addr)
	established.Send(get)
	established.Expect(hello)

	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	var hogs []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		hogs = append(hogs, f)
	}
	_ = hogs[len(hogs)-1].Close() // for the client's end
	waiting := rawconn.Dial(t, s.addr)
	waiting.Send(get)
	eventually(t, "the log tells", func() bool { return strings.Contains(s.log.String(), "listener cannot accept") })

	before := cpu(t)
	time.Sleep(500 * time.Millisecond)
	if used := cpu(t) - before; used > 100*time.Millisecond {
		t.Errorf("%v of CPU in 500ms of waiting", used)
	}
	established.Send(get)
	established.Expect(hello)
	for _, f := range hogs[:len(hogs)-1] {
		_ = f.Close()
	}
	waiting.Expect(hello)
	if n := strings.Count(s.log.String(), "listener cannot accept"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, s.log)
	}
}

func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
