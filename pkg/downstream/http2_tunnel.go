package downstream

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// WebSocket over HTTP/2 (RFC 8441) begins with an extended CONNECT. x/net accepts one,
// and tells clients that it does, only when GODEBUG has http2xconnect=1 as the process
// starts.

// Upgrade implements message.Stream, for an extended CONNECT.
func (x *stream) Upgrade() (message.Tunnel, []byte, error) {
	w := &x.write
	if !x.connect || w.status != 200 || x.tunnel != nil || w.cut {
		return nil, nil, errNoUpgrade
	}
	if err := x.flush(); err != nil {
		return nil, nil, err
	}
	x.cutter.unwatch()
	w.finished = true
	x.tunnel = &streamTunnel{cutter: x.cutter, clock: x.h.c.srv.reaper, rw: x.rw, body: x.req.Body}
	return x.tunnel, nil, nil
}

// streamTunnel is a stream that has left HTTP. It outlives the stream like its cutter.
type streamTunnel struct {
	cutter *cutter
	clock  *sock.Reaper
	rw     http2Writer
	body   io.ReadCloser
	idle   atomic.Int64 // a time.Duration; 0 means no limit
	ended  atomic.Bool  // CloseWrite was called
	closed atomic.Bool  // Close was called

	read, written atomic.Int64 // bytes
}

// SetIdle implements message.Tunnel.
func (t *streamTunnel) SetIdle(d time.Duration) { t.idle.Store(int64(d)) }

// Read implements message.Tunnel.
func (t *streamTunnel) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	within(&t.cutter.readBy, t.clock.Now(), time.Duration(t.idle.Load()))
	n, err := t.body.Read(p)
	t.cutter.readBy.Store(0)
	t.read.Add(int64(n))
	switch {
	case err == nil, err == io.EOF:
		return n, err
	case t.ended.Load():
		return n, io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, message.ErrTimeout
	}
	return n, message.ErrClientGone
}

// Write implements message.Tunnel. The bytes leave at once.
func (t *streamTunnel) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if t.ended.Load() || t.closed.Load() {
			return written, message.ErrClientGone
		}
		part := p[:min(len(p), writePart)]
		within(&t.cutter.writeBy, t.clock.Now(), time.Duration(t.idle.Load()))
		n, err := t.rw.Write(part)
		if err == nil {
			err = t.rw.FlushError()
		}
		t.cutter.writeBy.Store(0)
		written += n
		t.written.Add(int64(n))
		switch {
		case err == nil:
		case t.cutter.late.Load():
			return written, message.ErrTimeout
		default:
			return written, message.ErrClientGone
		}
		p = p[len(part):]
	}
	return written, nil
}

// CloseWrite implements message.Tunnel. The end of our direction leaves when the handler
// has returned, and x/net has no way to read on after that: it ends the client's
// direction too. By then a WebSocket has exchanged its closing frames.
func (t *streamTunnel) CloseWrite() error {
	t.ended.Store(true)
	return t.body.Close()
}

// Close implements message.Tunnel. Unless CloseWrite was called the client sees
// RST_STREAM.
func (t *streamTunnel) Close() error {
	if t.closed.Swap(true) {
		return nil
	}
	if !t.ended.Load() {
		t.cutter.reset()
	}
	return t.body.Close()
}

// conclude ends the stream of a tunnel whose handler has returned.
func (t *streamTunnel) conclude(x *stream) {
	w := &x.write
	w.sent += t.written.Load()
	w.body += t.written.Load()
	x.body.data += t.read.Load()
	w.cut = w.cut || x.panicked || t.closed.Load() && !t.ended.Load()
}
