package downstream

import (
	"context"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// trim has memory that exchanges no longer need given back, until ctx ends.
func trim(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			alloc.Trim()
		}
	}
}
