package downstream

import (
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// PipeBody implements message.Stream.
func (x *exchange) PipeBody(*sock.Conn, time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	return 0, false, nil, nil
}

// PipeFrom implements message.Stream.
func (x *exchange) PipeFrom(*sock.Conn, int64, time.Duration) (moved int64, ok bool, readErr, writeErr error) {
	return 0, false, nil, nil
}
