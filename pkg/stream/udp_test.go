package stream

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// udpService answers datagrams with what handle makes of them, until the test ends.
func udpService(t testing.TB, handle func(b []byte, answer func([]byte))) *net.UDPConn {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, maxDatagram)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			handle(buf[:n], func(b []byte) { _, _ = c.WriteTo(b, from) })
		}
	}()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return c.(*net.UDPConn)
}

func udpEcho(b []byte, answer func([]byte)) { answer(b) }

// named answers with a name before what it got.
func named(name string) func([]byte, func([]byte)) {
	return func(b []byte, answer func([]byte)) { answer(append([]byte(name), b...)) }
}

// exchange sends a datagram until it is answered, since any may be lost.
func (b *bench) exchange(c *net.UDPConn, text string) string {
	b.t.Helper()
	got := ""
	b.eventually("an answer to "+text, func() bool {
		if _, err := c.Write([]byte(text)); err != nil {
			return false // nobody listened a moment ago
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		buf := make([]byte, 1024)
		n, err := c.Read(buf)
		got = string(buf[:n])
		return err == nil
	})
	return got
}

func TestUDPEcho(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	st := udpStream(port, b.upstreamAt("dns", udpService(t, udpEcho).LocalAddr()))
	b.set(st)
	var wg sync.WaitGroup
	const clients = 50
	for i := range clients {
		c := b.dialUDP(port)
		wg.Go(func() {
			for k := range 5 {
				if want := fmt.Sprint(i, " ", k); b.exchange(c, want) != want {
					t.Errorf("client %d does not get its own answer", i)
				}
			}
		})
	}
	wg.Wait()
	if s := b.stats(st.Name()); s.Open != clients || s.Total != clients || s.Received == 0 || s.Sent == 0 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	if s := b.registry.Stats()[0]; s.Endpoints[0].Active != clients {
		t.Errorf("%+v", s.Endpoints)
	}
}

func TestUDPSizes(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	b.set(udpStream(port, b.upstreamAt("echo", udpService(t, udpEcho).LocalAddr())))
	c := b.dialUDP(port)
	for _, size := range []int{0, 1, 1400, 65507} {
		sent := bytes.Repeat([]byte("x"), size)
		b.eventually("an answer", func() bool {
			if _, err := c.Write(sent); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			got := make([]byte, maxDatagram)
			n, err := c.Read(got)
			return err == nil && bytes.Equal(got[:n], sent)
		})
	}
}

// A client stays with its endpoint; clients take turns.
func TestUDPBalance(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	b.set(udpStream(port, b.upstreamAt("two",
		udpService(t, named("a")).LocalAddr(), udpService(t, named("b")).LocalAddr())))
	seen := map[byte]int{}
	for range 6 {
		c := b.dialUDP(port)
		first := b.exchange(c, "x")[0]
		seen[first]++
		for range 3 {
			if again := b.exchange(c, "x")[0]; again != first {
				t.Errorf("a client goes from %c to %c", first, again)
			}
		}
	}
	if seen['a'] != 3 || seen['b'] != 3 {
		t.Errorf("%v", seen)
	}
}

// Where nobody listens, the next endpoint is used.
func TestUDPRefused(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	alive := udpService(t, named("alive "))
	st := udpStream(port, b.upstreamAt("half", dead.LocalAddr(), alive.LocalAddr()))
	b.set(st)
	for range 4 {
		if got := b.exchange(b.dialUDP(port), "x"); got != "alive x" {
			t.Errorf("%q", got)
		}
	}
	b.eventually("the dead one is left out", func() bool {
		for _, e := range b.registry.Stats()[0].Endpoints {
			if e.Addr.String() == dead.LocalAddr().String() {
				return e.Out && e.Active == 0
			}
		}
		return false
	})
}

// An endpoint that is removed and does not answer loses its clients.
func TestUDPRemovedEndpoint(t *testing.T) {
	t.Parallel() // it waits
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	silent := udpService(t, func([]byte, func([]byte)) {})
	key := b.upstreamAt("moving", silent.LocalAddr())
	b.set(udpStream(port, key))
	c := b.dialUDP(port)
	b.eventually("the client is known", func() bool {
		_, _ = c.Write([]byte("x"))
		return b.stats(udpName(port)).Open == 1
	})
	b.upstreamAt("moving", udpService(t, named("new ")).LocalAddr())
	if got := b.exchange(c, "x"); got != "new x" {
		t.Errorf("%q", got)
	}
}

func udpName(port uint16) string { return "udp/" + strconv.Itoa(int(port)) }

func TestUDPIdleTimeout(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	st := udpStream(port, b.upstreamAt("echo", udpService(t, udpEcho).LocalAddr()))
	st.Idle = 300 * time.Millisecond
	b.set(st)
	before := runtime.NumGoroutine()
	for range 20 {
		b.exchange(b.dialUDP(port), "x")
	}
	b.eventually("all are forgotten", func() bool { return b.stats(st.Name()).Open == 0 })
	b.eventually("nothing is left of them", func() bool { return runtime.NumGoroutine() < before+10 })
	if n := b.srv.held.Load(); n != 0 {
		t.Errorf("%d places are not given back", n)
	}
	if s := b.registry.Stats()[0].Endpoints[0]; s.Active != 0 {
		t.Errorf("%+v", s)
	}
}

// Clients beyond the limit take the places of those that were silent longest.
func TestUDPEviction(t *testing.T) {
	b := newBench(t, Config{MaxClients: 10})
	port := freePort(t, "udp")
	st := udpStream(port, b.upstreamAt("echo", udpService(t, udpEcho).LocalAddr()))
	b.set(st)
	var all []*net.UDPConn
	for range 30 {
		c := b.dialUDP(port)
		all = append(all, c)
		b.exchange(c, "x")
	}
	s := b.stats(st.Name())
	if s.Open != 10 || s.Evicted != 20 {
		t.Errorf("%+v", s)
	}
	if got := b.exchange(all[0], "again"); got != "again" { // and it takes another one's
		t.Errorf("%q", got)
	}
	b.eventually("places are counted", func() bool { return b.srv.held.Load() == 10 })
}

// A port without clients to evict has to do without, when others have all places.
func TestUDPNoRoom(t *testing.T) {
	b := newBench(t, Config{})
	b.srv.most = 1
	one, two := freePort(t, "udp"), freePort(t, "udp")
	key := b.upstreamAt("echo", udpService(t, udpEcho).LocalAddr())
	b.set(udpStream(one, key), udpStream(two, key))
	b.exchange(b.dialUDP(one), "x")
	c := b.dialUDP(two)
	b.eventually("it is dropped", func() bool {
		_, _ = c.Write([]byte("x"))
		return b.stats(udpName(two)).Dropped > 0
	})
	b.exchange(b.dialUDP(one), "x") // in place of the other
	if s := b.stats(udpName(one)); s.Open != 1 || s.Evicted != 1 {
		t.Errorf("%+v", s)
	}
}

func TestUDPResponses(t *testing.T) {
	b := newBench(t, Config{})
	twice := func(b []byte, answer func([]byte)) { answer(b); answer(b) }
	var heard atomic.Int64
	listener := udpService(t, func([]byte, func([]byte)) { heard.Add(1) })
	two, none := freePort(t, "udp"), freePort(t, "udp")
	expecting := udpStream(two, b.upstreamAt("twice", udpService(t, twice).LocalAddr()))
	expecting.Responses = 2
	syslog := udpStream(none, b.upstreamAt("syslog", listener.LocalAddr()))
	syslog.Responses = 0
	b.set(expecting, syslog)

	c := b.dialUDP(two)
	for i := range 3 {
		b.exchange(c, "x")
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
		b.eventually("the client is forgotten", func() bool { return b.stats(expecting.Name()).Open == 0 })
		if s := b.stats(expecting.Name()); int(s.Total) != i+1 {
			t.Errorf("%+v", s)
		}
	}
	c = b.dialUDP(none)
	b.eventually("datagrams come", func() bool {
		_, _ = c.Write([]byte("x"))
		return heard.Load() > 3
	})
	b.eventually("no client is known", func() bool { return b.stats(syslog.Name()).Open == 0 })
}

func TestUDPLiveChanges(t *testing.T) {
	t.Parallel() // it waits
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	a := b.upstreamAt("a", udpService(t, named("a")).LocalAddr())
	z := b.upstreamAt("z", udpService(t, named("z")).LocalAddr())
	b.set(udpStream(port, a))
	old := b.dialUDP(port)
	b.exchange(old, "x")
	b.set(udpStream(port, z))
	if got := b.exchange(old, "x"); got != "ax" {
		t.Errorf("a client that is known gets %q", got)
	}
	if got := b.exchange(b.dialUDP(port), "x"); got != "zx" {
		t.Errorf("a new client gets %q", got)
	}
	// The port is removed: clients that are known go on, others are not heard.
	b.set()
	if got := b.exchange(old, "x"); got != "ax" {
		t.Errorf("after the removal: %q", got)
	}
	other := b.dialUDP(port)
	_, _ = other.Write([]byte("x"))
	_ = other.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := other.Read(make([]byte, 9)); err == nil {
		t.Errorf("a new client gets %d bytes of a port that is gone", n)
	}
	// It comes back before it was closed.
	b.set(udpStream(port, z))
	if got := b.exchange(other, "x"); got != "zx" {
		t.Errorf("after the return: %q", got)
	}
	// Silent clients do not keep it for long.
	b.set()
	b.eventually("the port is closed", func() bool {
		c, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func TestUDPShutdown(t *testing.T) {
	t.Parallel() // it waits
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	b.set(udpStream(port, b.upstreamAt("echo", udpService(t, udpEcho).LocalAddr())))
	b.exchange(b.dialUDP(port), "x")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.srv.Shutdown(ctx); err != nil {
		t.Errorf("a silent client keeps it: %v", err)
	}
	if n := b.srv.Open(); n != 0 {
		t.Errorf("%d clients", n)
	}
}

// The answer comes from the address that was asked.
func TestUDPAnswersFromTheAddressAsked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not tell")
	}
	service := udpService(t, udpEcho)
	for _, address := range []string{"", "0.0.0.0"} {
		b := newBench(t, Config{})
		b.srv.config.Address = address
		port := freePort(t, "udp")
		b.set(udpStream(port, b.upstreamAt("echo", service.LocalAddr())))
		// A connected socket takes no answers from elsewhere.
		c, err := net.Dial("udp", net.JoinHostPort("127.0.0.2", strconv.Itoa(int(port))))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.exchange(c.(*net.UDPConn), "x"); got != "x" {
			t.Errorf("%q: %q", address, got)
		}
		_ = c.Close()
		if address == "" && hasIPv6() {
			c, err := net.Dial("udp", net.JoinHostPort("::1", strconv.Itoa(int(port))))
			if err != nil {
				t.Fatal(err)
			}
			if got := b.exchange(c.(*net.UDPConn), "x"); got != "x" {
				t.Errorf("over IPv6: %q", got)
			}
			_ = c.Close()
		}
	}
}

func hasIPv6() bool {
	c, err := net.ListenPacket("udp", "[::1]:0")
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

func TestUDPWithoutEndpoint(t *testing.T) {
	b := newBench(t, Config{})
	none, empty := freePort(t, "udp"), freePort(t, "udp")
	b.set(udpStream(none, model.UpstreamKey{}), udpStream(empty, b.upstreamAt("empty")))
	for _, port := range []uint16{none, empty} {
		c := b.dialUDP(port)
		b.eventually("it is dropped", func() bool {
			_, _ = c.Write([]byte("x"))
			return b.stats(udpName(port)).Dropped > 0
		})
		if s := b.stats(udpName(port)); s.Open != 0 || s.Failed == 0 {
			t.Errorf("%+v", s)
		}
	}
}

// A datagram of a client that is known allocates nothing on its way.
func TestUDPForwardDoesNotAllocate(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "udp")
	sink := udpService(t, func([]byte, func([]byte)) {})
	b.set(udpStream(port, b.upstreamAt("sink", sink.LocalAddr())))
	d := b.srv.datagrams()[0]
	key := clientKey{from: netip.MustParseAddrPort("127.0.0.1:9")}
	text := []byte(strings.Repeat("x", 100))
	d.forward(text, key)
	if n := testing.AllocsPerRun(200, func() { d.forward(text, key) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// All at once, for the race detector: clients, changes and the end.
func TestUDPWhileThingsChange(t *testing.T) {
	b := newBench(t, Config{MaxClients: 5})
	port := freePort(t, "udp")
	a := b.upstreamAt("a", udpService(t, udpEcho).LocalAddr(), udpService(t, udpEcho).LocalAddr())
	st := udpStream(port, a)
	b.set(st)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		c := b.dialUDP(port)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, _ = c.Write([]byte("x"))
				_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
				_, _ = c.Read(make([]byte, 10))
			}
		})
	}
	for i := range 60 {
		switch i % 4 {
		case 0:
			b.set()
		case 1:
			st.Responses = 1
			b.set(st)
		case 2:
			st.Responses = -1
			b.set(st)
		case 3:
			b.upstreamAt("a", udpService(t, udpEcho).LocalAddr())
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.srv.Close()
	close(stop)
	wg.Wait()
	if n := b.srv.held.Load(); n != 0 {
		t.Errorf("%d places are not given back", n)
	}
}
