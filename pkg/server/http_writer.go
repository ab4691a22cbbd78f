package server

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

var errHandlerReturned = errors.New("handler has returned")

// httpWriter is the ResponseWriter of an ordinary handler.
type httpWriter struct {
	header http.Header

	mu        sync.Mutex // a goroutine may go on when the handler has returned
	w         ResponseWriter
	began     bool // the fields were copied
	ended     bool
	announced []string // names that the field Trailer lists
}

// Header implements http.ResponseWriter.
func (w *httpWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *httpWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.begin(status)
	}
}

// begin copies the fields, and passes the status on.
func (w *httpWriter) begin(status int) {
	if !w.began {
		w.copyFields()
	}
	w.began = w.began || status < 100 || status > 199 || status == http.StatusSwitchingProtocols
	w.w.WriteHeader(status)
}

// copyFields replaces the fields of the response by those of the map, in the order
// of their names.
func (w *httpWriter) copyFields() {
	to := w.w.Header()
	to.delAll()
	w.announced = nil
	for _, list := range w.header["Trailer"] {
		w.announced = slices.AppendSeq(w.announced, eachName(list))
	}
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		values := w.header[name]
		switch {
		case strings.HasPrefix(name, http.TrailerPrefix), slices.Contains(w.announced, name):
			continue
		case name == "Content-Type" && len(values) == 0:
			if own, ok := w.w.(*response); ok {
				own.noSniff = true // as net/http has it
			}
		}
		for _, v := range values {
			to.Add(name, v)
		}
	}
}

// ready begins the response with a status of 200 if it was not begun.
func (w *httpWriter) ready() error {
	if w.ended {
		return errHandlerReturned
	}
	if !w.began {
		w.begin(http.StatusOK)
	}
	return nil
}

// Write implements io.Writer.
func (w *httpWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// WriteString implements io.StringWriter.
func (w *httpWriter) WriteString(s string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return 0, err
	}
	return w.w.WriteString(s)
}

// ReadFrom implements io.ReaderFrom.
func (w *httpWriter) ReadFrom(src io.Reader) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return 0, err
	}
	return io.Copy(w.w, src)
}

// Flush implements http.Flusher.
func (w *httpWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *httpWriter) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return err
	}
	return w.w.Flush()
}

// EnableFullDuplex is for http.ResponseController.
func (w *httpWriter) EnableFullDuplex() error { return nil }

// Hijack implements http.Hijacker.
func (w *httpWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, nil, errHandlerReturned
	}
	w.began = true
	return w.w.Hijack()
}

// finish copies what can still be set when the handler has returned: the fields of
// a response that was not begun, and trailers.
func (w *httpWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.began {
		w.copyFields()
	}
	to := w.w.Trailer()
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		trailer, prefixed := strings.CutPrefix(name, http.TrailerPrefix)
		if !prefixed && !slices.Contains(w.announced, name) || message.LookupName([]byte(trailer)) != message.Unknown {
			continue
		}
		for _, v := range w.header[name] {
			to.Add(trailer, v)
		}
	}
}

// end waits for a write that is under way, and makes later ones fail.
func (w *httpWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
