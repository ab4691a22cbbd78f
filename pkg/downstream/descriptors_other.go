//go:build !unix

package downstream

import "math"

// descriptorsForClients: elsewhere no such limit is known.
func descriptorsForClients() int { return math.MaxInt }
