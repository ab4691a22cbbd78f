package alloc

import (
	"math/bits"
	"sync"
)

// Standard mode: one sync.Pool for each power of two from 512 bytes to 64 KiB.
// A larger buffer is made anew and left to the garbage collector, so that no
// pool keeps the memory of a rare large exchange.
const (
	minShift = 9
	maxShift = 16
	classes  = maxShift - minShift + 1
)

// block is a buffer that a region holds besides its slab: of a pool of its size
// class, or made for the occasion, or a chunk of arena mode. Pools hold pointers to
// blocks, since putting a slice into a sync.Pool would allocate its header.
type block struct {
	bytes []byte
	class int8    // -1: of no class
	rec   *record // what bytes outside the heap belong to
}

var pools [classes]sync.Pool

// classOf returns the smallest class that holds n bytes, or -1.
func classOf(n int) int {
	if n <= 1<<minShift {
		return 0
	}
	if n > 1<<maxShift {
		return -1
	}
	return bits.Len(uint(n-1)) - minShift
}

func takeBlock(n int) *block {
	class := classOf(n)
	if class < 0 {
		return &block{bytes: make([]byte, n), class: -1}
	}
	if b, ok := pools[class].Get().(*block); ok {
		if debugging {
			mustBePoison(b.bytes, "a buffer of the standard pools")
		}
		return b
	}
	return &block{bytes: make([]byte, 1<<(class+minShift)), class: int8(class)}
}

// size is what b adds to what its holder has beside its slab. A chunk has an account
// of its own.
func (b *block) size() int64 {
	if b.rec != nil {
		return 0
	}
	return int64(len(b.bytes))
}

// release gives b back to where it came from.
func (b *block) release() {
	switch {
	case b.rec != nil:
		b.releaseChunk()
	case b.class >= 0:
		if debugging {
			poison(b.bytes)
		}
		pools[b.class].Put(b)
	default:
		if debugging {
			poison(b.bytes)
		}
	}
}
