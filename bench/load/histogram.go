package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations with an error of at most 1/64 of their value. The
// zero value is empty.
type Histogram struct {
	counts [64 * fine]uint64
	total  uint64
}

// fine is the number of buckets that a power of two is divided into.
const fine = 64

func bucket(d time.Duration) int {
	ns := uint64(max(d, 0))
	if ns < fine {
		return int(ns)
	}
	shift := bits.Len64(ns) - bits.Len(fine) // so that ns>>shift is in [fine, 2*fine)
	return (shift+1)*fine + int(ns>>shift) - fine
}

// floor is the least duration of a bucket.
func floor(bucket int) time.Duration {
	if bucket < fine {
		return time.Duration(bucket)
	}
	shift := bucket/fine - 1
	return time.Duration(uint64(fine+bucket%fine) << shift)
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
}

// Quantile returns the duration that a part q of all, from 0 to 1, does not
// exceed. It is 0 for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return floor(i)
		}
	}
	return 0
}
