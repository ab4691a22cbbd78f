package server

import (
	"io"
	"net/http"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// bodyReader reads a request's body through the connection's own buffer.
type bodyReader struct {
	x *exchange

	// mu is held while a read waits, which another goroutine than the handler's
	// may do; the end of the exchange waits for it.
	mu    sync.Mutex
	rest  []byte // of the bytes that NextBody returned
	err   error  // what reads fail with from now on
	round uint64 // exchanges with a body so far: it tells them apart
}

// begin readies b for the next request, which nobody reads yet.
func (b *bodyReader) begin() { b.rest, b.err = nil, nil }

// end waits for a read in another goroutine, which the end of the response has
// interrupted, and makes later ones with this round's number fail.
func (b *bodyReader) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.round++
	b.rest = nil
}

// Read implements io.Reader.
func (b *bodyReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.read(p)
}

// readIn is Read for who may come when the exchange has ended. atEnd is called while
// the trailers are there.
func (b *bodyReader) readIn(round uint64, p []byte, atEnd func()) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.round != round {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.read(p)
	if err == io.EOF {
		atEnd()
	}
	return n, err
}

func (b *bodyReader) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(b.rest) == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// WriteTo implements io.WriterTo: it writes the body without another buffer.
func (b *bodyReader) WriteTo(w io.Writer) (n int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if len(b.rest) == 0 {
			if err := b.next(); err == io.EOF {
				return n, nil
			} else if err != nil {
				return n, err
			}
		}
		m, err := w.Write(b.rest)
		n += int64(m)
		b.rest = b.rest[m:]
		switch {
		case err != nil:
			return n, err
		case len(b.rest) > 0:
			return n, io.ErrShortWrite
		}
	}
}

// announced is how much memory a body gets at once because its length was announced;
// beyond that it grows by what has arrived, to grown times that.
const (
	announced = 64 << 10
	grown     = 4
)

// whole returns what is left of the body.
func (b *bodyReader) whole() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		if err := b.next(); err != nil {
			return nil, orNil(err)
		}
	}
	first, mem, length := b.rest, b.x.ex.Mem.Side(), int64(b.x.ex.Request.Body)
	b.rest = nil
	if int64(len(first)) == length {
		return first, nil // the engine reads nothing more over it
	}
	buf := append(mem.Alloc(int(max(min(length, announced), 2*int64(len(first)))))[:0], first...)
	for {
		if err := b.next(); err != nil {
			return buf, orNil(err)
		}
		if need := len(buf) + len(b.rest); need > cap(buf) {
			size := grown * cap(buf)
			if length > 0 {
				size = int(min(int64(size), length))
			}
			buf = mem.Grow(buf, max(size, need))
		}
		buf = append(buf, b.rest...)
		b.rest = nil
	}
}

// orNil is err, unless that is io.EOF.
func orNil(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// next fills b.rest.
func (b *bodyReader) next() error {
	if b.err != nil {
		return b.err
	}
	if b.rest, b.err = b.x.ex.NextBody(); b.err != nil && b.err != io.EOF {
		b.x.bodyFailed(b.err)
	}
	return b.err
}

// dropBody says that nobody reads the rest of the body, unless another goroutine than
// the handler's is just doing that.
func (x *exchange) dropBody() {
	if b := &x.req.body; x.ex.Request.Body != message.None && b.mu.TryLock() {
		if b.err == nil {
			x.ex.DropBody()
		}
		b.mu.Unlock()
	}
}

// failure is the error that broke the body, or nil.
func (b *bodyReader) failure() error {
	if !b.mu.TryLock() {
		return nil // somebody still reads
	}
	defer b.mu.Unlock()
	switch b.err {
	case message.ErrBodyTooLarge, message.ErrBodyMalformed, message.ErrTimeout, message.ErrClientGone:
		return b.err
	}
	return nil
}
