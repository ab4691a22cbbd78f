//go:build !arenas && !greenteagc

package alloc

const defaultMode = Standard
