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

// block is a pooled buffer. Pools hold pointers to blocks, since putting a
// slice into a sync.Pool would allocate its header.
type block struct {
	bytes []byte
	class int8 // -1: larger than any class
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
		return b
	}
	return &block{bytes: make([]byte, 1<<(class+minShift)), class: int8(class)}
}

func (b *block) release() {
	if b.class >= 0 {
		pools[b.class].Put(b)
	}
}
