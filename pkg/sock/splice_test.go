package sock

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/race"
)

// chain returns a connection to splice from and one to splice to, with the ends of
// their peers.
func chain(t testing.TB, r *Reaper) (src, dst *Conn, sender, receiver net.Conn) {
	t.Helper()
	src, sender = pair(t, r)
	dst, receiver = pair(t, r)
	return src, dst, sender, receiver
}

// unixPair is pair over a Unix-domain socket.
func unixPair(t testing.TB) (ours *Conn, peer net.Conn) {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if peer, err = net.Dial("unix", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours = New(nc, nil)
	t.Cleanup(func() { ours.Close(); peer.Close() })
	return ours, peer
}

// All bytes arrive once and in order, whatever they are sent and read in, and not one
// more is taken than was asked for.
func TestSpliceMovesAllAndNoMore(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	usrc, usender := unixPair(t)
	udst, ureceiver := unixPair(t)
	for _, c := range []struct {
		name             string
		src, dst         *Conn
		sender, receiver net.Conn
	}{
		{"tcp to tcp", src, dst, sender, receiver},
		{"tcp to unix", src, udst, sender, ureceiver},
		{"unix to tcp", usrc, dst, usender, receiver},
	} {
		for _, size := range []int{1, 1000, 64<<10 + 1, 3<<20 + 7} {
			for _, slowly := range []bool{false, true} {
				body := make([]byte, size)
				_, _ = rand.Read(body)
				go func() {
					for rest := body; len(rest) > 0; {
						n := min(len(rest), 1<<20)
						if slowly {
							n = min(len(rest), 1+size/7)
							time.Sleep(time.Millisecond)
						}
						_, _ = c.sender.Write(rest[:n])
						rest = rest[n:]
					}
					_, _ = c.sender.Write([]byte("next"))
				}()
				got := make(chan []byte, 1)
				go func() {
					b := make([]byte, size)
					for at := 0; at < size; {
						if slowly {
							time.Sleep(time.Millisecond)
						}
						n, err := c.receiver.Read(b[at:min(size, at+1+size/5)])
						if err != nil {
							t.Error(err)
							break
						}
						at += n
					}
					got <- b
				}()
				moved, readErr, writeErr := c.src.Splice(c.dst, int64(size))
				if moved != int64(size) || readErr != nil || writeErr != nil {
					t.Fatalf("%s: moved %d of %d: %v, %v", c.name, moved, size, readErr, writeErr)
				}
				if !bytes.Equal(<-got, body) {
					t.Fatalf("%s, %d bytes: other bytes arrived", c.name, size)
				}
				next := make([]byte, 4)
				for at := 0; at < len(next); {
					n, err := c.src.Read(next[at:])
					if err != nil {
						t.Fatal(err)
					}
					at += n
				}
				if string(next) != "next" {
					t.Fatalf("%s: what follows is %q", c.name, next)
				}
			}
		}
	}
}

// An end in the middle is told, and what came before it has been moved.
func TestSpliceToTheEnd(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	go func() {
		_, _ = sender.Write([]byte("hello"))
		_ = sender.Close()
	}()
	moved, readErr, writeErr := src.Splice(dst, 1<<20)
	if moved != 5 || readErr != io.EOF || writeErr != nil {
		t.Fatalf("moved %d: %v, %v", moved, readErr, writeErr)
	}
	if moved, readErr, _ := src.Splice(dst, 1); moved != 0 || readErr != io.EOF {
		t.Fatalf("again: moved %d, %v", moved, readErr)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(receiver, b); err != nil || string(b) != "hello" {
		t.Fatalf("%q, %v", b, err)
	}
}

// A reset of the source is an error of the source, and never an end.
func TestSpliceFromAReset(t *testing.T) {
	src, dst, sender, _ := chain(t, nil)
	reset := make(chan struct{})
	go func() {
		_, _ = sender.Write(make([]byte, 1<<10))
		<-reset
		_ = sender.(*net.TCPConn).SetLinger(0)
		_ = sender.Close()
	}()
	if moved, _, _ := src.Splice(dst, 1<<10); moved != 1<<10 {
		t.Fatalf("moved %d", moved)
	}
	close(reset)
	moved, readErr, writeErr := src.Splice(dst, 1<<20)
	if moved != 0 || readErr == nil || readErr == io.EOF || writeErr != nil {
		t.Fatalf("moved %d: %v, %v", moved, readErr, writeErr)
	}
}

// A destination that goes away is an error of the destination. No more is counted than
// it can have got.
func TestSpliceToAReset(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	go func() {
		for {
			if _, err := sender.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}()
	got := make(chan int64, 1)
	go func() {
		n, _ := io.CopyN(io.Discard, receiver, 2<<20)
		_ = receiver.(*net.TCPConn).SetLinger(0)
		_ = receiver.Close()
		got <- n
	}()
	moved, readErr, writeErr := src.Splice(dst, 1<<40)
	if n := <-got; moved < n || readErr != nil || writeErr == nil {
		t.Fatalf("moved %d: %v, %v; %d were read", moved, readErr, writeErr, n)
	}
	_ = src.Close()
}

// Deadlines end a splice on the side that they are for.
func TestSpliceDeadlines(t *testing.T) {
	r := running(t)
	src, dst, sender, receiver := chain(t, r)
	_, _ = sender.Write([]byte("hello"))
	src.ReadWithin(2 * Tick)
	moved, readErr, writeErr := src.Splice(dst, 6)
	if moved != 5 || !errors.Is(readErr, ErrTimeout) || writeErr != nil {
		t.Fatalf("silent source: moved %d: %v, %v", moved, readErr, writeErr)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(receiver, b); err != nil || string(b) != "hello" {
		t.Fatalf("%q, %v", b, err)
	}

	src, dst, sender, _ = chain(t, r)
	go func() { _, _ = sender.Write(make([]byte, 64<<20)) }()
	dst.WriteWithin(2 * Tick)
	moved, readErr, writeErr = src.Splice(dst, 64<<20)
	if moved == 64<<20 || readErr != nil || !errors.Is(writeErr, ErrTimeout) {
		t.Fatalf("stalled destination: moved %d: %v, %v", moved, readErr, writeErr)
	}
	_ = src.Close()
}

// TrySplice bounds each part of what the destination takes, not the whole.
func TestTrySpliceWithin(t *testing.T) {
	r := running(t)
	src, dst, sender, receiver := chain(t, r)
	const size, part = 25 << 20, 1 << 20
	go func() { _, _ = sender.Write(make([]byte, size)) }()
	go func() {
		for range size / part {
			_, _ = io.CopyN(io.Discard, receiver, part)
			time.Sleep(Tick)
		}
	}()
	for at := int64(0); at < size; {
		taken, moved, readErr, writeErr := src.TrySplice(dst, size-at, 20*Tick)
		at += moved
		switch {
		case readErr == ErrWouldBlock && taken == 0:
			if err := src.WaitRead(); err != nil {
				t.Fatal(err)
			}
		case readErr != nil || writeErr != nil || taken != moved || taken == 0:
			t.Fatalf("after %d: took %d, moved %d: %v, %v", at, taken, moved, readErr, writeErr)
		}
	}
	if dst.watch.write.Load() != 0 {
		t.Error("a deadline is left")
	}

	go func() { _, _ = sender.Write(make([]byte, size)) }()
	for {
		taken, moved, readErr, writeErr := src.TrySplice(dst, size, 2*Tick)
		if writeErr != nil {
			if !errors.Is(writeErr, ErrTimeout) || taken <= moved {
				t.Errorf("stalled: took %d, moved %d: %v, %v", taken, moved, readErr, writeErr)
			}
			break
		}
		if readErr == ErrWouldBlock {
			readErr = src.WaitRead()
		}
		if readErr != nil {
			t.Fatal(readErr)
		}
	}
	_ = src.Close()
}

// Close ends a splice that waits, on either side.
func TestCloseEndsSplice(t *testing.T) {
	for _, which := range []string{"source", "destination"} {
		src, dst, sender, _ := chain(t, nil)
		done := make(chan error, 1)
		go func() {
			_, readErr, writeErr := src.Splice(dst, 64<<20)
			done <- errors.Join(readErr, writeErr)
		}()
		if which == "destination" {
			go func() { _, _ = sender.Write(make([]byte, 64<<20)) }()
			time.Sleep(20 * time.Millisecond)
			_ = dst.Close()
		} else {
			time.Sleep(5 * time.Millisecond)
			_ = src.Close()
		}
		select {
		case err := <-done:
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", which, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("closing the %s does not end the splice", which)
		}
		_ = src.Close()
	}
}

// What is no plain socket cannot be spliced, but Splice moves its bytes all the same.
func TestSpliceWithoutASocket(t *testing.T) {
	src, sender := pair(t, nil)
	a, b := net.Pipe()
	dst := New(a, nil)
	defer dst.Close()
	defer b.Close()
	if src.CanSplice(dst) || dst.CanSplice(src) {
		t.Fatal("it can")
	}
	got := make(chan string, 1)
	read := func(c net.Conn) {
		p := make([]byte, 5)
		_, _ = io.ReadFull(c, p)
		got <- string(p)
	}
	go read(b)
	_, _ = sender.Write([]byte("hello"))
	if moved, readErr, writeErr := src.Splice(dst, 5); moved != 5 || readErr != nil || writeErr != nil || <-got != "hello" {
		t.Fatalf("moved %d: %v, %v", moved, readErr, writeErr)
	}
	go func() { _, _ = b.Write([]byte("hello")) }()
	go read(sender)
	if moved, readErr, writeErr := dst.Splice(src, 5); moved != 5 || readErr != nil || writeErr != nil || <-got != "hello" {
		t.Fatalf("moved %d: %v, %v", moved, readErr, writeErr)
	}
}

func TestSpliceDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("under the race detector pools drop what they hold")
	}
	src, dst, sender, receiver := chain(t, running(t))
	out, in := make([]byte, 32<<10), make([]byte, 32<<10)
	n := testing.AllocsPerRun(500, func() {
		_, _ = sender.Write(out)
		src.ReadWithin(10 * time.Second)
		dst.WriteWithin(10 * time.Second)
		if _, readErr, writeErr := src.Splice(dst, int64(len(out))); readErr != nil || writeErr != nil {
			t.Fatal(readErr, writeErr)
		}
		_, _ = io.ReadFull(receiver, in)
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
