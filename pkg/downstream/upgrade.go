package downstream

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

var errNoUpgrade = errors.New("no head with status 101 was written")

// Upgrade implements message.Stream. The buffered bytes are valid until the
// handler returns.
func (x *exchange) Upgrade() (message.Tunnel, []byte, error) {
	w := &x.write
	if w.status != 101 || x.tunnel != nil || x.hijacked || w.cut {
		return nil, nil, errNoUpgrade
	}
	if err := x.flush(); err != nil {
		return nil, nil, err
	}
	if !x.endWatch() {
		return nil, nil, message.ErrTimeout
	}
	w.finished = true
	buffered := x.unread()
	x.body.received = int64(len(buffered))
	x.tunnel = &tunnel{c: x.c}
	return x.tunnel, buffered, nil
}

// tunnel is a connection that has left HTTP.
type tunnel struct {
	c    *conn
	idle atomic.Int64 // a time.Duration; 0 means no limit

	read, written atomic.Int64 // bytes
}

func (t *tunnel) SetIdle(d time.Duration) { t.idle.Store(int64(d)) }

func (t *tunnel) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	sc := t.c.sc
	sc.ReadWithin(time.Duration(t.idle.Load()))
	n, err := sc.Read(p)
	sc.ReadWithin(0)
	t.read.Add(int64(n))
	return n, mapTimeout(err)
}

func (t *tunnel) Write(p []byte) (int, error) {
	sc := t.c.sc
	written := 0
	for len(p) > 0 {
		part := p[:min(len(p), writePart)]
		sc.WriteWithin(time.Duration(t.idle.Load()))
		n, err := sc.Write(part)
		written += n
		t.written.Add(int64(n))
		if err != nil {
			return written, mapTimeout(err)
		}
		p = p[len(part):]
	}
	sc.WriteWithin(0)
	return written, nil
}

// CloseWrite sends the end of our direction; over TLS that is a close_notify.
func (t *tunnel) CloseWrite() error { return t.c.sc.CloseWrite() }

// Close closes the connection below sc. The connection's own goroutine, which
// waits for the handler, closes sc itself: its deadlines may be in use here.
func (t *tunnel) Close() error { return t.c.sc.NetConn().Close() }

func mapTimeout(err error) error {
	if err != nil && errors.Is(err, sock.ErrTimeout) {
		return message.ErrTimeout
	}
	return err
}
