package sock

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// pair returns both ends of a TCP connection on loopback.
func pair(t testing.TB, r *Reaper) (ours *Conn, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours = New(nc, r)
	t.Cleanup(func() { ours.Close(); peer.Close() })
	return ours, peer
}

func running(t testing.TB) *Reaper {
	t.Helper()
	r := NewReaper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func TestTryReadNeverWaits(t *testing.T) {
	c, peer := pair(t, nil)
	buf := make([]byte, 16)
	if n, err := c.TryRead(buf); n != 0 || !errors.Is(err, ErrWouldBlock) {
		t.Fatalf("TryRead on a silent connection: %d, %v", n, err)
	}
	peer.Write([]byte("hello"))
	if err := c.WaitRead(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.TryRead(buf); string(buf[:n]) != "hello" || err != nil {
		t.Fatalf("TryRead: %q, %v", buf[:n], err)
	}
	peer.Close()
	if err := c.WaitRead(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.TryRead(buf); n != 0 || err != io.EOF {
		t.Fatalf("TryRead after the end: %d, %v", n, err)
	}
}

// Bytes that arrive between a look and a wait must not be missed.
func TestWaitReadSeesWhatCameBefore(t *testing.T) {
	c, peer := pair(t, running(t))
	c.ReadWithin(5 * time.Second)
	buf := make([]byte, 16)
	for range 200 {
		c.TryRead(buf)
		peer.Write([]byte("x"))
		time.Sleep(50 * time.Microsecond)
		if err := c.WaitRead(); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(buf); n != 1 || err != nil {
			t.Fatalf("Read: %d, %v", n, err)
		}
	}
}

func TestWriteMoreThanTheKernelHolds(t *testing.T) {
	for _, two := range []bool{false, true} {
		c, peer := pair(t, nil)
		want := make([]byte, 8<<20)
		rand.Read(want)
		got := make(chan []byte)
		go func() { b, _ := io.ReadAll(peer); got <- b }()
		var n int
		var err error
		if two {
			n, err = c.Write2(want[:3<<20], want[3<<20:])
		} else {
			n, err = c.Write(want)
		}
		if n != len(want) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(want), err)
		}
		c.CloseWrite()
		if !bytes.Equal(<-got, want) {
			t.Fatal("the peer read something else")
		}
	}
}

func TestDeadlineEndsAWaitingRead(t *testing.T) {
	c, peer := pair(t, running(t))
	c.ReadWithin(2 * Tick)
	begin := time.Now()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Read: %v, want a timeout", err)
	}
	if d := time.Since(begin); d < Tick {
		t.Fatalf("timed out after %v", d)
	}
	// The other direction goes on.
	if _, err := c.Write([]byte("bye")); err != nil {
		t.Fatalf("Write after a read timeout: %v", err)
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(peer, b); err != nil || string(b) != "bye" {
		t.Fatalf("peer read %q, %v", b, err)
	}
}

// Resume ends what a deadline set from elsewhere began, but gives no time to a
// connection whose own has run out: nothing would end its reads any more.
func TestResume(t *testing.T) {
	c, peer := pair(t, running(t))
	c.ReadWithin(time.Minute)
	_ = c.NetConn().SetReadDeadline(time.Unix(1, 0))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Read: %v, want a timeout", err)
	}
	if !c.Resume() {
		t.Fatal("Resume refuses, although no time has run out")
	}
	peer.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("Read after Resume: %d, %v", n, err)
	}
	c.ReadWithin(Tick)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Read: %v, want a timeout", err)
	}
	if c.Resume() {
		t.Fatal("Resume after the deadline has passed")
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Read after Resume has refused: %v, want a timeout", err)
	}
}

func TestDeadlineEndsAWaitingWrite(t *testing.T) {
	c, _ := pair(t, running(t))
	c.WriteWithin(2 * Tick)
	if _, err := c.Write(make([]byte, 32<<20)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Write: %v, want a timeout", err)
	}
}

func TestRemovedDeadlineDoesNotFire(t *testing.T) {
	c, peer := pair(t, running(t))
	c.ReadWithin(2 * Tick)
	c.ReadWithin(0)
	time.AfterFunc(4*Tick, func() { peer.Write([]byte("x")) })
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("Read: %d, %v", n, err)
	}
}

// A reaper that was not scheduled for a while must not end what was begun just
// before it is again.
func TestStarvedReaperEndsNothingEarly(t *testing.T) {
	r := NewReaper()
	c, peer := pair(t, r)
	c.ReadWithin(time.Second)
	r.sweep(int64(10 * time.Second)) // as if nothing had swept for ten seconds
	peer.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("Read: %d, %v", n, err)
	}
	for range 100 {
		r.sweep(int64(10 * time.Second))
	}
	if got := r.Now(); got != 10*time.Second {
		t.Fatalf("the clock is at %v and does not catch up", got)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrTimeout) {
		t.Fatalf("Read: %v, want a timeout", err)
	}
}

