//go:build arenas && goexperiment.arenas

package alloc

import (
	"arena"
	"slices"
	"sync"
)

const arenaSource = "arena"

// An arena of the standard library costs eight megabytes and microseconds of page
// faults when it is new, so few are made. Each is cut into pieces, which go
// through many exchanges, and freed when all of them have been given back.
const (
	arenaBytes = 7 << 20 // of the eight that the runtime takes at a time
	// maxPiece is the largest piece that comes from an arena: the runtime would
	// put slices from two megabytes on onto the heap.
	maxPiece = 1 << 20
)

// origin is the arena that a piece came from; its from is nil for one of the heap.
type origin struct{ from *source }

// source is one arena.
type source struct {
	arena *arena.Arena
	cut   int      // bytes
	out   int      // pieces in use
	back  [][]byte // pieces given back
}

var sources struct {
	sync.Mutex
	list []*source
}

// mapPiece returns n bytes of an arena.
func mapPiece(n int) ([]byte, origin) {
	if n > maxPiece {
		return make([]byte, n), origin{}
	}
	sources.Lock()
	defer sources.Unlock()
	for _, s := range sources.list {
		if b := s.again(n); b != nil {
			return b, origin{s}
		}
	}
	for _, s := range sources.list {
		if s.cut+n <= arenaBytes {
			return s.fresh(n), origin{s}
		}
	}
	s := &source{arena: arena.NewArena()}
	sources.list = append(sources.list, s)
	return s.fresh(n), origin{s}
}

// again returns a piece of n bytes that was given back.
func (s *source) again(n int) []byte {
	for i := len(s.back) - 1; i >= 0; i-- {
		if b := s.back[i]; len(b) == n {
			s.back = slices.Delete(s.back, i, i+1)
			s.out++
			return b
		}
	}
	return nil
}

func (s *source) fresh(n int) []byte {
	s.cut += n
	s.out++
	return arena.MakeSlice[byte](s.arena, n, n)
}

// unmapPiece gives a piece back to its arena, and frees the arena with the last one.
func unmapPiece(b []byte, from origin) {
	s := from.from
	if s == nil {
		return
	}
	sources.Lock()
	defer sources.Unlock()
	s.back = append(s.back, b)
	if s.out--; s.out == 0 {
		sources.list = slices.DeleteFunc(sources.list, func(o *source) bool { return o == s })
		s.arena.Free()
	}
}
