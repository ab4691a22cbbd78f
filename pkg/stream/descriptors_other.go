//go:build !unix

package stream

import "math"

// descriptorShare: elsewhere no limit of descriptors is known.
func descriptorShare() int { return math.MaxInt32 }
