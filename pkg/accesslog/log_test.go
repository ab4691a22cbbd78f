package accesslog

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// sink is a writer that may be slow.
type sink struct {
	mu   sync.Mutex
	gate chan struct{} // when not nil, each Write takes one
	buf  bytes.Buffer
	err  error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.buf.Write(p)
}

func (s *sink) lines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Count(s.buf.Bytes(), []byte("\n"))
}

// start runs a log and returns what stops it and waits.
func start(l *Log) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestLinesAreWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		l := New(out)
		stop := start(l)
		l.Write(of(proxied(), 0, "up"), nil)
		time.Sleep(flushEvery)
		synctest.Wait()
		if out.lines() != 1 {
			t.Errorf("%d lines after %v", out.lines(), flushEvery)
		}
		stop()
	})
}

func TestShutdownWritesWhatIsLeft(t *testing.T) {
	out := &sink{}
	l := New(out)
	stop := start(l)
	for range 10 {
		l.Write(of(proxied(), 0, "up"), nil)
	}
	stop()
	if written, dropped := l.Stats(); out.lines() != 10 || written != 10 || dropped != 0 {
		t.Errorf("%d lines, %d written, %d dropped", out.lines(), written, dropped)
	}
}

// A reader that stands still costs lines, never time.
func TestSlowReaderCostsLines(t *testing.T) {
	out := &sink{gate: make(chan struct{})}
	l := New(out)
	stop := start(l)
	const n = 100000
	for range n {
		l.Write(of(proxied(), 0, "up"), nil)
	}
	if _, dropped := l.Stats(); dropped == 0 {
		t.Error("memory for all lines, with nobody reading")
	}
	close(out.gate)
	stop()
	written, dropped := l.Stats()
	if written+dropped != n || out.lines() != int(written) {
		t.Errorf("%d written (%d lines), %d dropped, of %d", written, out.lines(), dropped, n)
	}
	if written == 0 {
		t.Error("nothing was kept for the reader")
	}
}

func TestFailingWriterCountsAsDropped(t *testing.T) {
	l := New(&sink{err: errors.New("broken pipe")})
	stop := start(l)
	l.Write(of(proxied(), 0, "up"), nil)
	stop()
	if written, dropped := l.Stats(); written != 0 || dropped != 1 {
		t.Errorf("%d written, %d dropped", written, dropped)
	}
}

func TestLineThatFitsNoBufferIsDropped(t *testing.T) {
	out := &sink{}
	l := New(out)
	ex := proxied()
	ex.Request.Target = bytes.Repeat([]byte("x"), 1<<20)
	stop := start(l)
	l.Write(of(ex, 0, strings.Repeat("u", bufferBytes)), nil)
	stop()
	if _, dropped := l.Stats(); dropped != 1 || out.lines() != 0 {
		t.Errorf("%d dropped, %d lines", dropped, out.lines())
	}
}

// Large values must not keep a request out of the log, however little room ordinary
// lines have left.
func TestLargeRequestsAreLoggedToo(t *testing.T) {
	out := &sink{}
	l := New(out)
	for i := range l.shards {
		l.shards[i].fill = append(l.shards[i].fill, bytes.Repeat([]byte("-"), bufferBytes/2)...)
	}
	ex := proxied()
	ex.Request.Target = bytes.Repeat([]byte("x"), maxVariable)
	ex.Request.Fields.Set(message.UserAgent, bytes.Repeat([]byte(`"`), maxVariable))
	l.Write(of(ex, 0, "up"), nil)
	stop := start(l)
	stop()
	if _, dropped := l.Stats(); dropped != 0 || out.lines() != 1 {
		t.Fatalf("%d dropped, %d lines", dropped, out.lines())
	}
	line := strings.TrimLeft(out.buf.String(), "-")
	want := `"GET ` + strings.Repeat("x", shortVariable) + ` HTTP/1.1"`
	if !strings.Contains(line, want) || !strings.Contains(line, ` "`+strings.Repeat(`\x22`, shortVariable)+`" `) {
		t.Errorf("the line is %q", line)
	}
}

func TestManyWritersKeepLinesWhole(t *testing.T) {
	out := &sink{}
	l := New(out)
	stop := start(l)
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				l.Write(of(proxied(), 742*time.Millisecond, "default-cart-80"), nil)
			}
		})
	}
	wg.Wait()
	stop()
	written, dropped := l.Stats()
	if written+dropped != writers*each {
		t.Errorf("%d written and %d dropped of %d", written, dropped, writers*each)
	}
	for line := range strings.Lines(out.buf.String()) {
		if !strings.HasPrefix(line, "192.0.2.7 - - [") || !strings.HasSuffix(line, " 8f14e45fceea167a5a36dedd4bea2543\n") {
			t.Fatalf("torn line %q", line)
		}
	}
}

func TestLogThatIsOff(t *testing.T) {
	var l *Log
	stop := start(l)
	l.Write(of(proxied(), 0, "up"), nil)
	if written, dropped := l.Stats(); written+dropped != 0 {
		t.Error("a log that is off counts lines")
	}
	stop()
}

func TestWriteAllocatesNothing(t *testing.T) {
	l := New(&sink{})
	ex := proxied()
	told := of(ex, 0, "up")
	l.Write(told, nil)
	if n := testing.AllocsPerRun(1000, func() { l.Write(told, nil) }); n != 0 {
		t.Errorf("%v allocations, and lines were dropped too: %d", n, l.dropped.Load())
	}
}

func BenchmarkWrite(b *testing.B) {
	l := New(&sink{gate: nil})
	stop := start(l)
	defer stop()
	told := of(proxied(), time.Millisecond, "default-cart-80")
	b.ReportAllocs()
	for b.Loop() {
		l.Write(told, nil)
	}
}
