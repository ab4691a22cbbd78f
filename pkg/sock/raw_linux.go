package sock

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// rawConn reads and writes a non-blocking descriptor with raw system calls. The
// closures that syscall.RawConn wants are made once; their arguments and results
// are fields. read and write have their own, for one goroutine each.
type rawConn struct {
	rc syscall.RawConn

	rbuf   []byte
	rn     int
	rerr   error
	readFn func(fd uintptr) bool
	waited bool
	waitFn func(fd uintptr) bool
	tryFn  func(fd uintptr) bool

	wbuf, wbuf2 []byte
	wn          int
	werr        error
	writeFn     func(fd uintptr) bool
	write2Fn    func(fd uintptr) bool

	asked bool
	askFn func(fd uintptr) bool
}

// newRawConn returns nil for what is not a plain socket.
func newRawConn(nc net.Conn) *rawConn {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	rc, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	r := &rawConn{rc: rc}
	r.readFn = r.readOnce
	r.waitFn = r.waitOnce
	r.tryFn = func(fd uintptr) bool { r.readOnce(fd); return true }
	r.writeFn = r.writeOnce
	r.write2Fn = r.write2Once
	r.askFn = r.askOnce
	return r
}

// readOnce is called with the descriptor until it returns true.
func (r *rawConn) readOnce(fd uintptr) bool {
	for {
		n, errno := sysRead(fd, r.rbuf)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			r.rn, r.rerr = 0, ErrWouldBlock
			return false
		case errno != 0:
			r.rn, r.rerr = 0, os.NewSyscallError("read", errno)
		case n == 0 && len(r.rbuf) > 0:
			r.rn, r.rerr = 0, io.EOF
		default:
			r.rn, r.rerr = n, nil
		}
		return true
	}
}

func (r *rawConn) read(p []byte) (int, error) {
	r.rbuf = p
	err := r.rc.Read(r.readFn)
	r.rbuf = nil
	if err != nil {
		return 0, err
	}
	return r.rn, r.rerr
}

func (r *rawConn) tryRead(p []byte) (int, error) {
	r.rbuf = p
	err := r.rc.Read(r.tryFn)
	r.rbuf = nil
	if err != nil {
		return 0, err
	}
	return r.rn, r.rerr
}

// waitOnce looks before it waits: the poller forgets, at the start of a call,
// what it has announced before.
func (r *rawConn) waitOnce(fd uintptr) bool {
	if r.waited {
		return true
	}
	r.waited = true
	_, errno := sysPeek(fd)
	if errno != 0 && errno != syscall.EAGAIN && errno != syscall.EINTR {
		// The kernel tells an error of the socket once: after this look a reset would
		// be read as a clean end.
		r.rerr = os.NewSyscallError("read", errno)
	}
	return errno != syscall.EAGAIN
}

func (r *rawConn) waitRead() error {
	r.waited, r.rerr = false, nil
	if err := r.rc.Read(r.waitFn); err != nil {
		return err
	}
	return r.rerr
}

// writeOnce is called with the descriptor until all of wbuf is written.
func (r *rawConn) writeOnce(fd uintptr) bool {
	for len(r.wbuf) > 0 {
		n, errno := sysWrite(fd, r.wbuf)
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			r.werr = os.NewSyscallError("write", errno)
			return true
		default:
			r.wn += n
			r.wbuf = r.wbuf[n:]
		}
	}
	return true
}

func (r *rawConn) write(p []byte) (int, error) {
	r.wbuf, r.wn, r.werr = p, 0, nil
	err := r.rc.Write(r.writeFn)
	r.wbuf = nil
	if err != nil {
		return r.wn, err
	}
	return r.wn, r.werr
}

// write2Once is writeOnce for two buffers.
func (r *rawConn) write2Once(fd uintptr) bool {
	for len(r.wbuf) > 0 && len(r.wbuf2) > 0 {
		n, errno := sysWritev(fd, r.wbuf, r.wbuf2)
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			r.werr = os.NewSyscallError("writev", errno)
			return true
		default:
			r.wn += n
			if n < len(r.wbuf) {
				r.wbuf = r.wbuf[n:]
				continue
			}
			r.wbuf, r.wbuf2 = r.wbuf2[n-len(r.wbuf):], nil
			return r.writeOnce(fd)
		}
	}
	return r.writeOnce(fd)
}

func (r *rawConn) write2(a, b []byte) (int, error) {
	r.wbuf, r.wbuf2, r.wn, r.werr = a, b, 0, nil
	err := r.rc.Write(r.write2Fn)
	r.wbuf, r.wbuf2 = nil, nil
	if err != nil {
		return r.wn, err
	}
	return r.wn, r.werr
}

// askOnce writes and then parks without looking first, since what is written has
// not been answered yet. That saves a system call for each exchange.
func (r *rawConn) askOnce(fd uintptr) bool {
	if r.asked {
		return r.readOnce(fd)
	}
	r.asked = true
	return !r.write2Once(fd) || r.werr != nil
}

// ask is write2 followed by read when all could be written at once. Otherwise
// unsent is left to write, or err says why the write failed.
func (r *rawConn) ask(a, b, p []byte) (sent, n int, unsent [2][]byte, err error) {
	if len(a) == 0 {
		a, b = b, nil // write2Once leaves b alone once wbuf is empty
	}
	r.wbuf, r.wbuf2, r.wn, r.werr = a, b, 0, nil
	r.rbuf, r.rn, r.rerr = p, 0, nil
	r.asked = false
	err = r.rc.Read(r.askFn)
	unsent = [2][]byte{r.wbuf, r.wbuf2}
	r.wbuf, r.wbuf2, r.rbuf = nil, nil, nil
	if err == nil {
		err = r.werr
	}
	if err == nil && len(unsent[0]) == 0 {
		n, err = r.rn, r.rerr
	}
	return r.wn, n, unsent, err
}

// The calls below are RawSyscall: the descriptor is non-blocking, so they return
// at once, and the scheduler need not be told. unsafe is needed to pass buffers
// to the kernel; they stay alive through the fields of rawConn.

func sysRead(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return int(n), errno
}

// sysPeek tells with EAGAIN that there is nothing to read, and with 0 bytes that it
// is the end.
func sysPeek(fd uintptr) (int, syscall.Errno) {
	var b [1]byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func sysWrite(fd uintptr, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

func sysWritev(fd uintptr, a, b []byte) (int, syscall.Errno) {
	iov := [2]syscall.Iovec{{Base: unsafe.SliceData(a)}, {Base: unsafe.SliceData(b)}}
	iov[0].SetLen(len(a))
	iov[1].SetLen(len(b))
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&iov)), uintptr(len(iov)))
	return int(n), errno
}
