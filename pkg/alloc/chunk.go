package alloc

import (
	"math/bits"
	"runtime"
	"sync"
)

// What does not fit into the slab of arena mode goes to chunks outside the heap of
// 16, 64 and 256 KiB and 1 MiB. A larger buffer is mapped by itself and given back
// when its region is released. Greentea mode has chunks without pointers on the heap
// for what is too large for the standard pools, where such a buffer is made for each
// use and left to the garbage collector.
const (
	chunkShift   = 14
	chunkStep    = 2
	chunkClasses = 4
	pageSize     = 4 << 10
)

var chunks [Modes][chunkClasses]sync.Pool

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
func takeChunk(m Mode, n int) *block {
	class := chunkClass(n)
	if class < 0 {
		return newChunk(m, class, (n+pageSize-1)&^(pageSize-1)).take()
	}
	if b, ok := chunks[m][class].Get().(*block); ok {
		return b.take()
	}
	return newChunk(m, class, chunkSize(class)).take()
}

// isArea tells whether more buffers than one may be cut from b.
func (b *block) isArea() bool { return b.rec != nil && b.rec.mode == Arena && b.class >= 0 }

func newChunk(m Mode, class, size int) *block {
	b := &block{class: int8(class), rec: newRecord(m, size)}
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
	chunks[b.rec.mode][b.class].Put(b)
}
