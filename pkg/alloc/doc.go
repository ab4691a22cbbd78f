// Package alloc hands out the memory of exchanges and connections.
//
// A Region is a group of byte buffers with one lifetime: it is taken when an
// exchange begins (or a connection becomes readable), gives out buffers, and is
// released whole. Where the buffers come from is the region's Mode. Region is
// one concrete type with the mode as a tag, so that no allocation costs an
// interface call.
//
// Buffers hold bytes only: no Go pointer may be stored in one, and no view of
// one may be used after Release. Who takes a region owns it and may pass it on;
// a region is for one goroutine at a time.
package alloc
