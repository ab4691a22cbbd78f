package alloc

import (
	"math/bits"
	"runtime"
	"sync"
)

// What does not fit into the slab of arena mode goes to chunks outside the heap of
// 64 KiB, 256 KiB and 1 MiB. A larger buffer is mapped by itself and given back when
// its region is released.
const (
	chunkShift   = 16
	chunkStep    = 2
	chunkClasses = 3
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

// takeChunk returns a chunk of n bytes or more.
func takeChunk(n int) *block {
	class := chunkClass(n)
	if class < 0 {
		b := &block{class: -1}
		b.bytes, b.from = mapPiece((n + pageSize - 1) &^ (pageSize - 1))
		return b
	}
	b, ok := chunks[class].Get().(*block)
	if !ok {
		b = &block{class: int8(class), rec: newRecord(Arena, 1<<(chunkShift+chunkStep*class))}
		runtime.AddCleanup(b, retire, b.rec)
	}
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
	if debugging {
		retire(b.rec)
		return
	}
	chunks[b.class].Put(b)
}
