// Command alloc compares the allocation modes with one another, and with net/http
// and fasthttp, and writes docs/allocation-modes.md.
//
// Each server is a process of its own, alone on core 0 with one thread of Go code:
// this program as its own child, with a handler that does the same work for all
// (package cases) and 50,000 long-lived objects on its heap, such as a controller
// has in its cache. The load comes from core 1. Every case starts the servers anew
// and loads them by turns; a round loads each once in a closed loop, for what it
// costs, and once in an open loop at two fifths of what the slowest one managed, for
// latency, which counts from when a request should have been sent. Ratios are those
// of one round; shown is the median over the rounds with the least and the most.
//
//   - CPU is the user and system time of the server's process in the window, divided
//     by the requests that were answered in it.
//   - B/op and allocs/op are what the process allocated on the Go heap meanwhile
//     (runtime.MemStats, which is exact where runtime/metrics leaves out what is in
//     use by an allocator), divided alike. Reading them costs nothing that would be
//     counted.
//   - GC is the collector's CPU time by runtime/metrics, without what it took of an
//     idle processor, in proportion to the process's. The runtime accounts for a
//     cycle when it ends, so shares are sums over all rounds.
//
// A child is told over its standard input what to do and answers on its standard
// output, not on the port that is measured. Every answer is checked, and any
// that is not as it should be makes the run fail.
//
// It needs Linux, two cores and taskset.
package main
