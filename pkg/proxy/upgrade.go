package proxy

import (
	"bytes"
	"io"
	"math"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// tunnelBuffer is the size of the buffer of each direction of a tunnel.
const tunnelBuffer = 8 << 10

// upgradable tells whether a request may ask its endpoint for another protocol:
// any single one but HTTP in another version, in which requests would pass that
// nobody here has looked at ("h2c smuggling"), and TLS.
func upgradable(req *message.Request) bool {
	to := req.UpgradeTo
	if len(to) == 0 || req.Body != message.None {
		return false
	}
	name, _, _ := bytes.Cut(to, []byte{'/'})
	switch {
	case !http11.ValidFieldName(name), bytes.ContainsAny(to, ", \t"):
		return false
	case message.EqualFold(name, "h2c"), message.EqualFold(name, "h2"), message.EqualFold(name, "HTTP"), message.EqualFold(name, "TLS"):
		return false
	}
	return true
}

// checkUpgrade refuses a 101 that switches to what was not asked for (RFC 9110,
// section 15.2.2).
func (x *exchange) checkUpgrade() error {
	f := &x.Response.Fields
	to, ok := f.Get(message.Upgrade)
	if !x.request.upgrade || !ok || f.Count(message.Upgrade) != 1 || !bytes.EqualFold(to, x.Request.UpgradeTo) {
		return errGarbage
	}
	return nil
}

// tunnel passes the 101 on and copies bytes both ways until both sides have
// ended, one of them failed, or none has sent anything for the route's
// ReadTimeout.
func (x *exchange) tunnel() {
	if x.WriteHead() != nil {
		return
	}
	down, early, err := x.Upgrade()
	if err != nil {
		return
	}
	t := tunnel{down: down, up: x.conn, limit: x.route.ReadTimeout, begun: time.Now()}
	down.SetIdle(0) // one side may be silent as long as the other is not
	t.timer = time.AfterFunc(math.MaxInt64, t.check)
	if t.limit > 0 {
		t.timer.Reset(t.limit)
	}
	mem := alloc.TakeMemory(x.route.Mode) // of both directions
	defer mem.Release()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.fromClient(early, mem.In.Alloc(tunnelBuffer))
	}()
	defer func() {
		t.over.Store(true)
		t.timer.Stop()
		t.cut()
		<-ended
	}()
	t.fromUpstream(x.buf[x.at:], mem.Work.Alloc(tunnelBuffer))
	<-ended
}

// tunnel is a pair of connections that bytes are copied between.
type tunnel struct {
	down  message.Tunnel
	up    *upstream.Conn
	limit time.Duration
	begun time.Time
	last  atomic.Int64 // when a byte last came, since begun
	over  atomic.Bool
	timer *time.Timer
}

// check cuts the tunnel when it was silent for too long, and looks again later
// when not.
func (t *tunnel) check() {
	if t.over.Load() {
		return
	}
	silent := time.Since(t.begun) - time.Duration(t.last.Load())
	if silent >= t.limit {
		t.cut()
		return
	}
	t.timer.Reset(t.limit - silent)
}

// cut ends both directions.
func (t *tunnel) cut() {
	t.up.Cut()
	_ = t.down.Close()
}

func (t *tunnel) touch() { t.last.Store(int64(time.Since(t.begun))) }

// fromUpstream copies what the upstream sends.
func (t *tunnel) fromUpstream(early, buf []byte) {
	_, err := t.down.Write(early)
	if err == nil {
		err = t.copy(t.down, t.up, buf)
	}
	t.finish(err, t.down.CloseWrite)
}

// fromClient copies what the client sends. early are bytes that came with its
// request.
func (t *tunnel) fromClient(early, buf []byte) {
	var err error
	if len(early) > 0 {
		_, err = t.up.Write(early)
	}
	if err == nil {
		err = t.copy(t.up, t.down, buf)
	}
	t.finish(err, t.up.CloseWrite)
}

// copy copies until src ends or either fails.
func (t *tunnel) copy(dst io.Writer, src io.Reader, buf []byte) error {
	for {
		n, err := src.Read(buf)
		if n > 0 {
			t.touch()
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
			t.touch()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// finish ends one direction: after an end of the stream the other one goes on.
func (t *tunnel) finish(err error, closeWrite func() error) {
	if err != nil || closeWrite() != nil {
		t.cut()
	}
}
