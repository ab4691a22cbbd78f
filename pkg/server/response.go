package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ResponseWriter is how a handler answers. It is for one goroutine at a time, and
// valid until the handler returns.
//
// How the body is delimited follows from what the handler does. With a
// Content-Length field, that many bytes must be written: more are refused, and with
// fewer the connection is cut, so that the client sees that something is missing.
// Otherwise a body that fits into a small buffer gets its Content-Length when the
// handler returns, and a larger or flushed one is sent in chunks, or until the end
// of the connection to an HTTP/1.0 client. Connection, Keep-Alive,
// Transfer-Encoding and Trailer are the server's: of what the handler sets there,
// "Connection: close" is honoured.
type ResponseWriter interface {
	// Header is the fields that will be sent. Changes after WriteHeader or the first
	// Write have no effect.
	Header() *Header
	// WriteHeader begins the response. A status from 100 to 199, except 101, sends
	// an interim response with the fields of that moment at once, such as 103 (Early
	// Hints), and may be followed by others. A second status is ignored, and logged
	// once. 101 must be followed by Hijack, and is sent by it; it is for a request
	// that asks to switch protocols, and the field Upgrade says to which.
	WriteHeader(status int)
	// Write sends part of the body, after a status of 200 if there was none. It uses
	// p only until it returns. Without a Content-Type, one is found by the first
	// bytes. For HEAD the bytes are counted and dropped. Errors:
	// http.ErrBodyNotAllowed (204, 304), http.ErrContentLength, http.ErrHijacked,
	// ErrTimeout and ErrClientGone.
	Write(p []byte) (int, error)
	// WriteString is Write for a string, which is not copied first.
	WriteString(s string) (int, error)
	// WriteJSON sends a whole response: the status, the Content-Type
	// application/json unless another was set, and body. Nothing can be written
	// after it. It fails with ErrHeaderWritten when the response was begun already.
	WriteJSON(status int, body []byte) error
	// WriteHTML is WriteJSON for text/html in UTF-8.
	WriteHTML(status int, body string) error
	// WriteText is WriteJSON for text/plain in UTF-8.
	WriteText(status int, body string) error
	// Trailer is the fields that are sent after the body, if it is sent in chunks
	// and the client said that it takes them (TE: trailers). They may be set until
	// the handler returns; one that is set while the body is in the buffer makes
	// it be sent in chunks. Fields that say how to frame, route or process a message
	// cannot be trailers.
	Trailer() *Header
	// Flush sends what was written so far.
	Flush() error
	// Hijack hands the connection over, after what was written so far was sent: it
	// is the caller's, who must close it, and outlives the handler and the server.
	// Its reader has the bytes that the client sent already. Over TLS it is a
	// *tls.Conn. The request's body must not be read afterwards.
	Hijack() (net.Conn, *bufio.ReadWriter, error)
}

// The buffer of a response whose length is not known yet. It is in the exchange's
// memory, and grows once.
const (
	firstBuffer = 2 << 10
	mostBuffer  = 8 << 10
	// copyBuffer is what ReadFrom reads into.
	copyBuffer = 16 << 10
	// sniffed is how many bytes of a body tell its type.
	sniffed = 512
)

var (
	textPlain       = []byte("text/plain; charset=utf-8")
	textHTML        = []byte("text/html; charset=utf-8")
	applicationJSON = []byte("application/json")
)

const unknown = -1 // a length

// response implements ResponseWriter.
type response struct {
	x       *exchange
	header  Header
	trailer Header

	status    int   // 0: the handler has not decided
	length    int64 // Content-Length, or unknown
	written   int64 // bytes of the body that the handler wrote
	buf       []byte
	copying   []byte // see ReadFrom
	noSniff   bool   // no Content-Type is added
	committed bool   // the head was handed to the connection
	mistaken  bool   // the answer is a 500
	hijacked  bool
	toldTwice bool
	err       error // what writes fail with from now on
}

func (w *response) begin(ex *message.Exchange) {
	x := w.x
	*w = response{x: x, length: unknown}
	w.header.attach(&ex.Response.Fields)
	w.trailer.attach(&ex.Response.Trailers)
	w.trailer.after = true
}

// forget drops what w refers to.
func (w *response) forget() { w.buf, w.copying, w.err = nil, nil, nil }

func (w *response) Header() *Header  { return &w.header }
func (w *response) Trailer() *Header { return &w.trailer }

