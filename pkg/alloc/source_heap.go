//go:build !linux && !(arenas && goexperiment.arenas)

package alloc

const arenaSource = "heap"

// origin is where a piece of memory came from.
type origin struct{}

// mapPiece returns n bytes. On this system they are the garbage collector's.
func mapPiece(n int) ([]byte, origin) { return make([]byte, n), origin{} }

func unmapPiece([]byte, origin) {}
