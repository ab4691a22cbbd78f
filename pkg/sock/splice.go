package sock

import (
	"errors"
	"sync"
	"time"
)

// SpliceMin is the shortest body that is cheaper to splice than to read and write.
// BenchmarkMove, over loopback and with one core for the process that moves and one for
// the ends, took for one body, in microseconds of CPU of the former (user and system):
//
//	             16 KiB  64 KiB  128 KiB  256 KiB  512 KiB  1 MiB  64 MiB
//	copy  64 KiB     25      31       40       63      134    321   19700
//	copy 256 KiB     25      32       36       52      108    237   15500
//	splice           27      30       35       40       60    131   17600
//
// Larger buffers do as well as splice for long streams, and take memory for them.
const SpliceMin = 128 << 10

const (
	// splicePart is how much one step of Splice moves at most: what a pipe is made to
	// hold. With 128 KiB a body of 1 MiB took twice the CPU, and with 1 MiB no less.
	splicePart = 256 << 10
	// splicePace is how much must be moved in the time that TrySplice is given.
	splicePace = 128 << 10
)

// errNoSplice tells that the kernel does not move these bytes.
var errNoSplice = errors.New("splice cannot move this")

// CanSplice tells whether Splice can move bytes from c to dst: both are plain
// sockets, and the system has splice(2).
func (c *Conn) CanSplice(dst *Conn) bool {
	return c.raw != nil && dst.raw != nil && canSplice()
}

// Splice moves n bytes from c to dst inside the kernel: they never come into the
// process's memory. It waits for both sides, and ends early with io.EOF in readErr
// at the end of the stream, or with the error of the side that failed. moved is what
// dst has taken; when writeErr is not nil, c may have lost some bytes beyond that.
//
// It uses the reading side of c and the writing side of dst, whose deadlines hold
// as for Read and Write, for all of the n bytes. A caller that means the gap between
// two reads or writes calls TrySplice instead.
func (c *Conn) Splice(dst *Conn, n int64) (moved int64, readErr, writeErr error) {
	for moved < n {
		var part int64
		_, part, readErr, writeErr = c.TrySplice(dst, n-moved, 0)
		moved += part
		if readErr == ErrWouldBlock {
			readErr = c.WaitRead()
		}
		if readErr != nil || writeErr != nil {
			return moved, readErr, writeErr
		}
	}
	return moved, nil, nil
}

// TrySplice is one step of Splice: it takes what is there of c, no more than n bytes,
// and waits only until dst has them. When nothing is there, readErr is ErrWouldBlock: the
// caller sets a deadline of c (ReadWithin) and calls WaitRead. taken differs from moved
// only when writeErr is not nil.
//
// within bounds the time in which dst must take the next 128 KiB, or what there is. It
// replaces the deadline of dst; 0 leaves that as the caller has set it.
func (c *Conn) TrySplice(dst *Conn, n int64, within time.Duration) (taken, moved int64, readErr, writeErr error) {
	if n <= 0 {
		return 0, 0, nil, nil
	}
	var p *pipe
	if c.CanSplice(dst) {
		p = takePipe()
	}
	if p == nil {
		return c.copyPart(dst, n, within)
	}
	taken, moved, readErr, writeErr = p.move(c, dst, min(n, splicePart), within)
	p.release()
	if readErr == errNoSplice {
		return c.copyPart(dst, n, within)
	}
	return taken, moved, readErr, writeErr
}

// copyBuffer is the size of the buffers that stand in for a pipe.
const copyBuffer = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// copyPart is TrySplice through a buffer, for when there is no pipe to be had. It
// waits for c where that cannot tell whether something is there.
func (c *Conn) copyPart(dst *Conn, n int64, within time.Duration) (taken, moved int64, readErr, writeErr error) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	var read int
	part := buf[:min(n, copyBuffer)]
	if c.raw != nil {
		read, readErr = c.TryRead(part)
	} else {
		read, readErr = c.Read(part)
	}
	if readErr != nil {
		return 0, 0, readErr, nil
	}
	if within > 0 {
		dst.WriteWithin(within)
		defer dst.WriteWithin(0)
	}
	written, writeErr := dst.Write(part[:read])
	return int64(read), int64(written), nil, writeErr
}
