package sock

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// keptNow returns the pipes that wait for use.
func keptNow() map[*pipe]bool {
	kept := make(map[*pipe]bool)
	for i := range pipes.kept {
		if p := pipes.kept[i].Load(); p != nil {
			kept[p] = true
		}
	}
	return kept
}

// held tells how many bytes p holds.
func held(t *testing.T, p *pipe) int {
	t.Helper()
	b := make([]byte, 1)
	n, err := syscall.Read(p.out, b)
	if err != nil && err != syscall.EAGAIN {
		t.Fatal(err)
	}
	return max(0, n)
}

// A pipe is used again when it is empty, and closed when its bytes could not be given:
// nobody may get the bytes of another connection.
func TestPipesAreReusedWhenEmpty(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	for range 3 {
		_, _ = sender.Write(make([]byte, 1<<10))
		if moved, _, _ := src.Splice(dst, 1<<10); moved != 1<<10 {
			t.Fatalf("moved %d", moved)
		}
	}
	before := keptNow()
	if len(before) == 0 {
		t.Fatal("no pipe is kept")
	}
	_ = receiver.Close()
	for range 100 {
		_, _ = sender.Write(make([]byte, 1<<10))
		if _, _, writeErr := src.Splice(dst, 1<<10); writeErr != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	after := keptNow()
	if len(after) != len(before)-1 {
		t.Errorf("%d pipes are kept after one was left with bytes, %d before", len(after), len(before))
	}
	for p := range after {
		if n := held(t, p); n != 0 {
			t.Errorf("a pipe is kept that holds %d bytes", n)
		}
	}
	if n := pipes.inUse.Load(); n != 0 {
		t.Errorf("%d pipes are in use", n)
	}
}

// Waiting for the source holds no pipe.
func TestWaitingHoldsNoPipe(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	done := make(chan struct{})
	go func() { defer close(done); _, _, _ = src.Splice(dst, 10) }()
	_, _ = sender.Write([]byte("hello"))
	if _, err := io.ReadFull(receiver, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); pipes.inUse.Load() != 0; {
		if time.Now().After(end) {
			t.Fatalf("%d pipes are in use", pipes.inUse.Load())
		}
		time.Sleep(time.Millisecond)
	}
	_ = sender.Close()
	<-done
}

// With no pipe to be had bytes are copied, with the same result.
func TestSpliceWithoutPipes(t *testing.T) {
	pipes.inUse.Add(mostPipes)
	defer pipes.inUse.Add(-mostPipes)
	before := keptNow()
	TestSpliceMovesAllAndNoMore(t)
	TestSpliceToTheEnd(t)
	TestSpliceFromAReset(t)
	TestSpliceToAReset(t)
	TestSpliceDeadlines(t)
	TestSpliceDoesNotAllocate(t)
	if after := keptNow(); len(after) != len(before) {
		t.Error("a pipe was used")
	}
}

// Urgent data, before which splice stops as if that were the end, is skipped as a
// read skips it.
func TestSpliceSkipsUrgentData(t *testing.T) {
	src, dst, sender, receiver := chain(t, nil)
	rc, err := sender.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = sender.Write([]byte("hel"))
	if err := rc.Write(func(fd uintptr) bool {
		_ = syscall.Sendto(int(fd), []byte("!"), syscall.MSG_OOB, nil)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	_, _ = sender.Write([]byte("lo"))
	_ = sender.Close()
	_, readErr, writeErr := src.Splice(dst, 6)
	if readErr != io.EOF || writeErr != nil {
		t.Fatal(readErr, writeErr)
	}
	_ = dst.CloseWrite()
	if b, err := io.ReadAll(receiver); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}
