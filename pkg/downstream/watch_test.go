package downstream

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Watching costs an exchange that ends soon neither an allocation nor a goroutine, which
// would need one.
func TestWatchCostsNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	notice := func() {}
	s := start(t, Config{KeepAliveRequests: -1, Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Watch(notice)
		drainBodies.serve(ex)
	}}})
	nc := dialRaw(t, s.addr)
	buf := make([]byte, len(hello)-len("@")+len(dateFormat))
	for _, request := range []string{get, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"} {
		b := []byte(request)
		if n := testing.AllocsPerRun(500, func() { roundTrip(t, nc, b, buf) }); n != 0 {
			t.Errorf("%.4q: %v allocations per request", request, n)
		}
	}
}

// A client that leaves is not noticed before an exchange has lasted for a while, and is
// then, whenever its body ended and whoever read that.
func TestWatchBeginsLate(t *testing.T) {
	to, peer := other(t)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	var gone atomic.Bool
	entered, left := make(chan bool), make(chan bool)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		clock := ex.Stream.(*exchange).c.srv.reaper
		began := clock.Now()
		gone.Store(false)
		ex.Watch(func() { gone.Store(true) })
		switch string(ex.Request.Path) {
		case "/read":
			for {
				if _, err := ex.NextBody(); err != nil {
					break
				}
			}
		case "/piped":
			if _, ok, readErr, writeErr := ex.PipeBody(to, time.Second); !ok || readErr != nil || writeErr != nil {
				t.Errorf("%v, %v, %v", ok, readErr, writeErr)
			}
		case "/late":
			time.Sleep(3 * watchAfter)
			_, _ = ex.NextBody()
			_, _ = ex.NextBody()
		}
		entered <- true
		<-left
		for range 5 {
			early := gone.Load()
			if now := clock.Now(); early && now-began < watchAfter && string(ex.Request.Path) != "/late" {
				t.Errorf("noticed after %v", now-began)
			}
			time.Sleep(10 * time.Millisecond)
		}
		for end := time.Now().Add(10 * time.Second); !gone.Load(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("%s: never noticed", ex.Request.Path)
				break
			}
		}
		greet(ex)
	}}})
	for _, request := range []string{
		get,
		"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"POST /piped HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	} {
		c := rawconn.Dial(t, s.addr)
		c.Send(request)
		<-entered
		c.CloseWrite()
		left <- true
		c.Expect(hello)
		c.ExpectEOF()
	}
}

// Bytes that are read ahead belong to the next request.
func TestLateWatchLosesNothing(t *testing.T) {
	next := make(chan bool)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Watch(func() { t.Error("the client is there") })
		if string(ex.Request.Path) == "/wait" {
			x := ex.Stream.(*exchange)
			eventually(t, "the client is watched", func() bool {
				x.watch.mu.Lock()
				defer x.watch.mu.Unlock()
				return x.watch.done != nil
			})
			next <- true
			<-x.watch.done // it has read a byte
		}
		drainBodies.serve(ex)
	}}})
	c := rawconn.Dial(t, s.addr)
	for range 2 {
		c.Send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
		<-next
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get)
		c.Expect(hello + hello + hello)
	}
}

// Nobody is told any more of an exchange that was observed, by whatever happens to its
// connection meanwhile.
func TestWatchEndsBeforeObserve(t *testing.T) {
	for range 20 {
		var observed atomic.Bool
		s := start(t, Config{Handler: funcs{
			serve: func(ex *message.Exchange) {
				ex.Watch(func() {
					time.Sleep(time.Millisecond)
					if observed.Load() {
						t.Error("told of an exchange that was observed")
					}
				})
				greet(ex)
			},
			observe: func(*message.Exchange) { observed.Store(true) },
		}})
		c := rawconn.Dial(t, s.addr)
		c.Send(get)
		_ = s.Close()
	}
}

// Whoever watches is told once, although the connection is cut and read ahead.
func TestWatchTellsOnce(t *testing.T) {
	var told atomic.Int32
	entered, returned := make(chan bool), make(chan bool, 1)
	s := start(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Watch(func() { told.Add(1) })
		x := ex.Stream.(*exchange)
		eventually(t, "the client is watched", func() bool {
			x.watch.mu.Lock()
			defer x.watch.mu.Unlock()
			return x.watch.done != nil
		})
		entered <- true
		<-x.watch.done
		eventually(t, "somebody is told", func() bool { return told.Load() > 0 })
		returned <- true
	}}})
	c := rawconn.Dial(t, s.addr)
	c.Send(get)
	<-entered
	_ = s.Close()
	<-returned
	if n := told.Load(); n != 1 {
		t.Errorf("told %d times", n)
	}
}
