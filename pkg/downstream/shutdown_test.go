package downstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

func shutdown(t *testing.T, s *serving, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return s.Shutdown(ctx)
}

func TestDrainSaysSoAndKeepsListening(t *testing.T) {
	s := start(t, Config{})
	old := rawconn.Dial(t, s.addr)
	old.Send(get)
	old.Expect(hello)
	s.Drain()
	old.ExpectSilence(50 * time.Millisecond) // idle connections stay
	old.Send(get)
	old.Expect(goodby)
	old.ExpectEOF()
	fresh := rawconn.Dial(t, s.addr)
	fresh.Send(get)
	fresh.Expect(goodby)
	fresh.ExpectEOF()
}

// A request on a connection that has been idle only for a moment is served.
func TestShutdownGivesIdleConnectionsAMoment(t *testing.T) {
	s := start(t, Config{ShutdownIdle: 300 * time.Millisecond})
	quick, quiet := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	for _, c := range []*rawconn.Conn{quick, quiet} {
		c.Send(get)
		c.Expect(hello)
	}
	done := make(chan error)
	begin := time.Now()
	go func() { done <- shutdown(t, s, 5*time.Second) }()
	time.Sleep(100 * time.Millisecond)
	quick.Send(get)
	quick.Expect(goodby)
	quick.ExpectEOF()
	quick.Close()
	quiet.ExpectEOF()
	quiet.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d < 200*time.Millisecond || d > 2*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
}

func TestShutdownClosesLongIdleConnectionsAtOnce(t *testing.T) {
	s := start(t, Config{ShutdownIdle: -1})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	c.Expect(hello)
	eventually(t, "the connection is idle", func() bool { return s.Stats().Idle == 1 })
	if err := shutdown(t, s, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	c.ExpectEOF()
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("the listener is still open")
	}
}

func TestShutdownWaitsForExchanges(t *testing.T) {
	running, finish := make(chan struct{}), make(chan struct{})
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		close(running)
		<-finish
		greet(ex)
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	<-running
	done := make(chan error)
	go func() { done <- shutdown(t, s, 5*time.Second) }()
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v before the exchange ended", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	c.Expect(goodby)
	c.ExpectEOF()
	c.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status = 101
		_ = ex.WriteHead()
		tun, _, err := ex.Upgrade()
		if err == nil {
			_, err = tun.Read(make([]byte, 1))
		}
		ended <- err
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
	c.Until("\r\n\r\n")
	if err := shutdown(t, s, 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Shutdown: %v", err)
	}
	if err := <-ended; err == nil {
		t.Fatal("the tunnel was not cut")
	}
}

// A client whose response has no announced length must not take the end of a
// closed server for the end of the response, but one that has its response whole
// keeps it.
func TestCloseResetsOnlyWhatIsUnfinished(t *testing.T) {
	begun := make(chan struct{})
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		if string(ex.Request.Path) == "/" {
			greet(ex)
			return
		}
		ex.Response.Status, ex.Response.Body = 200, message.UntilClose
		_ = ex.WriteHead()
		_ = ex.WriteBody(helloBody)
		_ = ex.Flush()
		close(begun)
		for ex.WriteBody(helloBody) == nil && ex.Flush() == nil {
			time.Sleep(time.Millisecond)
		}
	}}})
	idle, lingering, busy := rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr), rawconn.Dial(t, s.addr)
	idle.Send(get)
	idle.Expect(hello)
	lingering.Send("GET / HTTP/1.0\r\n\r\n")
	busy.Send("GET /endless HTTP/1.0\r\n\r\n")
	<-begun
	lingering.Until("\r\n\r\n")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lingering.Expect("hello")
	lingering.ExpectEOF()
	busy.ExpectReset()
}

// Connections that the kernel has accepted and we have not are not reset.
func TestShutdownAcceptsWhatIsQueued(t *testing.T) {
	s := start(t, Config{})
	for range 20 {
		var clients []*rawconn.Conn
		for range 5 {
			c := rawconn.Dial(t, s.addr)
			c.Send(get)
			clients = append(clients, c)
		}
		s.Drain()
		for _, c := range clients {
			c.Until("hello")
		}
	}
	var clients []*rawconn.Conn
	for range 50 {
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		clients = append(clients, c)
	}
	done := make(chan error)
	go func() { done <- shutdown(t, s, 5*time.Second) }()
	for _, c := range clients {
		c.Expect(goodby)
		c.Close()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Clients that follow the rules lose no request to a shutdown: they leave a
// connection when told to, and go elsewhere when the listener is closed.
func TestShutdownUnderLoadLosesNothing(t *testing.T) {
	s := start(t, Config{ShutdownIdle: 200 * time.Millisecond})
	var served atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				nc, err := net.Dial("tcp", s.addr)
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				err = load(nc, &served)
				_ = nc.Close()
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	s.Drain()
	time.Sleep(50 * time.Millisecond)
	if err := shutdown(t, s, 10*time.Second); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	wg.Wait()
	if n := served.Load(); n < 100 {
		t.Errorf("only %d requests", n)
	}
}

// load sends one request after the other until a response ends the connection.
func load(nc net.Conn, served *atomic.Int64) error {
	r := bufio.NewReader(nc)
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, err := io.WriteString(nc, get); err != nil {
			return err
		}
		last := false
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			last = last || strings.HasPrefix(line, "Connection: close")
			if line == "\r\n" {
				break
			}
		}
		if _, err := r.Discard(len("hello")); err != nil {
			return err
		}
		served.Add(1)
		if last {
			return nil
		}
	}
}

// A request that arrives in the moment in which Shutdown wakes its connection is
// served whole: the wake-up must not end a later read of its body.
func TestShutdownWakesOnlyTheWait(t *testing.T) {
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		for {
			if _, err := ex.NextBody(); err == io.EOF {
				break
			} else if err != nil {
				respond(ex, []byte("body was lost"))
				return
			}
		}
		greet(ex)
	}}})
	conn := rawconn.Dial(t, s.addr)
	conn.Send(get)
	conn.Expect(hello)
	eventually(t, "connection is idle", func() bool { return s.Stats().Idle == 1 })

	// What closeIdle does, with a pause in its middle.
	s.mu.Lock()
	c := s.open[0]
	if !c.state.CompareAndSwap(idle, leaving) {
		t.Error("connection is not idle")
	}
	conn.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
	time.Sleep(50 * time.Millisecond)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	s.mu.Unlock()
	time.Sleep(20 * time.Millisecond) // a read that is to fail has the time to
	conn.Send("b")
	conn.Expect(goodby)
	conn.ExpectEOF()
}
