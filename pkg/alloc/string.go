package alloc

import "unsafe"

// String returns b as a string without copying it. The string is a view: it is
// valid, and must be forgotten, when b's memory is released or written again.
// A string is expected never to change, so who hands one out says until when it
// may be kept.
func String(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bytes returns the bytes of s without copying them, for reading only: a write
// to them can end the process, since constants lie in memory that cannot be
// written.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
