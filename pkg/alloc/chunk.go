package alloc

import (
	"math/bits"
	"runtime"
	"sync"
)

// What does not fit into the slab of arena mode goes to chunks outside the heap of
// 16, 64 and 256 KiB and 1 MiB. A larger buffer is mapped by itself and given back
// when its region is released.
const (
	chunkShift   = 14
	chunkStep    = 2
	chunkClasses = 4
	pageSize     = 4 << 10
)

var chunks [chunkClasses]sync.Pool

// chunkClass returns the smallest class that holds n bytes, or -1.
func chunkClass(n int) int {
	if n <= 1<<chunkShift {
		return 0
	}
	class := (bits.Len(uint(n-1)) - chunkShift + chunkStep - 1) / chunkStep
	if class >= chunkClasses {
		return -1
	}
	return class
}

func chunkSize(class int) int { return 1 << (chunkShift + chunkStep*class) }

// takeChunk returns a chunk of n bytes or more.
func takeChunk(n int) *block {
	class := chunkClass(n)
	if class < 0 {
		return newChunk(class, (n+pageSize-1)&^(pageSize-1)).take()
	}
	if b, ok := chunks[class].Get().(*block); ok {
		return b.take()
	}
	return newChunk(class, chunkSize(class)).take()
}

func newChunk(class, size int) *block {
	b := &block{class: int8(class), rec: newRecord(Arena, size)}
	runtime.AddCleanup(b, retire, b.rec)
	return b
}

func (b *block) take() *block {
	b.rec.take()
	b.bytes = b.rec.bytes
	return b
}

func (b *block) releaseChunk() {
	b.bytes = nil
	if debugging {
		b.rec.piece.seal()
	}
	b.rec.release()
	if debugging || b.class < 0 {
		retire(b.rec)
		return
	}
	chunks[b.class].Put(b)
}
