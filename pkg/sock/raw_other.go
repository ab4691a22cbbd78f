//go:build !linux

package sock

import "net"

// rawConn is not there on systems other than Linux: all goes through net.Conn.
type rawConn struct{}

func newRawConn(net.Conn) *rawConn { return nil }

func (*rawConn) read([]byte) (int, error)           { panic("unreachable") }
func (*rawConn) tryRead([]byte) (int, error)        { panic("unreachable") }
func (*rawConn) waitRead() error                    { panic("unreachable") }
func (*rawConn) write([]byte) (int, error)          { panic("unreachable") }
func (*rawConn) write2([]byte, []byte) (int, error) { panic("unreachable") }
func (*rawConn) ask(_, _, _ []byte) (int, int, [2][]byte, error) {
	panic("unreachable")
}
