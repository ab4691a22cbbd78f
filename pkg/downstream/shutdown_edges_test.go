package downstream

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// timedShutdown ends s and returns how long that took.
func timedShutdown(t *testing.T, s *serving) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begun := time.Now()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	return time.Since(begun)
}

// onABusyMachine lets a test of times try again: others may have had the processors.
func onABusyMachine(t *testing.T, what string, try func() bool) {
	t.Helper()
	for range 4 {
		if try() {
			return
		}
	}
	t.Error(what)
}

// A client that has its whole answer and does not close its end holds Shutdown up for
// less than it would hold up its connection.
func TestShutdownHurriesLingeringConnections(t *testing.T) {
	onABusyMachine(t, "it waits for a client that does not close", func() bool {
		s := start(t, Config{DisableKeepAlive: true})
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		c.Expect(goodby)
		c.ExpectEOF()
		return timedShutdown(t, s) < maxLingerTime-500*time.Millisecond
	})
}

// A client that has just connected has the time to send its request, however short
// ShutdownIdle is.
func TestShutdownLetsNewConnectionsAsk(t *testing.T) {
	onABusyMachine(t, "a new connection is closed before it has asked", func() bool {
		s := start(t, Config{ShutdownIdle: -1})
		c := rawconn.Dial(t, s.addr)
		eventually(t, "it is accepted", func() bool { return s.Stats().Idle == 1 })
		done := make(chan time.Duration)
		go func() { done <- timedShutdown(t, s) }()
		time.Sleep(20 * time.Millisecond)
		_, _ = c.NetConn().Write([]byte(get))
		got, _ := c.Rest()
		c.Close()
		<-done
		return got == goodby
	})
}

// Where the kernel goes on queueing connections, as for multipath TCP, Shutdown does
// not accept for as long as they come.
func TestShutdownOfAnOpenListener(t *testing.T) {
	onABusyMachine(t, "it accepts as long as they come", func() bool { return shutdownUnderLoad(t) < acceptLast })
}

func shutdownUnderLoad(t *testing.T) time.Duration {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // multipath, where there is such a thing
	if err != nil {
		t.Fatal(err)
	}
	s := startOn(t, Config{DisableKeepAlive: true}, ln, (*Server).Serve)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				nc, err := net.Dial("tcp", s.addr)
				if err != nil {
					continue
				}
				_, _ = nc.Write([]byte(get))
				_, _ = nc.Read(make([]byte, 512))
				_ = nc.Close()
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	took := timedShutdown(t, s)
	close(stop)
	wg.Wait()
	return took
}

// The bytes of a body that is dropped are counted as those of one that is read.
func TestDroppedBodiesAreCounted(t *testing.T) {
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30000),
	} {
		s := start(t, Config{}) // its handler reads nothing
		c := rawconn.Dial(t, s.addr)
		c.Send(request)
		c.Expect(hello)
		eventually(t, "all bytes are counted", func() bool { return s.Stats().Received == uint64(len(request)) })
	}
}