// isHead tells whether the request's method is HEAD.
func (w *response) isHead() bool { return w.x.ex.Request.MethodID == message.HEAD }

// bodyAllowed tells whether a response with the status may have a body (RFC 9110,
// section 6.4.1).
func bodyAllowed(status int) bool { return status >= 200 && status != 204 && status != 304 }

func (w *response) WriteHeader(status int) {
	switch {
	case w.hijacked, w.status != 0:
		w.tellTwice(status)
	case status < 100 || status > 999:
		w.mistake(fmt.Sprintf("status %d is none", status))
	case status == 101 && len(w.x.ex.Request.UpgradeTo) == 0:
		w.mistake("status 101 was not asked for")
	case status < 200 && status != 101:
		_ = w.keep(w.x.ex.WriteInterim(status, &w.x.ex.Response.Fields)) // later writes fail
	default:
		w.decide(status)
	}
}

// decide fixes status and fields.
func (w *response) decide(status int) {
	w.status = status
	w.header.frozen = true
	fields := &w.x.ex.Response.Fields
	value, ok := fields.Get(message.ContentLength)
	if !ok {
		return
	}
	n, valid := parseLength(value)
	if !valid || fields.Count(message.ContentLength) > 1 {
		w.mistake("Content-Length is no length")
		return
	}
	if bodyAllowed(status) || status == 304 {
		w.length = n
	}
}

// parseLength reads 1*DIGIT.
func parseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// mistake logs a mistake of the handler. When nothing was sent yet, the response
// becomes a 500.
func (w *response) mistake(text string) {
	w.x.s.log.Error("handler made a mistake", "err", text, "path", string(w.x.req.path))
	if w.committed {
		return
	}
	w.mistaken = true
	w.err = errMistake
	if w.status == 0 {
		w.status = http.StatusInternalServerError
	}
}

// tellTwice logs a second status.
func (w *response) tellTwice(status int) {
	if w.toldTwice || w.mistaken {
		return
	}
	w.toldTwice = true
	w.x.s.log.Warn("handler wrote a second status", "status", w.status, "second", status, "path", string(w.x.req.path))
}

// keep remembers an error of the connection: nothing is written after it.
func (w *response) keep(err error) error {
	if err == nil {
		return nil
	}
	if w.err == nil {
		w.err = err
	}
	if err == message.ErrClientGone || err == message.ErrTimeout {
		w.x.endContext()
	}
	return err
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && int64(len(p)) > w.length-w.written:
		return 0, http.ErrContentLength
	case len(p) == 0:
		return 0, nil
	}
	w.written += int64(len(p))
	switch {
	case w.committed:
	case w.isHead():
		w.buffer(p[:min(len(p), max(0, sniffed-len(w.buf)))])
		return len(p), nil
	case w.length < 0 && w.buffer(p):
		return len(p), nil
	default:
		if err := w.commit(w.length, p); err != nil {
			return 0, err
		}
	}
	if err := w.keep(w.x.ex.WriteBody(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *response) WriteString(s string) (int, error) { return w.Write(alloc.Bytes(s)) }

func (w *response) WriteJSON(status int, body []byte) error {
	return w.writeWhole(status, applicationJSON, body)
}

func (w *response) WriteHTML(status int, body string) error {
	return w.writeWhole(status, textHTML, alloc.Bytes(body))
}

func (w *response) WriteText(status int, body string) error {
	return w.writeWhole(status, textPlain, alloc.Bytes(body))
}

// writeWhole sends a response of which all is known.
func (w *response) writeWhole(status int, contentType, body []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case w.status != 0:
		return ErrHeaderWritten
	}
	if fields := &w.x.ex.Response.Fields; bodyAllowed(status) && !fields.Has(message.ContentType) {
		fields.Add(message.ContentType, contentType)
	}
	if status < 200 {
		w.mistake(fmt.Sprintf("status %d has no body", status))
		return w.err
	}
	w.x.dropBody()
	w.WriteHeader(status)
	if w.err == nil && w.length < 0 && bodyAllowed(status) {
		w.length = int64(len(body))
	}
	if len(body) == 0 {
		return w.err
	}
	_, err := w.Write(body)
	return err
}

