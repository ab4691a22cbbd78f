package alloc

import (
	"runtime"
	"sync"
)

// Memory is the memory of an exchange on a connection: three regions that three
// parties may use at the same time, and that are released together. In arena and
// greentea mode they are the parts of one slab. Take one with TakeMemory.
type Memory struct {
	// In is for what is read, Out for what is written, and Work for whatever the
	// handler of the exchange needs.
	In, Out, Work Region
	// side is Work's second one, for a handler that reads in one goroutine and writes
	// in another. It has no part of the slab.
	side Region

	mode  Mode
	rec   *record
	grave //nolint:unused // where it was released, with pooldebug
}

// The parts of a slab: a request whose body is short, the response's head with a
// short body, and a forwarded request with the beginning of the answer.
const (
	inSize   = 8 << 10
	outSize  = 4 << 10
	workSize = 12 << 10
	slabSize = inSize + outSize + workSize
)

// generation tells apart the Memory in rapid use, whose bytes are likely to be in
// the processor's caches, from those that an exchange held for long.
type generation uint8

const (
	young generation = iota
	old
	generations
)

// memories are those that nobody uses. Only greentea mode has old ones.
var memories [Modes][generations]sync.Pool

// TakeMemory returns an empty Memory of mode m. The caller must Release it once,
// or Abandon it.
func TakeMemory(m Mode) *Memory {
	x, ok := memories[m][young].Get().(*Memory)
	if !ok && m == GreenTea {
		x, ok = memories[m][old].Get().(*Memory)
	}
	if !ok {
		x = newMemory(m)
	}
	x.rec.take()
	if b := x.rec.bytes; b != nil { // another slab than before, after a Trim
		x.In.area = b[:inSize]
		x.Out.area = b[inSize : inSize+outSize]
		x.Work.area = b[inSize+outSize:]
	}
	return x
}

func newMemory(m Mode) *Memory {
	size := slabSize
	if m == Standard {
		size = 0
	}
	x := &Memory{mode: m, rec: newRecord(m, size)}
	for _, r := range x.regions() {
		r.memory = x
	}
	runtime.AddCleanup(x, retire, x.rec)
	return x
}

func (x *Memory) regions() [4]*Region { return [4]*Region{&x.In, &x.Out, &x.Work, &x.side} }

// Release gives all buffers of x's regions, and x itself, back. None may be used
// afterwards.
func (x *Memory) Release() {
	if debugging {
		x.bury()
		x.rec.piece.seal()
	}
	for _, r := range x.regions() {
		r.reset()
		r.area, r.missed = nil, false // Trim may take the slab
	}
	x.Work.lone = false
	long := x.rec.release()
	switch {
	case debugging: // an owner that goes on using x must not meet the next one
		retire(x.rec)
	case long && x.mode == GreenTea:
		memories[x.mode][old].Put(x)
	default:
		memories[x.mode][young].Put(x)
	}
}

// Abandon is in place of Release when goroutines that cannot be waited for may
// still use buffers of x, after a panic. Buffers of the heap are left to the
// garbage collector, those outside are used again much later, if ever.
func (x *Memory) Abandon() {
	if debugging {
		x.bury()
	}
	for _, r := range x.regions() {
		r.abandon()
	}
	retire(x.rec)
}
