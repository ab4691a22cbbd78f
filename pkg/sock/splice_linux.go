package sock

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// leastPipe is the smallest pipe that is worth its calls. The kernel gives smaller
	// ones to a user who has many (pipe-user-pages-soft).
	leastPipe = 64 << 10
	// keptPipes bounds the pipes that wait for use, mostPipes those in use. A pipe is in
	// use while bytes are moved, not while there are none: only receivers that do not take
	// what they asked for can hold many.
	keptPipes = 32
	mostPipes = 256
)

// Operations of fcntl on pipes, and flags of splice, which package syscall has no
// names for.
const (
	fSetPipeSize = 1031
	fGetPipeSize = 1032

	spliceMove     = 1
	spliceNonblock = 2
)

// spliced tells that a splice has worked, noSplice that the first one did not: that
// this kernel, or what stands in for it, has none between sockets.
var spliced, noSplice atomic.Bool

func canSplice() bool { return !noSplice.Load() }

// pipe is a kernel pipe, through which bytes go from one socket to another. Like
// rawConn it has its closures made once; their arguments and results are fields. One
// goroutine at a time uses it.
type pipe struct {
	in, out int // the ends: in is written to

	dst                       *Conn
	within                    time.Duration
	want, taken, moved, paced int
	readErr, writeErr         error
	takeFn, giveFn            func(fd uintptr) bool
}

// pipes are those that exist.
var pipes struct {
	inUse atomic.Int32
	kept  [keptPipes]atomic.Pointer[pipe] // empty ones
}

// pipesForUse is how many pipes may be in use. Each has two descriptors, of which the
// process needs the most for connections.
var pipesForUse = sync.OnceValue(func() int32 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return keptPipes
	}
	return int32(min(limit.Cur/16, mostPipes))
})

// takePipe returns an empty pipe, or nil when there is none to be had.
func takePipe() *pipe {
	if pipes.inUse.Add(1) <= pipesForUse() {
		for i := range pipes.kept {
			if at := &pipes.kept[i]; at.Load() != nil {
				if p := at.Swap(nil); p != nil {
					return p
				}
			}
		}
		if p := newPipe(); p != nil {
			return p
		}
	}
	pipes.inUse.Add(-1)
	return nil
}

// release gives p back. One that is not empty is closed: its bytes belong to nobody
// any more.
func (p *pipe) release() {
	pipes.inUse.Add(-1)
	if p.taken == p.moved {
		for i := range pipes.kept {
			if at := &pipes.kept[i]; at.Load() == nil && at.CompareAndSwap(nil, p) {
				return
			}
		}
	}
	p.close()
}

// newPipe makes a pipe. It returns nil when that fails, or the pipe is too small.
func newPipe() *pipe {
	var fds [2]int
	if syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		return nil
	}
	p := &pipe{out: fds[0], in: fds[1]}
	p.takeFn, p.giveFn = p.takeOnce, p.giveOnce
	// A smaller one does as well, so a refusal is no error.
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(p.in), fSetPipeSize, splicePart)
	if size, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(p.in), fGetPipeSize, 0); int(size) < leastPipe {
		p.close()
		return nil
	}
	return p
}

func (p *pipe) close() {
	_ = syscall.Close(p.in)
	_ = syscall.Close(p.out)
}

// move is TrySplice for n bytes that fit into the pipe.
func (p *pipe) move(src, dst *Conn, n int64, within time.Duration) (taken, moved int64, readErr, writeErr error) {
	p.want, p.taken, p.moved, p.readErr, p.writeErr = int(n), 0, 0, nil, nil
	if readErr = src.raw.rc.Read(p.takeFn); readErr == nil {
		readErr = p.readErr
	}
	if p.taken == 0 {
		return 0, 0, readErr, nil
	}
	p.dst, p.within, p.paced = dst, within, 0
	if within > 0 {
		dst.WriteWithin(within)
	}
	if writeErr = dst.raw.rc.Write(p.giveFn); writeErr == nil {
		writeErr = p.writeErr
	}
	if within > 0 {
		dst.WriteWithin(0)
	}
	p.dst = nil
	return int64(p.taken), int64(p.moved), readErr, writeErr
}

// takeOnce is called with the descriptor of the source. It never waits. The pipe is
// empty, so that EAGAIN is about the source.
func (p *pipe) takeOnce(fd uintptr) bool {
	for {
		n, errno := sysSplice(fd, uintptr(p.in), p.want)
		switch errno {
		case syscall.EINTR:
			continue
		case 0:
			if !spliced.Load() {
				spliced.Store(true)
			}
			if p.taken = n; n == 0 {
				p.readErr = io.EOF
				if left, _ := sysPeek(fd); left > 0 {
					p.readErr = errNoSplice // it stops before urgent data, which a read skips
				}
			}
		case syscall.EAGAIN:
			p.readErr = ErrWouldBlock
		case syscall.EINVAL, syscall.ENOSYS, syscall.EPERM:
			p.readErr = os.NewSyscallError("splice", errno)
			if !spliced.Load() {
				noSplice.Store(true)
				p.readErr = errNoSplice
			}
		default:
			p.readErr = os.NewSyscallError("splice", errno)
		}
		return true
	}
}

// giveOnce is called with the descriptor of the destination until the pipe is empty.
func (p *pipe) giveOnce(fd uintptr) bool {
	for p.moved < p.taken {
		n, errno := sysSplice(uintptr(p.out), fd, p.taken-p.moved)
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			if p.moved-p.paced >= splicePace && p.within > 0 {
				p.paced = p.moved
				p.dst.WriteWithin(p.within)
			}
			return false
		case errno != 0:
			p.writeErr = os.NewSyscallError("splice", errno)
			return true
		case n == 0:
			p.writeErr = io.ErrNoProgress // the pipe does not hold what it took
			return true
		default:
			p.moved += n
		}
	}
	return true
}

// sysSplice moves n bytes at most. One of the descriptors is a pipe; neither blocks.
func sysSplice(from, to uintptr, n int) (int, syscall.Errno) {
	r, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, from, 0, to, 0, uintptr(n), spliceMove|spliceNonblock)
	return int(r), errno
}
