package alloc

import (
	"runtime"
	"sync/atomic"
)

// record is the account of a Memory or of a chunk: its bytes, whether somebody
// uses them, and what it has counted. It outlives its owner, so that nothing is
// lost when a sync.Pool drops that. While it is busy its owner uses it alone; others
// read the counters, and Trim takes the bytes of one that is free.
type record struct {
	mode  Mode
	size  int // of bytes, when there are any; 0: never
	piece     // belongs to whoever has set state
	state atomic.Uint32
	taken uint64        // the epoch in which it became busy
	freed atomic.Uint64 // the epoch in which it became free

	exchanges, misses, overflows atomic.Uint64
	beside                       atomic.Int64 // bytes held of the standard pools and the heap

	index int      // in the registry
	_     [32]byte // so that records of two processors share no cache line
}

// States of a record.
const (
	empty    uint32 = iota // nobody uses it, and it has no bytes
	free                   // nobody uses it, and its bytes are ready
	busy                   // its owner uses it
	trimming               // Trim takes its bytes, which lasts a few instructions
	retired                // its owner is gone
)

// epoch counts seconds while servers run.
var epoch atomic.Uint64

// take makes r busy, with bytes.
func (r *record) take() {
	r.taken = epoch.Load()
	if !r.state.CompareAndSwap(free, busy) {
		for !r.state.CompareAndSwap(empty, busy) {
			runtime.Gosched()
		}
		if r.size > 0 {
			r.piece = registry.piece(r.mode, r.size)
		}
	}
	if debugging {
		r.unearth()
	}
}

// release makes r free. It tells whether it was busy for long: a whole epoch.
func (r *record) release() (long bool) {
	now := epoch.Load()
	r.freed.Store(now)
	next := free
	if r.bytes == nil {
		next = empty
	}
	long = now > r.taken+1
	r.state.Store(next)
	return long
}

// kept is how many bytes r holds ready, and inUse how many its owner has.
func (r *record) kept() int64 {
	if r.state.Load() == free {
		return int64(r.size)
	}
	return 0
}

func (r *record) inUse() int64 {
	if r.state.Load() == busy {
		return int64(r.size) + r.beside.Load()
	}
	return 0
}
