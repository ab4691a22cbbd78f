package downstream

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// ignoreNewConnections makes the kernel drop every SYN sent to ln, while
// handshakes that have begun are completed and queued. Without it a listener
// that closes under load always resets somebody: connections arrive between the
// last accept and the close. A client whose SYN was dropped sends it again and
// then finds the port closed, or another listener on it. It tells whether the kernel
// does so; it does not for multipath TCP, which net.Listen uses and Listen does not.
func ignoreNewConnections(ln net.Listener) (ignored bool) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	const flags, syn = 13, 0x02 // offset in the TCP header, and the bit
	filter := [...]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err = rc.Control(func(fd uintptr) {
		ignored = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog) == nil
	})
	return ignored && err == nil
}
