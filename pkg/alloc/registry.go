package alloc

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// registry knows every record. Its lock is taken when one is made, loses or gets
// its bytes, or ends, and by readers of statistics: never for an exchange whose
// Memory was kept.
var registry records

type records struct {
	sync.Mutex
	list [Modes][]*record
	// past is what records have counted that are gone.
	past [Modes]Stats
	// spare are slabs and chunks that records which are gone have left, up to
	// reserve, and quarantine what Abandon has left.
	spare      [Modes][]piece
	quarantine [Modes][]piece
}

// piece is the memory of a record.
type piece struct {
	bytes []byte
	from  origin
}

const (
	// reserve is how much memory a mode keeps although nobody needed it lately.
	reserve = 4 << 20
	// After a panic, pieces lie idle until there are more than so many of them, or
	// so many bytes; then the one that lies longest is used again.
	maxQuarantine      = 256
	maxQuarantineBytes = 64 << 20
)

// newRecord makes a record that is empty.
func newRecord(m Mode, size int) *record {
	r := &record{mode: m, size: size}
	registry.Lock()
	defer registry.Unlock()
	r.index = len(registry.list[m])
	registry.list[m] = append(registry.list[m], r)
	return r
}

// retire ends a record whose owner is gone: dropped by its pool, or abandoned.
func retire(r *record) {
	registry.Lock()
	defer registry.Unlock()
	state := r.state.Swap(retired)
	if state == retired {
		return // abandoned, and then collected
	}
	list := registry.list[r.mode]
	last := len(list) - 1
	list[r.index] = list[last]
	list[r.index].index = r.index
	list[last] = nil
	registry.list[r.mode] = list[:last]
	registry.past[r.mode].add(r)

	switch {
	case r.bytes == nil:
	case state == busy:
		registry.isolate(r.mode, r.piece)
	default:
		registry.keep(r.mode, r.piece)
	}
	r.piece = piece{}
}

// keep makes p a spare piece, or gives it back to where it came from.
func (t *records) keep(m Mode, p piece) {
	if size := len(p.bytes); bytesOf(t.spare[m])+size > reserve || size != slabSize && chunkClass(size) < 0 {
		discard(m, p)
		return
	}
	t.spare[m] = append(t.spare[m], p)
}

func bytesOf(pieces []piece) (total int) {
	for _, p := range pieces {
		total += len(p.bytes)
	}
	return total
}

// isolate keeps the bytes of an owner that ended without a release away from
// others for long: somebody may still look at them. The garbage collector does that
// by itself for those of the heap.
func (t *records) isolate(m Mode, p piece) {
	if m != Arena {
		return
	}
	t.quarantine[m] = append(t.quarantine[m], p)
	for len(t.quarantine[m]) > maxQuarantine || bytesOf(t.quarantine[m]) > maxQuarantineBytes {
		p = t.quarantine[m][0]
		t.quarantine[m] = slices.Delete(t.quarantine[m], 0, 1)
		if debugging {
			p.seal()
		}
		t.keep(m, p)
	}
}

// piece returns size bytes for a record.
func (t *records) piece(m Mode, size int) piece {
	t.Lock()
	defer t.Unlock()
	for i := len(t.spare[m]) - 1; i >= 0; i-- {
		if p := t.spare[m][i]; len(p.bytes) == size && (!debugging || i == 0) {
			t.spare[m] = slices.Delete(t.spare[m], i, i+1)
			return p
		}
	}
	p := piece{}
	if m == Arena {
		p.bytes, p.from = mapPiece(size)
	} else {
		p.bytes = make([]byte, size)
	}
	if debugging {
		poison(p.bytes) // as that of a spare piece
	}
	return p
}

// discard gives p back to the system, or leaves it to the garbage collector.
func discard(m Mode, p piece) {
	if m == Arena {
		unmapPiece(p.bytes, p.from)
	}
}

// Trim gives memory back that nobody needed for a second or two, except for a small
// reserve in each mode. Servers call it every second, which also tells Memory that was
// held for long from other. A call that comes too early does nothing, so that it may
// be called for each of several servers.
func Trim() {
	now, last := int64(time.Since(started)), trimmed.Load()
	if last == 0 || now-last > int64(trimPause) && trimmed.CompareAndSwap(last, now) {
		trim()
	}
}

var started = time.Now()

// trimmed is when Trim last did something, in nanoseconds since started; 0: never.
var trimmed atomic.Int64

// trimPause is a little less than a second, for timers that are early.
const trimPause = 900 * time.Millisecond

// trim begins an epoch.
func trim() {
	now := epoch.Add(1)
	for m := range Mode(Modes) {
		for _, p := range registry.idle(m, now) {
			discard(m, p) // without the lock: it may be thousands of system calls
		}
	}
}

// idle takes the pieces from records that nobody needed lately.
func (t *records) idle(m Mode, now uint64) (pieces []piece) {
	t.Lock()
	defer t.Unlock()
	kept := int64(0)
	for _, r := range t.list[m] {
		kept += r.kept()
	}
	for _, r := range t.list[m] {
		if kept <= reserve {
			break
		}
		if r.freed.Load()+1 < now && r.state.CompareAndSwap(free, trimming) {
			pieces = append(pieces, r.piece)
			r.piece = piece{}
			r.state.Store(empty)
			kept -= int64(r.size)
		}
	}
	return pieces
}
