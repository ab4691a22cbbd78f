//go:build unix

package downstream

import (
	"math"
	"syscall"
)

// descriptorsForClients is how many of the process's descriptors connections of
// clients may have. A quarter is kept from them, for connections to upstreams,
// files and other listeners: whoever opens connections in masses must not be able
// to have the clients that are connected answered 502, nor the process taken for
// dead because its health cannot be asked for.
func descriptorsForClients() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	most := min(limit.Cur, math.MaxInt32)
	return int(most - most/4)
}
