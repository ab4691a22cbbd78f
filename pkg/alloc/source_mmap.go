//go:build linux && !(arenas && goexperiment.arenas)

package alloc

import "syscall"

const arenaSource = "mmap"

// origin is where a piece of memory outside the heap came from.
type origin struct{ mapped bool }

// mapPiece returns n bytes outside the Go heap, n being a multiple of the page
// size. When the system has none to give (its limit of mappings, or of memory),
// they come from the heap: an exchange must not fail for it.
func mapPiece(n int) ([]byte, origin) {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), origin{}
	}
	return b, origin{mapped: true}
}

// unmapPiece gives a piece back to the system. No view of it may be left.
func unmapPiece(b []byte, from origin) {
	if from.mapped && syscall.Munmap(b) != nil {
		// It would split a mapping, and there are as many as the system allows: the
		// addresses are lost, not the memory.
		_ = syscall.Madvise(b, syscall.MADV_DONTNEED)
	}
}
