package downstream

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Names that x/net looks for, in the spelling of net/http.
const (
	headerConnection    = "Connection"
	headerContentLength = "Content-Length"
	headerContentType   = "Content-Type"
	headerDate          = "Date"
	headerServer        = "Server"
)

// WriteHead implements message.Stream. A Connection field of the handler's that says
// "close" ends the connection after the streams that have begun. The head leaves with
// the first bytes that are flushed, or with the end of the response.
func (x *stream) WriteHead() error {
	w, req, resp := &x.write, &x.ex.Request, &x.ex.Response
	switch {
	case w.started:
		return message.ErrHeadWritten
	case resp.Status < 200 && !(resp.Status == 101 && x.connect), resp.Status > 999:
		return errStatus
	}
	w.started = true
	w.status = resp.Status
	length := w.frame(req, resp)
	if x.connect && resp.Status < 300 {
		// To the client any 2xx says that the tunnel is there (RFC 8441, section 5).
		w.status = 502
		if resp.Status == 101 {
			w.status = 200
		}
	}
	h := x.rw.Header()
	w.sent += x.addFields(h, &resp.Fields)
	x.addOwn(h, length)
	x.rw.WriteHeader(w.status)
	return nil
}

// addFields adds the fields that are the handler's to h, and returns their size.
func (x *stream) addFields(h http.Header, f *message.Fields) (size int64) {
	for i := range f.Len() {
		n, name, value, ok := f.At(i)
		if !ok || ownedByConnection(n) {
			continue
		}
		size += int64(len(name) + len(value) + fieldSpare)
		if x.connect && n == message.Unknown && message.EqualFold(name, "Sec-WebSocket-Accept") {
			continue // it answers a key of ours
		}
		key := spelling(n, name)
		h[key] = append(h[key], string(value)) // x/net may hold it longer than we
	}
	return size
}

// spelling is a field name as x/net looks for it.
func spelling(n message.Name, name []byte) string {
	if n != message.Unknown {
		return n.String()
	}
	return http.CanonicalHeaderKey(string(name))
}

// addOwn adds the fields that are the connection's. A name without values keeps x/net
// from a field of its own: from a guess at the type, and from a length where the
// response has none.
func (x *stream) addOwn(h http.Header, length int64) {
	x.addDateAndServer(h)
	h[headerContentLength] = nil
	if length >= 0 {
		h[headerContentLength] = []string{strconv.FormatInt(length, 10)}
	}
	if _, ok := h[headerContentType]; !ok {
		h[headerContentType] = nil
	}
	if x.isLast() {
		h[headerConnection] = []string{"close"} // to x/net this means GOAWAY
	}
	x.write.sent += ownSize
}

// ownSize is about what a status line and the fields of our own take.
const ownSize = 80

func (x *stream) addDateAndServer(h http.Header) {
	c := x.h.c
	if _, ok := h[headerDate]; !ok {
		line := c.srv.date.field(x.ex.Start.Add(c.srv.reaper.Now() - x.coarse))
		h[headerDate] = []string{string(line[len("Date: ") : len(line)-len("\r\n")])}
	}
	if _, ok := h[headerServer]; !ok && len(x.set.serverField) > 0 {
		line := x.set.serverField
		h[headerServer] = []string{string(line[len("Server: ") : len(line)-len("\r\n")])}
	}
}

// isLast tells whether the connection is to end after the streams that have begun.
func (x *stream) isLast() bool {
	c, most := x.h.c, x.set.keepAliveRequests
	if most > 0 && x.number >= most || c.last || c.srv.draining.Load() {
		return true
	}
	v, ok := x.ex.Response.Fields.Get(message.Connection)
	return ok && message.EqualFold(v, "close")
}

// WriteInterim implements message.Stream.
func (x *stream) WriteInterim(status int, fields *message.Fields) error {
	w := &x.write
	switch {
	case w.started:
		return message.ErrHeadWritten
	case status < 100 || status > 199 || status == 101:
		return errStatus
	case w.cut || x.isGone():
		return message.ErrClientGone
	}
	h := x.rw.Header()
	if fields != nil {
		w.sent += x.addFields(h, fields)
	}
	w.sent += ownSize
	// With a Content-Length x/net sends a copy of h, without it. Otherwise it might
	// still read h when this call has returned, since the client has reset the stream,
	// and we go on to change it.
	h[headerContentLength] = []string{"0"}
	x.writeWithin(x.set.writeTimeout)
	x.rw.WriteHeader(status)
	clear(h)
	return x.wrote(nil)
}

