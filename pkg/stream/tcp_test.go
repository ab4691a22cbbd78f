package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func TestTCPEcho(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("echo", tcpService(t, echo).Addr())))
	c := b.dialTCP(port)
	for range 3 {
		b.say(c, "hello")
		b.hear(c, "hello")
	}
	// The end of one direction leaves the other one open.
	b.say(c, "bye")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b.hear(c, "bye")
	b.hearEnd(c)
	name := (&model.Stream{Port: port}).Name()
	b.eventually("the connection is over", func() bool { return b.stats(name).Open == 0 })
	if s := b.stats(name); s.Total != 1 || s.Failed != 0 || s.Received != 18 || s.Sent != 18 || s.Err != nil {
		t.Errorf("%+v", s)
	}
	if s := b.registry.Stats()[0]; s.Created != 1 || s.Endpoints[0].Active != 0 {
		t.Errorf("%+v", s)
	}
}

// Much more than buffers and pipes hold goes through both ways at the same time.
func TestTCPMuch(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("echo", tcpService(t, echo).Addr())))
	const size = 8 << 20
	var wg sync.WaitGroup
	for i := range 3 {
		c := b.dialTCP(port)
		wg.Go(func() {
			body := make([]byte, size)
			chacha := rand.NewChaCha8([32]byte{byte(i)})
			_, _ = chacha.Read(body)
			var sent sync.WaitGroup
			sent.Go(func() {
				if _, err := c.Write(body); err != nil {
					t.Error(err)
				}
				_ = c.CloseWrite()
			})
			got := sha256.New()
			n, err := io.Copy(got, c)
			sent.Wait()
			if want := sha256.Sum256(body); err != nil || n != size || !bytes.Equal(got.Sum(nil), want[:]) {
				t.Errorf("%d of %d bytes, %v", n, size, err)
			}
		})
	}
	wg.Wait()
}

// The service may speak first.
func TestTCPServiceSpeaksFirst(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("smtp", tcpService(t, says("220 ready")).Addr())))
	b.hear(b.dialTCP(port), "220 ready")
}

func deadAddr(t testing.TB) net.Addr {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr()
}

func TestTCPNextEndpoint(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("half", deadAddr(t), tcpService(t, says("alive")).Addr(), deadAddr(t))))
	for range 6 {
		b.hear(b.dialTCP(port), "alive")
	}
	if s := b.registry.Stats()[0]; s.Failed == 0 || s.Failed > 2 {
		t.Errorf("%d connections failed: an endpoint that cannot be reached is left out", s.Failed)
	}
}

func TestTCPTriesAreBounded(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	st := tcpStream(port, b.upstreamAt("dead", deadAddr(t), deadAddr(t), deadAddr(t)))
	st.Tries = 2
	b.set(st)
	b.hearEnd(b.dialTCP(port))
	if s := b.registry.Stats()[0]; s.Failed != 2 {
		t.Errorf("%d tries, want 2", s.Failed)
	}
	st.Tries = 0
	b.set(st)
	b.hearEnd(b.dialTCP(port))
	if s := b.registry.Stats()[0]; s.Failed != 5 {
		t.Errorf("%d tries, want 3 more than 2", s.Failed)
	}
	if s := b.stats(st.Name()); s.Failed != 2 || s.Total != 2 {
		t.Errorf("%+v", s)
	}
}

func TestTCPWithoutEndpoint(t *testing.T) {
	b := newBench(t, Config{})
	none, empty := freePort(t, "tcp"), freePort(t, "tcp")
	b.set(tcpStream(none, model.UpstreamKey{}), tcpStream(empty, b.upstreamAt("empty")))
	b.hearEnd(b.dialTCP(none))
	b.hearEnd(b.dialTCP(empty))
}

