package stream

import (
	"encoding/binary"
	"net"

	"golang.org/x/sys/unix"
)

// Where a socket listens on all addresses, the kernel answers from the address that
// its routes prefer, which need not be the one that the client has sent to. So it is
// asked to tell that one with each datagram (ip(7), IP_PKTINFO; ipv6(7),
// IPV6_RECVPKTINFO), and answers carry what it has told.

// controlSize is what the kernel tells: one message, of either family.
var controlSize = max(unix.CmsgSpace(unix.SizeofInet4Pktinfo), unix.CmsgSpace(unix.SizeofInet6Pktinfo))

// local is the address that a datagram was sent to, as a control message.
type local struct {
	bytes [48]byte
	size  int
}

// askForLocal makes the kernel tell where datagrams were sent to, where that may
// differ.
func askForLocal(conn *net.UDPConn) {
	if addr, ok := conn.LocalAddr().(*net.UDPAddr); !ok || !addr.IP.IsUnspecified() {
		return
	}
	rc, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = rc.Control(func(fd uintptr) { // of the two, the one of the socket's family succeeds
		if unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
}

// localOf takes what came with a datagram. The interface is left out, so that the
// answer goes by the routes, unless the address means nothing without it.
func localOf(control []byte) (l local) {
	if len(control) == 0 || len(control) > len(l.bytes) {
		return local{}
	}
	l.size = copy(l.bytes[:], control)
	data := l.bytes[unix.CmsgLen(0):]
	switch l.size {
	case unix.CmsgSpace(unix.SizeofInet6Pktinfo):
		if linkLocal := data[0] == 0xfe && data[1]&0xc0 == 0x80; !linkLocal {
			binary.NativeEndian.PutUint32(data[16:], 0)
		}
	case unix.CmsgSpace(unix.SizeofInet4Pktinfo):
		binary.NativeEndian.PutUint32(data, 0)
	default:
		return local{}
	}
	return l
}

// control is the message that makes an answer come from l.
func (l *local) control() []byte { return l.bytes[:l.size] }
