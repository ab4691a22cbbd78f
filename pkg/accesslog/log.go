package accesslog

import (
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// Sizes of a Log. A shard has two buffers: one that is filled while the other is
// written.
const (
	bufferBytes = 128 << 10
	maxShards   = 16
)

// flushEvery is how long a line waits at most before it is written, as long as
// the reader keeps up.
const flushEvery = 100 * time.Millisecond

// Log writes lines in the background. A nil *Log is one that is turned off.
// Lines of exchanges that end at nearly the same time may change places.
type Log struct {
	out    io.Writer
	shards []shard
	wake   chan struct{}

	written, dropped atomic.Uint64
}

// shard is a part of the Log with a lock of its own.
type shard struct {
	mu    sync.Mutex
	fill  []byte // what lines are appended to
	spare []byte // the other buffer, nil while it is written
	lines uint64 // lines in fill
	_     [64]byte
}

// New makes a log that writes to out. Nothing is written before Run.
func New(out io.Writer) *Log {
	l := &Log{
		out:    out,
		shards: make([]shard, min(runtime.GOMAXPROCS(0), maxShards)),
		wake:   make(chan struct{}, 1),
	}
	for i := range l.shards {
		l.shards[i].fill = make([]byte, 0, bufferBytes)
		l.shards[i].spare = make([]byte, 0, bufferBytes)
	}
	return l
}

// Write adds the line of an exchange that has ended, in a format; nil stands for
// DefaultFormat. It allocates nothing and does no I/O. When there is no room the line
// is dropped; when there is too little for a long line, it is made shorter. Nothing
// of c is kept.
func (l *Log) Write(c *variable.Context, f *Format) {
	if l == nil {
		return
	}
	s := l.lock()
	line, ok := f.appendTo(s.fill, c)
	if !ok {
		s.mu.Unlock()
		l.signal()
		l.dropped.Add(1)
		return
	}
	s.fill = line
	s.lines++
	half := len(s.fill) > bufferBytes/2
	s.mu.Unlock()
	if half {
		l.signal()
	}
}

// lock returns a shard, locked. It prefers one that nobody holds.
func (l *Log) lock() *shard {
	first := 0
	if len(l.shards) > 1 {
		first = int(rand.Uint32N(uint32(len(l.shards))))
	}
	for i := range l.shards {
		if s := &l.shards[(first+i)%len(l.shards)]; s.mu.TryLock() {
			return s
		}
	}
	s := &l.shards[first]
	s.mu.Lock()
	return s
}

// signal wakes the flusher.
func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run writes lines until ctx ends, and then those that are left.
func (l *Log) Run(ctx context.Context) error {
	if l == nil {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.flush()
			return nil
		case <-l.wake:
		case <-tick.C:
		}
		l.flush()
	}
}

// flush writes what all shards hold.
func (l *Log) flush() {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		if s.lines == 0 {
			s.mu.Unlock()
			continue
		}
		full, lines := s.fill, s.lines
		s.fill, s.spare, s.lines = s.spare, nil, 0
		s.mu.Unlock()

		// A reader that went away loses its lines; the service goes on.
		if _, err := l.out.Write(full); err != nil {
			l.dropped.Add(lines)
		} else {
			l.written.Add(lines)
		}

		s.mu.Lock()
		s.spare = full[:0]
		s.mu.Unlock()
	}
}

// Stats tells how many lines were written, and how many were lost because there
// was no room or because writing failed.
func (l *Log) Stats() (written, dropped uint64) {
	if l == nil {
		return 0, 0
	}
	return l.written.Load(), l.dropped.Load()
}