// What one side aborts must not look like an end to the other.
func TestTCPReset(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	gone := make(chan error, 1)
	service := tcpService(t, func(c *net.TCPConn) {
		if _, err := io.WriteString(c, "half of "); err != nil {
			gone <- err
			return
		}
		request := make([]byte, 5)
		if _, err := io.ReadFull(c, request); err != nil || string(request) == "abort" {
			_ = c.SetLinger(0)
			gone <- nil
			return
		}
		_, err := c.Read(request)
		gone <- err
	})
	b.set(tcpStream(port, b.upstreamAt("abort", service.Addr())))

	c := b.dialTCP(port)
	b.hear(c, "half of ")
	b.say(c, "abort")
	if _, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v, want a reset", err)
	}
	<-gone

	c = b.dialTCP(port)
	b.hear(c, "half of ")
	b.say(c, "going")
	_ = c.SetLinger(0)
	_ = c.Close()
	if err := <-gone; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the service sees %v, want a reset", err)
	}
}

func TestTCPIdleTimeout(t *testing.T) {
	t.Parallel() // it waits
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	st := tcpStream(port, b.upstreamAt("echo", tcpService(t, echo).Addr()))
	st.Idle = 400 * time.Millisecond
	b.set(st)
	c := b.dialTCP(port)
	for begin := time.Now(); time.Since(begin) < 2*st.Idle; time.Sleep(10 * time.Millisecond) {
		b.say(c, "x")
		b.hear(c, "x")
	}
	b.hearEnd(c)
	b.eventually("the connection is over", func() bool { return b.stats(st.Name()).Open == 0 })
}

// One side may be silent as long as the other is not.
func TestTCPOneSideIsSilent(t *testing.T) {
	t.Parallel() // it waits
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	const idle = 500 * time.Millisecond
	service := tcpService(t, func(c *net.TCPConn) {
		for begin := time.Now(); time.Since(begin) < 3*idle; time.Sleep(10 * time.Millisecond) {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	})
	st := tcpStream(port, b.upstreamAt("ticker", service.Addr()))
	st.Idle = idle
	b.set(st)
	begin := time.Now()
	got, err := io.ReadAll(b.dialTCP(port))
	if err != nil || time.Since(begin) < 2*idle {
		t.Errorf("%d bytes in %v, %v", len(got), time.Since(begin), err)
	}
}

// A client that does not take what it asked for is cut, not waited for.
func TestTCPStalledClient(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	ended := make(chan error, 1)
	service := tcpService(t, func(c *net.TCPConn) {
		_, err := c.Write(make([]byte, 64<<20))
		ended <- err
	})
	st := tcpStream(port, b.upstreamAt("flood", service.Addr()))
	st.Idle = 300 * time.Millisecond
	b.set(st)
	_ = b.dialTCP(port)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the client took all of it")
		}
	case <-time.After(patience):
		t.Error("the connection goes on")
	}
	b.eventually("the connection is over", func() bool { return b.stats(st.Name()).Open == 0 })
}

func TestLiveChanges(t *testing.T) {
	b := newBench(t, Config{})
	one, two := freePort(t, "tcp"), freePort(t, "tcp")
	a := b.upstreamAt("a", tcpService(t, says("a")).Addr())
	z := b.upstreamAt("z", tcpService(t, says("z")).Addr())
	b.set(tcpStream(one, a), tcpStream(two, a))
	first, second := b.dialTCP(one), b.dialTCP(two)
	b.hear(first, "a")
	b.hear(second, "a")

	// Another upstream is for new connections.
	listening := b.srv.ports[portKey{false, one}].tcp
	b.set(tcpStream(one, z))
	if b.srv.ports[portKey{false, one}].tcp != listening {
		t.Error("a port that stays was opened anew")
	}
	b.say(first, "still here")
	b.hear(first, "still here")
	b.hear(b.dialTCP(one), "z")

	// A port that is gone accepts nothing, and its connections go on.
	b.say(second, "me too")
	b.hear(second, "me too")
	if c, err := net.Dial("tcp", second.RemoteAddr().String()); err == nil {
		c.Close()
		t.Error("a port that is gone accepts")
	}

	// It may come back.
	b.set(tcpStream(one, z), tcpStream(two, z))
	b.hear(b.dialTCP(two), "z")
	b.say(second, "and me")
	b.hear(second, "and me")
	if n := b.srv.Open(); n != 4 {
		t.Errorf("%d connections, want 4", n)
	}
}

