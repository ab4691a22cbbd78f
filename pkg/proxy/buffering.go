package proxy

import (
	"errors"
	"io"
	"runtime/debug"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// buffered is a response that is read as fast as its endpoint sends it, while the
// client takes it at its own pace (ingress-nginx: proxy-buffering). One goroutine
// reads and another writes; what lies between them is bounded.
type buffered struct {
	x       *exchange
	mu      sync.Mutex
	changed sync.Cond
	spool   spool
	most    int64 // bytes that spool may hold
	taken   int64 // bytes of spool that the client has
	ended   bool  // nothing more is added
	err     error // why the reader ended; nil for a whole body
	stopped bool  // nobody reads spool any more
}

// errStopped ends a reader whose client has left.
var errStopped = errors.New("client has left")

// relayBuffered passes on a body that is not here whole. The connection to the
// endpoint is given back when the endpoint has sent its last byte, however long the
// client takes.
func (x *exchange) relayBuffered(a *message.Attempt) error {
	set := &x.route.Buffering
	b := &buffered{x: x}
	b.changed.L = &b.mu
	memory := max(set.ResponseMemory, mediumBuffer)
	b.most = memory + set.ResponseFile
	if n := int64(x.Response.Body); n > 0 {
		memory = min(memory, n)
	}
	b.spool.begin(x.Mem, memory, memory) // all of it now: the writer reads it while it fills
	defer b.spool.close()
	out := x.Mem.Alloc(mediumBuffer)

	read := make(chan struct{})
	go func() {
		defer close(read)
		b.end(b.fill(a))
	}()
	err := b.drain(out)
	if err != nil {
		b.stop()
	}
	<-read
	return err
}

// fill reads the response into b until it ends.
func (b *buffered) fill(a *message.Attempt) (err error) {
	defer func() {
		if v := recover(); v != nil {
			b.x.log.Error("reading a response panicked", "err", v, "stack", string(debug.Stack()))
			err = errCut
		}
	}()
	return b.x.readBody(b, a)
}

// Flush implements bodyWriter: the writer takes what there is by itself.
func (b *buffered) Flush() error { return nil }

// WriteBody implements bodyWriter: it appends data, and waits as long as there is no
// room for it.
func (b *buffered) WriteBody(data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(data) > 0 {
		if b.stopped {
			return errStopped
		}
		if held := b.spool.length(); held > 0 && held == b.taken {
			b.spool.rewind()
			b.taken = 0
		}
		n := min(int64(len(data)), b.most-b.spool.length())
		if n <= 0 {
			b.changed.Wait()
			continue
		}
		n, err := b.spool.write(b.x.Mem, data[:n])
		data = data[n:]
		if err != nil { // nothing is lost: the endpoint has to wait for the client
			b.x.log.Error("a response cannot be kept in a file", "err", err)
			b.most = b.spool.length()
		}
		b.changed.Signal()
	}
	return nil
}

// end tells the writer that nothing follows, and gives the connection back of a body
// that came whole.
func (b *buffered) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && !b.stopped {
		b.x.giveBack()
	}
	b.ended, b.err = true, err
	b.changed.Signal()
}

// stop tells the reader that nobody takes what it reads, and ends a read that waits.
func (b *buffered) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if !b.ended && b.x.conn != nil {
		b.x.conn.Cut()
	}
	b.changed.Signal()
}

// drain writes what b holds to the client, until it ends. out is where parts go on
// their way.
func (b *buffered) drain(out []byte) error {
	for {
		n, more, err := b.next(out)
		if err != nil || !more {
			return err
		}
		if err := b.x.WriteBody(out[:n]); err != nil {
			return err
		}
		if err := b.x.Flush(); err != nil {
			return err
		}
	}
}

// next waits for bytes that the client does not have yet, and copies some to p.
// more is false after the last.
func (b *buffered) next(p []byte) (n int, more bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.taken == b.spool.length() {
		if b.ended {
			return 0, false, b.err
		}
		b.changed.Wait()
	}
	n, err = b.spool.readAt(p, b.taken)
	if err != nil && err != io.EOF {
		return 0, false, errCut
	}
	b.taken += int64(n)
	b.changed.Signal() // the reader may wait for all to be taken
	return n, true, nil
}
