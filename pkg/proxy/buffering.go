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
	b := new(buffered)
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
		b.end(x, x.fill(b, a))
	}()
	err := b.drain(x, out)
	if err != nil {
		b.stop(x)
	}
	<-read
	return err
}

// fill reads the response into b until it ends.
func (x *exchange) fill(b *buffered, a *message.Attempt) (err error) {
	defer func() {
		if v := recover(); v != nil {
			x.log.Error("reading a response panicked", "err", v, "stack", string(debug.Stack()))
			err = errCut
		}
	}()
	sink := func(data []byte) error {
		a.Length += int64(len(data))
		return b.add(x, data)
	}
	switch body := x.Response.Body; body {
	case message.Chunked:
		x.chunks.Reset(&responseLimits)
		return x.readChunks(sink)
	case message.UntilClose:
		return x.readUntilClose(sink)
	default:
		return x.readLength(sink, int64(body))
	}
}

// fillMore is more without a client that waits.
func (x *exchange) fillMore(left int64) error {
	if x.late() {
		return errCut
	}
	x.makeRoom(left)
	n, err := x.read(x.buf[len(x.buf):cap(x.buf)])
	x.buf = x.buf[:len(x.buf)+n]
	if err != nil && err != io.EOF {
		return errCut
	}
	return err
}

func (x *exchange) readLength(sink func([]byte) error, left int64) error {
	for {
		n := min(int64(len(x.buf)-x.at), left)
		data := x.buf[x.at : x.at+int(n)]
		x.at += int(n)
		left -= n
		if err := sink(data); err != nil || left == 0 {
			return err
		}
		if x.fillMore(left) != nil {
			return errCut
		}
	}
}

func (x *exchange) readChunks(sink func([]byte) error) error {
	for {
		data, n, err := x.chunks.Next(x.buf[x.at:], &x.Response.Trailers)
		x.at += n
		if err := sink(data); err != nil {
			return err
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return errCut
		case n > 0:
			continue
		}
		if x.fillMore(mediumBuffer) != nil {
			return errCut
		}
	}
}

func (x *exchange) readUntilClose(sink func([]byte) error) error {
	for {
		data := x.buf[x.at:]
		x.at = len(x.buf)
		if err := sink(data); err != nil {
			return err
		}
		if err := x.fillMore(mediumBuffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// add appends data, and waits as long as there is no room for it.
func (b *buffered) add(x *exchange, data []byte) error {
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
		n, err := b.spool.write(x.Mem, data[:n])
		data = data[n:]
		if err != nil { // nothing is lost: the endpoint has to wait for the client
			x.log.Error("a response cannot be kept in a file", "err", err)
			b.most = b.spool.length()
		}
		b.changed.Signal()
	}
	return nil
}

// end tells the writer that nothing follows, and gives the connection back of a body
// that came whole.
func (b *buffered) end(x *exchange, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && !b.stopped {
		x.giveBack()
	}
	b.ended, b.err = true, err
	b.changed.Signal()
}

// stop tells the reader that nobody takes what it reads, and ends a read that waits.
func (b *buffered) stop(x *exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if !b.ended && x.conn != nil {
		x.conn.Cut()
	}
	b.changed.Signal()
}

// drain writes what b holds to the client, until it ends. out is where parts go on
// their way.
func (b *buffered) drain(x *exchange, out []byte) error {
	for {
		n, more, err := b.next(out)
		if err != nil || !more {
			return err
		}
		if err := x.WriteBody(out[:n]); err != nil {
			return err
		}
		if err := x.Flush(); err != nil {
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
