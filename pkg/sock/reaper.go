package sock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Tick is how often a Reaper looks: deadlines are late by that much at most.
const Tick = 50 * time.Millisecond

// Reaper enforces the deadlines of the connections that were made with it, and rings
// their alarms. It also is a coarse clock.
type Reaper struct {
	now    atomic.Int64 // since start, coarse
	start  time.Time
	chunks atomic.Pointer[[]*chunk]

	mu   sync.Mutex
	free []*slot
	left []*slot // of connections closed since the last sweep began
}

// slot is where a connection's deadlines are kept, in coarse nanoseconds of the
// reaper's clock; 0 means none. Slots lie side by side so that the reaper reads
// them in one sweep. A slot is given to another connection only after a sweep
// has begun since it was left: whoever had just read its owner is done by then.
type slot struct {
	read, write atomic.Int64
	alarm       atomic.Int64
	conn        atomic.Pointer[Conn]
	reaper      *Reaper
}

// expired marks a deadline that the reaper has acted on.
const expired = -1

// within sets a deadline, unless it has passed: that stays so.
func within(deadline *atomic.Int64, r *Reaper, d time.Duration) {
	old, until := deadline.Load(), int64(0)
	if d > 0 {
		until = r.now.Load() + int64(d)
	}
	if old == until || old == expired {
		return
	}
	deadline.CompareAndSwap(old, until)
}

// chunkSize is how many slots are made at a time.
const chunkSize = 256

type chunk [chunkSize]slot

// NewReaper returns a reaper whose clock stands until Run is called.
func NewReaper() *Reaper {
	r := &Reaper{start: time.Now()}
	r.now.Store(1) // 0 means no deadline
	r.chunks.Store(new([]*chunk))
	return r
}

// Now is a clock that moves every Tick, in nanoseconds since r was made. It lags
// behind after the process was starved of CPU.
func (r *Reaper) Now() time.Duration { return time.Duration(r.now.Load()) }

// Run looks at the deadlines until ctx ends.
func (r *Reaper) Run(ctx context.Context) {
	t := time.NewTicker(Tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.sweep(int64(time.Since(r.start)))
		}
	}
}

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// sweep moves the clock, elapsed nanoseconds after the start, and ends what is
// overdue. A process that was starved of
// CPU must not end what was begun a moment ago, by a clock that stood still: after
// a pause the clock runs at twice the speed until it has caught up.
func (r *Reaper) sweep(elapsed int64) {
	now := min(elapsed, r.now.Load()+2*int64(Tick))
	r.now.Store(now)
	r.recycle()
	for _, c := range *r.chunks.Load() {
		for i := range c {
			s := &c[i]
			if d := s.read.Load(); d > 0 && d < now && s.read.CompareAndSwap(d, expired) {
				if conn := s.conn.Load(); conn != nil {
					_ = conn.nc.SetReadDeadline(aLongTimeAgo)
				}
			}
			if d := s.write.Load(); d > 0 && d < now && s.write.CompareAndSwap(d, expired) {
				if conn := s.conn.Load(); conn != nil {
					_ = conn.nc.SetWriteDeadline(aLongTimeAgo)
				}
			}
			if d := s.alarm.Load(); d > 0 && d < now && s.alarm.CompareAndSwap(d, 0) {
				if conn := s.conn.Load(); conn != nil && conn.alarm != nil {
					conn.alarm.Ring()
				}
			}
		}
	}
}

// recycle makes the slots that were left before this sweep ready for others.
func (r *Reaper) recycle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, r.left...)
	r.left = r.left[:0]
}

// add gives c a slot.
func (r *Reaper) add(c *Conn) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.free) == 0 {
		fresh := new(chunk)
		for i := range fresh {
			fresh[i].reaper = r
			r.free = append(r.free, &fresh[i])
		}
		chunks := append([]*chunk(nil), *r.chunks.Load()...)
		chunks = append(chunks, fresh)
		r.chunks.Store(&chunks)
	}
	s := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	s.read.Store(0)
	s.write.Store(0)
	s.alarm.Store(0)
	s.conn.Store(c)
	return s
}

// leave gives the slot of c back. A second call does nothing.
func (s *slot) leave(c *Conn) {
	if !s.conn.CompareAndSwap(c, nil) {
		return
	}
	s.read.Store(0)
	s.write.Store(0)
	s.alarm.Store(0)
	r := s.reaper
	r.mu.Lock()
	r.left = append(r.left, s)
	r.mu.Unlock()
}
