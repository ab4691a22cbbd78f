//go:build !linux

package sock

import "time"

// pipe is not there on systems other than Linux: bytes are copied.
type pipe struct{}

func canSplice() bool  { return false }
func takePipe() *pipe  { return nil }
func (*pipe) release() { panic("unreachable") }
func (*pipe) move(_, _ *Conn, _ int64, _ time.Duration) (int64, int64, error, error) {
	panic("unreachable")
}