// WriteBody implements message.Stream.
func (x *stream) WriteBody(p []byte) error {
	w := &x.write
	switch {
	case !w.started:
		return errNoHead
	case w.finished:
		return errFinished
	case w.failed || w.cut:
		return message.ErrClientGone
	case len(p) == 0 || w.framing == noBody:
		return nil
	case w.framing == byLen && int64(len(p)) > w.left:
		return message.ErrBodyLength
	}
	for len(p) > 0 {
		part := p[:min(len(p), writePart)]
		x.writeWithin(x.set.writeTimeout)
		n, err := x.rw.Write(part)
		w.body += int64(n)
		w.sent += int64(n)
		if w.framing == byLen {
			w.left -= int64(n)
		}
		if err = x.wrote(err); err != nil {
			return err
		}
		p = p[len(part):]
	}
	return nil
}

// writeWithin bounds the time that the next write may take. wrote must follow.
func (x *stream) writeWithin(d time.Duration) {
	within(&x.cutter.writeBy, x.h.c.srv.reaper.Now(), d)
}

// wrote ends what writeWithin began, and tells what has become of the write, for which
// x/net returned err. After an error nothing more is written.
func (x *stream) wrote(err error) error {
	x.cutter.writeBy.Store(0)
	switch {
	case err == nil && !x.isGone():
		return nil
	case x.cutter.late.Load():
		err = message.ErrTimeout
	default:
		err = message.ErrClientGone
	}
	x.write.failed = true
	return err
}

// Flush implements message.Stream. The head of a response without a body leaves with
// the end of the response in any case: a client of gRPC takes a status that its first
// frame does not end with for none.
func (x *stream) Flush() error {
	w := &x.write
	switch {
	case !w.started:
		return nil
	case w.failed || w.cut:
		return message.ErrClientGone
	case w.finished, w.framing == noBody, w.framing == byLen && w.left == 0 && w.body == 0:
		return nil
	}
	return x.flush()
}

func (x *stream) flush() error {
	x.writeWithin(x.set.writeTimeout)
	return x.wrote(x.rw.FlushError())
}

// Finish implements message.Stream. Any client can have trailers in HTTP/2 (RFC 9113,
// section 8.1). The end of the response leaves when the handler has returned.
func (x *stream) Finish(trailers *message.Fields) error {
	w := &x.write
	switch {
	case !w.started:
		return errNoHead
	case w.finished:
		return nil
	case w.framing == byLen && w.left > 0:
		x.Abort()
		return errShort
	}
	if trailers != nil && w.framing != noBody {
		x.addTrailers(trailers)
	}
	w.finished = true
	x.interrupt()
	if w.failed || w.cut || x.isGone() {
		return message.ErrClientGone
	}
	return nil
}

// addTrailers leaves trailers where x/net looks for them. It drops those that must not
// be there (RFC 9110, section 6.5.1).
func (x *stream) addTrailers(trailers *message.Fields) {
	h := x.rw.Header()
	for i := range trailers.Len() {
		n, name, value, ok := trailers.At(i)
		if !ok || ownedByConnection(n) {
			continue
		}
		key := http.TrailerPrefix + spelling(n, name)
		h[key] = append(h[key], string(value))
		x.write.sent += int64(len(name) + len(value) + fieldSpare)
	}
}

// answer is a small response of the connection's own.
func (x *stream) answer(status int, text string) {
	w := &x.write
	w.started, w.finished = true, true
	w.status = status
	x.ex.Response.Status = status
	b := append(x.mem.Out.Alloc(128 + len(text))[:0], http11.StatusText(status)...)
	if text != "" {
		b = append(b, ": "...)
		b = append(b, text...)
	}
	b = append(b, '\n')
	h := x.rw.Header()
	clear(h)
	x.ex.Response.Fields.Reset(nil)
	h[headerContentType] = []string{"text/plain; charset=utf-8"}
	x.addOwn(h, int64(len(b)))
	x.rw.WriteHeader(status)
	if x.req.Method == http.MethodHead {
		return
	}
	w.body = int64(len(b))
	w.sent += w.body
	_, _ = x.rw.Write(b) // it waits in x/net's buffer
}

// Hijack implements message.Stream: a connection that streams share is nobody's.
func (x *stream) Hijack() (nc net.Conn, buffered []byte, err error) { return nil, nil, errNotOurs }