func TestBusyPort(t *testing.T) {
	b := newBench(t, Config{})
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port, free := uint16(busy.Addr().(*net.TCPAddr).Port), freePort(t, "tcp")
	key := b.upstreamAt("a", tcpService(t, says("a")).Addr())
	st := tcpStream(port, key)
	st.Source = model.ObjectRef{Kind: "ConfigMap", Namespace: "system", Name: "tcp"}
	b.set(st, tcpStream(free, key))
	b.hear(b.dialTCP(free), "a") // the others are served
	if s := b.stats(st.Name()); !errors.Is(s.Err, syscall.EADDRINUSE) {
		t.Errorf("%+v", s)
	}
	problems := b.srv.Problems()
	if len(problems) != 1 || problems[0].Object != st.Source || problems[0].Reason != model.ReasonPortConflict ||
		!strings.Contains(problems[0].Message, st.Name()+" cannot be listened on: ") {
		t.Errorf("%v", problems)
	}
	_ = busy.Close()
	b.hear(b.dialTCP(port), "a")
	b.eventually("the problem is over", func() bool { return len(b.srv.Problems()) == 0 && b.stats(st.Name()).Err == nil })
}

func TestConnectionLimit(t *testing.T) {
	b := newBench(t, Config{MaxConnections: 2})
	port := freePort(t, "tcp")
	st := tcpStream(port, b.upstreamAt("a", tcpService(t, says("a")).Addr()))
	b.set(st)
	first, second := b.dialTCP(port), b.dialTCP(port)
	b.hear(first, "a")
	b.hear(second, "a")
	b.hearEnd(b.dialTCP(port))
	if s := b.stats(st.Name()); s.Refused != 1 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
	_ = first.Close()
	b.eventually("there is room", func() bool { return b.stats(st.Name()).Open == 1 })
	b.hear(b.dialTCP(port), "a")
}

func TestShutdownWaits(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("echo", tcpService(t, echo).Addr())))
	c := b.dialTCP(port)
	b.say(c, "a")
	b.hear(c, "a")
	done := make(chan error, 1)
	go func() { done <- b.srv.Shutdown(context.Background()) }()
	b.eventually("the port is closed", func() bool {
		nc, err := net.Dial("tcp", c.RemoteAddr().String())
		if err == nil {
			nc.Close()
		}
		return err != nil
	})
	b.say(c, "b")
	b.hear(c, "b")
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	_ = c.CloseWrite()
	b.hearEnd(c)
	if err := <-done; err != nil {
		t.Error(err)
	}
	b.set(tcpStream(port, model.UpstreamKey{})) // does nothing any more
	if nc, err := net.Dial("tcp", c.RemoteAddr().String()); err == nil {
		nc.Close()
		t.Error("a closed server listens")
	}
}

func TestShutdownCuts(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	b.set(tcpStream(port, b.upstreamAt("echo", tcpService(t, echo).Addr())))
	c := b.dialTCP(port)
	b.say(c, "a")
	b.hear(c, "a")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := b.srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client sees %v, want a reset", err)
	}
}

// A connection that is being made is cut as well.
func TestCutWhileConnecting(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	// A listener whose queue is full does not answer.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) })
	for range 3 {
		c, err := net.DialTimeout("tcp", ln.Addr().String(), 50*time.Millisecond)
		if err == nil {
			defer c.Close()
		}
	}
	st := tcpStream(port, b.upstreamAt("full", ln.Addr()))
	st.Connect = time.Hour
	b.set(st)
	c := b.dialTCP(port)
	b.eventually("it connects", func() bool { return b.registry.Stats()[0].Endpoints[0].Active == 1 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = b.srv.Shutdown(ctx)
	if _, err := io.ReadAll(c); err == nil {
		t.Error("a clean end")
	}
}

// A connection that is idle holds no more than two goroutines.
func TestIdleConnectionsAreCheap(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	hold := make(chan struct{})
	service := tcpService(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, "a"); <-hold })
	t.Cleanup(func() { close(hold) })
	b.set(tcpStream(port, b.upstreamAt("a", service.Addr())))
	before := runtime.NumGoroutine()
	const n = 50
	for range n {
		b.hear(b.dialTCP(port), "a")
	}
	if more := runtime.NumGoroutine() - before; more > 3*n+5 { // one is the service's
		t.Errorf("%d goroutines for %d connections", more, n)
	}
}
