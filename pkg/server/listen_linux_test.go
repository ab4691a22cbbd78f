package server

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Listen returns what net.Listen does, but without multipath TCP.
func TestListen(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rc, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	protocol := 0
	if e := rc.Control(func(fd uintptr) { protocol, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PROTOCOL) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	if protocol != unix.IPPROTO_TCP {
		t.Errorf("the protocol is %d", protocol)
	}
	s := startOn(t, DefaultConfig(), func(s Server, other net.Listener) error {
		go func() { _ = s.Serve(other) }()
		return s.Serve(l)
	})
	exchangeOnce(t, l.Addr().String(), get, hello)
	exchangeOnce(t, s.addr, get, hello)
}
