//go:build unix

package stream

import (
	"math"
	"syscall"
)

// descriptorShare is how many connections, and how many UDP clients, there may be:
// a sixteenth of the process's descriptors each. A connection takes two of them and
// a client one, so together they leave HTTP its three quarters, and the rest of the
// process what it needs to tell how it is.
func descriptorShare() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(limit.Cur, math.MaxInt32) / 16)
}
