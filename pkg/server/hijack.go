package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
)

var errBodyInUse = errors.New("request body is being read by another goroutine")

func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x := w.x
	if w.err != nil {
		return nil, nil, w.err
	}
	if w.status != 0 && !w.committed {
		if err := w.commit(w.length, nil); err != nil {
			return nil, nil, err
		}
	}
	body := &x.req.body
	if !body.mu.TryLock() {
		return nil, nil, errBodyInUse
	}
	defer body.mu.Unlock()
	nc, buffered, err := x.ex.Hijack()
	if err != nil {
		return nil, nil, w.keep(err)
	}
	w.hijacked, w.committed = true, true
	w.err, body.err = http.ErrHijacked, http.ErrHijacked
	all := bytes.Join([][]byte{body.rest, buffered}, nil)
	body.rest = nil
	return nc, bufio.NewReadWriter(readerWith(all, nc), bufio.NewWriter(nc)), nil
}

// readerWith returns a reader of nc that has already read buffered.
func readerWith(buffered []byte, nc net.Conn) *bufio.Reader {
	const usual = 4 << 10
	src := &prefixed{buffered, nc}
	r := bufio.NewReaderSize(src, max(usual, len(buffered)))
	_, _ = r.Peek(len(buffered)) // cannot fail: src has that many
	return r
}

// prefixed reads from a buffer, and then from a connection.
type prefixed struct {
	rest []byte
	then io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.rest) > 0 {
		n := copy(b, p.rest)
		if p.rest = p.rest[n:]; len(p.rest) == 0 {
			p.rest = nil
		}
		return n, nil
	}
	return p.then.Read(b)
}
