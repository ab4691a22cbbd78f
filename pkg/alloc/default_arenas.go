//go:build arenas

package alloc

// With both tags the one wins that also needs an experiment of Go's: nobody sets
// that by chance.
const defaultMode = Arena