// ReadFrom implements io.ReaderFrom, so that io.Copy takes its buffer from the
// exchange's memory.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if w.copying == nil {
		w.copying = w.x.ex.Mem.Alloc(copyBuffer)
	}
	for {
		m, err := src.Read(w.copying)
		if m > 0 {
			written, err := w.Write(w.copying[:m])
			n += int64(written)
			if err != nil {
				return n, err
			}
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// take returns an empty buffer of the exchange's memory with room for n bytes.
func (w *response) take(n int) []byte { return w.x.ex.Mem.Alloc(n)[:0] }

// buffer keeps p if the buffer can hold it beside what is there.
func (w *response) buffer(p []byte) bool {
	need := len(w.buf) + len(p)
	switch {
	case need > mostBuffer:
		return false
	case need <= cap(w.buf):
	case need > firstBuffer:
		w.buf = w.x.ex.Mem.Grow(w.buf, mostBuffer)
	default:
		w.buf = w.take(firstBuffer)
	}
	w.buf = append(w.buf, p...)
	return true
}

// commit hands the head to the connection, and what is in the buffer after it. more
// is what will be written next.
func (w *response) commit(length int64, more []byte) error {
	if w.header.wrong != "" {
		w.mistake(w.header.wrong)
		return w.err
	}
	ex := w.x.ex
	r := &ex.Response
	r.Status = w.status
	switch {
	case w.isHead(), !bodyAllowed(w.status):
		r.Body, r.Length = message.None, length
	case length < 0:
		r.Body = message.Chunked
	default:
		r.Body = message.Framing(length)
	}
	if w.status == 101 {
		if to, ok := r.Fields.Get(message.Upgrade); ok {
			ex.Request.UpgradeTo = to
		}
	}
	w.sniff(more)
	w.committed = true
	if err := w.keep(ex.WriteHead()); err != nil || w.isHead() {
		return err
	}
	return w.keep(ex.WriteBody(w.buf))
}

// sniff adds a Content-Type that is found by the first bytes of the body.
func (w *response) sniff(more []byte) {
	sample, fields := w.buf, &w.x.ex.Response.Fields
	if len(sample) == 0 {
		sample = more
	}
	if len(sample) == 0 || w.noSniff || !bodyAllowed(w.status) || fields.Has(message.ContentType) || w.header.Has("Content-Encoding") {
		return
	}
	fields.Add(message.ContentType, alloc.Bytes(http.DetectContentType(sample)))
}

func (w *response) Flush() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil {
		return w.err
	}
	if !w.committed && w.status != 101 {
		if err := w.commit(w.length, nil); err != nil {
			return err
		}
	}
	return w.keep(w.x.ex.Flush())
}

// finish completes the response when the handler has returned.
func (w *response) finish() {
	x := w.x
	if w.hijacked {
		return
	}
	if w.status == 0 {
		if failure := x.req.body.failure(); failure != nil {
			x.answerFailure(failure)
			return
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.status == 101 && !w.mistaken {
		w.mistake("status 101 was not followed by Hijack")
	}
	if w.trailer.wrong != "" {
		w.mistake(w.trailer.wrong)
	}
	if !w.committed && w.err == nil {
		x.dropBody()
		_ = w.commit(w.wholeLength(), nil)
	}
	switch {
	case w.mistaken:
		x.answer(http.StatusInternalServerError, "")
	case w.err != nil, w.status == 101:
		x.abort()
	case w.length >= 0 && w.written < w.length && bodyAllowed(w.status) && !w.isHead():
		w.mistake("body is shorter than its Content-Length")
		x.abort()
	default:
		var trailers *message.Fields
		if w.trailer.Len() > 0 {
			trailers = w.trailer.f
		}
		if w.keep(x.ex.Finish(trailers)) != nil {
			x.abort()
		}
	}
}

// wholeLength is the Content-Length of a response that the handler has written all
// of, while its head was not sent.
func (w *response) wholeLength() int64 {
	switch {
	case w.length >= 0 || !bodyAllowed(w.status):
		return w.length
	case w.isHead():
		if w.written == 0 {
			return unknown // a GET might be answered with something
		}
		return w.written
	case w.trailer.Len() > 0:
		return unknown
	}
	return int64(len(w.buf))
}

// answerFailure answers a request whose body could not be read.
func (x *exchange) answerFailure(err error) {
	switch err {
	case message.ErrBodyTooLarge:
		x.answer(http.StatusRequestEntityTooLarge, "")
	case message.ErrBodyMalformed:
		x.answer(http.StatusBadRequest, "")
	case message.ErrTimeout:
		x.answer(http.StatusRequestTimeout, "")
	default:
		x.abort()
	}
}
