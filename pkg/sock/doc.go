// Package sock is the layer between Shockwave and its sockets: reads, writes
// and deadlines of one connection, downstream or upstream.
//
// It serves one goroutine per connection and differs from net.Conn where that
// costs: on a plain socket it calls read and write itself on the non-blocking
// descriptor, without telling the scheduler that the thread may block, and parks
// the goroutine in the runtime's poller only when the kernel has nothing for it.
// A caller can wait for bytes without holding a buffer (WaitRead). Deadlines
// are one atomic store: a Reaper looks at all of them a few times a second, so
// no request starts a timer.
//
// On other systems and for TLS the same calls go through net.Conn. The bytes
// always belong to the caller.
package sock
