// Package alloc hands out the memory of exchanges and connections.
//
// A Region is a group of byte buffers with one lifetime: it gives out buffers
// and is released whole. A Memory is the three regions of an exchange on a
// connection: what is read, what is written, and what the handler makes. Where
// buffers come from is the Mode, and all modes are in every build, side by side:
//
//   - Standard takes each buffer from a sync.Pool for its size class. The garbage
//     collector decides how much is kept.
//   - Arena gives each Memory one slab outside the Go heap and bumps a pointer
//     through it; what does not fit goes to larger chunks, also outside. Nothing of
//     it is the garbage collector's.
//   - GreenTea gives each Memory one pointer-free slab on the Go heap, so that the
//     collector has one object to mark and none to scan for an exchange, and the
//     bytes of an exchange lie side by side. Slabs of exchanges that lasted long
//     are kept apart from those in rapid use. What does not fit is taken from the
//     standard pools, and what is too large for those from chunks that are kept as
//     slabs are.
//
// Slabs are kept with the Memory that used them, in a sync.Pool and so close to
// the processor that used them last; no lock is taken for an exchange. Trim, which
// the server calls every second, gives back what was not needed lately.
//
// Buffers hold bytes only: no Go pointer may be stored in one, and no view of one
// may be used after its region was released. Who takes a Memory or a Region owns it;
// each region is for one goroutine at a time. The build tag pooldebug makes
// mistakes loud: released memory is poisoned and, outside the heap, taken out of
// reach; a second release, a use of a released region and a write to released
// memory panic; Outstanding tells what was not released.
package alloc
