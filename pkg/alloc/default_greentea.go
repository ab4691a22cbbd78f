//go:build greenteagc && !arenas

package alloc

const defaultMode = GreenTea
