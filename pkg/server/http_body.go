package server

import (
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// httpBody is the Body of an http.Request. A goroutine that outlives the handler
// may still read it, such as that of an http.Transport, and then gets an error.
type httpBody struct {
	req   *http.Request
	limit int64
	// Of the request that it came with:
	trailer *Header // valid while a read is under way
	own     *bodyReader
	round   uint64
	other   *guardedReader // in place of own, when a middleware has its own reader

	closed atomic.Bool
	told   bool // the trailers were copied
}

func newHTTPBody(r Request, req *http.Request) *httpBody {
	b := &httpBody{req: req, trailer: r.Trailer()}
	if own, ok := r.(*request); ok {
		b.limit = own.ex.Request.MaxBody
	}
	reader := r.Body()
	if own, ok := reader.(*bodyReader); ok {
		b.own, b.round = own, own.round
	} else {
		b.other = &guardedReader{r: reader}
	}
	return b
}

// Read implements io.Reader, with the errors of net/http.
func (b *httpBody) Read(p []byte) (n int, err error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.own != nil {
		n, err = b.own.readIn(b.round, p, b.copyTrailers)
	} else {
		n, err = b.other.readIn(p, b.copyTrailers)
	}
	switch err {
	case ErrBodyTooLarge:
		err = &http.MaxBytesError{Limit: b.limit}
	case ErrTimeout:
		err = os.ErrDeadlineExceeded
	case ErrClientGone:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer. It does not wait for a read.
func (b *httpBody) Close() error {
	b.closed.Store(true)
	return nil
}

// end is called when the handler has returned.
func (b *httpBody) end() {
	b.closed.Store(true)
	if b.other != nil {
		b.other.end()
	}
}

// copyTrailers is called during the read that finds the end.
func (b *httpBody) copyTrailers() {
	if b.told || b.trailer.Len() == 0 {
		return
	}
	b.told = true
	if b.req.Trailer == nil {
		b.req.Trailer = make(http.Header)
	}
	for name, values := range httpHeader(b.trailer, nil) {
		b.req.Trailer[name] = values
	}
}

// guardedReader keeps reads from going on when the handler has returned.
type guardedReader struct {
	mu    sync.Mutex
	r     io.Reader
	ended bool
}

func (g *guardedReader) readIn(p []byte, atEnd func()) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := g.r.Read(p)
	if err == io.EOF {
		atEnd()
	}
	return n, err
}

// end waits for a read that is under way.
func (g *guardedReader) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}