func TestAskWaitsForTheAnswer(t *testing.T) {
	for _, size := range []int{10, 8 << 20} { // at once, and in parts
		c, peer := pair(t, running(t))
		question := make([]byte, size)
		go func() {
			io.ReadFull(peer, make([]byte, size))
			time.Sleep(time.Millisecond)
			peer.Write([]byte("answer"))
		}()
		buf := make([]byte, 64)
		sent, n, err := c.Ask(question[:4], question[4:], buf, 10*time.Second)
		if sent != size || string(buf[:n]) != "answer" || err != nil {
			t.Fatalf("Ask of %d bytes: %d sent, %q, %v", size, sent, buf[:n], err)
		}
	}
}

func TestAskEndsWithItsDeadline(t *testing.T) {
	c, _ := pair(t, running(t))
	if sent, n, err := c.Ask([]byte("a"), []byte("b"), make([]byte, 1), 2*Tick); sent != 2 || n != 0 || !errors.Is(err, ErrTimeout) {
		t.Fatalf("Ask: %d sent, %d read, %v", sent, n, err)
	}
}

func TestAskWithOneBuffer(t *testing.T) {
	for _, q := range [][2][]byte{{nil, []byte("question")}, {[]byte("question"), nil}} {
		c, peer := pair(t, running(t))
		go func() {
			io.ReadFull(peer, make([]byte, len("question")))
			peer.Write([]byte("answer"))
		}()
		buf := make([]byte, 64)
		sent, n, err := c.Ask(q[0], q[1], buf, 2*time.Second)
		if sent != len("question") || string(buf[:n]) != "answer" || err != nil {
			t.Fatalf("Ask(%q, %q): %d sent, %q, %v", q[0], q[1], sent, buf[:n], err)
		}
	}
}

// A peer that closes without an answer is an end or an error, never a wait.
func TestAskOfAClosedPeer(t *testing.T) {
	for range 50 {
		c, peer := pair(t, running(t))
		peer.Close()
		_, n, err := c.Ask([]byte("GET"), nil, make([]byte, 1), 5*time.Second)
		if n != 0 || err == nil || errors.Is(err, ErrTimeout) {
			t.Fatalf("Ask: %d read, %v", n, err)
		}
	}
}

func TestSlotsAreReused(t *testing.T) {
	r := NewReaper()
	for i := range 10 {
		for range chunkSize {
			c, _ := net.Pipe()
			s := New(c, r)
			s.Close()
			s.Close()
		}
		r.sweep(int64(i + 2))
	}
	if n := len(*r.chunks.Load()); n != 1 {
		t.Fatalf("%d chunks for no more connections between sweeps than one holds", n)
	}
	if len(r.free) != chunkSize {
		t.Fatalf("%d free slots, want %d", len(r.free), chunkSize)
	}
}

// Deadlines of a closed connection must not end the one that has its slot now.
func TestClosedConnectionLeavesItsSlotAlone(t *testing.T) {
	r := NewReaper()
	first, _ := pair(t, r)
	first.Close()
	r.sweep(2)
	for len(r.free) > 1 {
		r.free = r.free[len(r.free)-1:] // the slot just left
	}
	second, _ := pair(t, r)
	if second.watch != first.watch {
		t.Fatal("the slot was not reused")
	}
	first.ReadWithin(time.Nanosecond)
	first.WriteWithin(time.Nanosecond)
	if second.watch.read.Load() != 0 || second.watch.write.Load() != 0 {
		t.Fatal("a closed connection set the deadlines of another")
	}
}

func TestResetIsAnErrorForThePeer(t *testing.T) {
	c, peer := pair(t, nil)
	c.Reset()
	if _, err := peer.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Fatalf("peer read: %v, want an error that is no clean end", err)
	}
}

func TestReadWriteDoNotAllocate(t *testing.T) {
	c, peer := pair(t, running(t))
	buf, msg := make([]byte, 64), []byte("0123456789")
	n := testing.AllocsPerRun(500, func() {
		peer.Write(msg)
		c.ReadWithin(10 * time.Second)
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
		c.WriteWithin(10 * time.Second)
		if _, err := c.Write2(msg[:5], msg[5:]); err != nil {
			t.Fatal(err)
		}
		peer.Read(buf)
	})
	if n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

// A connection that was detached has no deadline any more; where one has passed,
// that is told.
func TestDetach(t *testing.T) {
	r := running(t)
	c, peer := pair(t, r)
	c.ReadWithin(2 * Tick)
	c.WriteWithin(2 * Tick)
	if !c.Detach() {
		t.Fatal("a deadline has passed")
	}
	c.ReadWithin(Tick) // does nothing
	time.Sleep(4 * Tick)
	if _, err := peer.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(c.NetConn(), buf); err != nil || string(buf) != "hello" {
		t.Fatalf("%q, %v", buf, err)
	}
	if _, err := c.NetConn().Write(buf); err != nil {
		t.Fatal(err)
	}

	late, _ := pair(t, r)
	late.ReadWithin(Tick)
	time.Sleep(5 * Tick)
	if late.Detach() {
		t.Error("a deadline that has passed is not told")
	}
	if alone, _ := pair(t, nil); !alone.Detach() {
		t.Error("a connection without a reaper has a deadline")
	}
}
