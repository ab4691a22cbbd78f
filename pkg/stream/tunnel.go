package stream

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// tunnel is a client's connection with that to its endpoint.
type tunnel struct {
	srv    *Server
	counts *counts
	idle   time.Duration

	stop context.CancelFunc // ends the connecting

	client   *sock.Conn
	endpoint *upstream.Stream
	moving   atomic.Int32 // directions that hold bytes

	mu          sync.Mutex // guards what may be shut, and whether it was
	nets        []net.Conn
	over, reset bool
}

// hold makes nc a connection that shut closes. When that has happened already it
// closes nc and returns false.
func (t *tunnel) hold(nc net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		closeBelow(nc, t.reset)
		return false
	}
	t.nets = append(t.nets, nc)
	return true
}

// cut ends everything at once. The peers see a reset: they must not take what they
// have for the whole. The deadlines of the connections stay until serve ends them.
func (t *tunnel) cut() { t.shut(true) }

// shut ends everything, with a reset or without.
func (t *tunnel) shut(reset bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over, t.reset = true, reset
	t.stop()
	for _, nc := range t.nets {
		closeBelow(nc, reset)
	}
}

// closeBelow closes nc below whoever uses it.
func closeBelow(nc net.Conn, reset bool) {
	if w, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = w.NetConn()
	}
	if tc, ok := nc.(*net.TCPConn); ok && reset {
		_ = tc.SetLinger(0)
	}
	_ = nc.Close()
}

// recovered ends the one connection in which there was a panic.
func (t *tunnel) recovered() {
	if cause := recover(); cause != nil {
		t.counts.panicked.Add(1)
		t.srv.log.Error("panic in a stream", "panic", cause, "stack", string(debug.Stack()))
		t.cut()
	}
}

// serve forwards a connection to where r leads. early are bytes that were read of
// it already.
func (t *tunnel) serve(ctx context.Context, nc net.Conn, early []byte, r *route) {
	defer t.recovered()
	t.idle = r.Idle
	t.client = sock.New(nc, t.srv.reaper)
	defer t.client.Close()
	if !t.hold(nc) {
		return
	}
	if r.AcceptProxy {
		var err error
		believe := t.srv.trusts(t.client.Remote().Addr())
		if early, err = readProxyHeader(t.client, t.srv.config.ProxyHeaderTimeout, believe); err != nil {
			t.counts.refused.Add(1)
			return
		}
	}
	if t.endpoint = t.connect(ctx, r); t.endpoint == nil {
		t.counts.failed.Add(1)
		return
	}
	why := upstream.ClosedFailed
	defer func() { t.endpoint.Done(why) }()
	if !t.hold(t.endpoint.NetConn()) {
		return
	}
	if t.begin(early, r.header) != nil {
		t.cut()
		return
	}
	t.both()
	if !t.wasReset() {
		why = upstream.ClosedTunnel
	}
}

func (t *tunnel) wasReset() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reset
}

// connect connects to an endpoint of the upstream, or to another one when that
// fails. It returns nil when none can be had.
func (t *tunnel) connect(ctx context.Context, r *route) *upstream.Stream {
	if r.upstream == nil {
		return nil
	}
	var few [4]*upstream.Endpoint
	tried := few[:0]
	for r.Tries <= 0 || len(tried) < r.Tries {
		e := r.upstream.Pick(&upstream.Choice{Tried: tried})
		if e == nil || slices.Contains(tried, e) {
			break
		}
		c, err := e.Dial(ctx, r.Connect)
		if err == nil {
			return c
		}
		if ctx.Err() != nil {
			break
		}
		tried = append(tried, e)
	}
	return nil
}

// begin sends what comes before the client's further bytes.
func (t *tunnel) begin(early []byte, header uint8) error {
	first := early
	if header != 0 {
		h, err := proxyHeader(t.client, header)
		if err != nil {
			return err
		}
		first = append(h, early...)
	}
	t.touch()
	if len(first) == 0 {
		return nil
	}
	_, err := t.endpoint.Write(first)
	t.counts.received.Add(uint64(len(early)))
	return err
}

// both moves bytes both ways until both sides have ended.
func (t *tunnel) both() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer t.recovered()
		t.move(t.endpoint.Conn, t.client, &t.counts.received)
	}()
	defer func() { <-ended }() // also when what follows panics
	defer t.recovered()
	t.move(t.client, t.endpoint.Conn, &t.counts.sent)
}

// touch sets all deadlines anew: a connection ends when nothing was sent either way
// for so long, not when one side was silent.
func (t *tunnel) touch() {
	for _, c := range [...]*sock.Conn{t.client, t.endpoint.Conn} {
		c.ReadWithin(t.idle)
		c.WriteWithin(t.idle)
	}
}

// move moves bytes from src to dst until src has ended, which dst is told, or one
// of them failed, which ends the tunnel.
func (t *tunnel) move(dst, src *sock.Conn, count *atomic.Uint64) {
	many := false // more came last time than a buffer holds
	for {
		var n int64
		var readErr, writeErr error
		if many && src.CanSplice(dst) {
			n, readErr, writeErr = t.splicePart(dst, src)
		} else {
			n, readErr, writeErr = t.copyPart(dst, src)
		}
		many = n >= copyBuffer
		if n > 0 {
			count.Add(uint64(n))
			t.touch()
		}
		if readErr == sock.ErrWouldBlock && writeErr == nil {
			readErr = src.WaitRead()
		}
		switch {
		case writeErr != nil:
			t.cut()
			return
		case readErr == nil:
		case readErr == io.EOF:
			t.finish(dst)
			return
		default:
			// An end by silence is a clean one, unless bytes are on their way.
			t.shut(!errors.Is(readErr, sock.ErrTimeout) || t.moving.Load() > 0)
			return
		}
	}
}

// finish tells dst that one direction has ended. The other one goes on, unless dst
// is of a kind that has no such thing: then that is the end of it.
func (t *tunnel) finish(dst *sock.Conn) {
	half, ok := dst.NetConn().(interface{ CloseWrite() error })
	switch {
	case !ok:
		t.shut(false)
	case half.CloseWrite() != nil:
		t.cut()
	}
}

// splicePart moves what is there of src inside the kernel, which is cheaper for
// streams, and not for a few bytes.
func (t *tunnel) splicePart(dst, src *sock.Conn) (n int64, readErr, writeErr error) {
	t.moving.Add(1)
	defer t.moving.Add(-1)
	_, n, readErr, writeErr = src.TrySplice(dst, math.MaxInt64, 0)
	return n, readErr, writeErr
}

// copyBuffer is the size of the buffers that bytes go through otherwise.
const copyBuffer = 16 << 10

// copyPart is splicePart through a buffer. Where src can be waited for, the buffer
// is held only while there are bytes.
func (t *tunnel) copyPart(dst, src *sock.Conn) (n int64, readErr, writeErr error) {
	mem := alloc.TakeMemory(alloc.Standard)
	defer mem.Release()
	buf := mem.In.Alloc(copyBuffer)
	tryRead := src.TryRead
	if !src.CanWait() {
		tryRead = src.Read
	}
	read, readErr := tryRead(buf)
	if read == 0 {
		return 0, readErr, nil
	}
	t.moving.Add(1)
	defer t.moving.Add(-1)
	written, writeErr := dst.Write(buf[:read])
	return int64(written), readErr, writeErr
}
