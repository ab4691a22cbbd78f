package downstream

import (
	"bytes"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// framing says how a response's body is delimited on this connection.
type framing uint8

const (
	noBody  framing = iota // none is sent, whatever the handler writes
	byLen                  // Content-Length
	chunked                // chunks
	byClose                // the end of the connection
)

// lengthUnknown is written in place of a Content-Length that is not sent.
const lengthUnknown = -1

// WriteHead implements message.Stream. Of the handler's Connection field it
// honours "close"; Response.Close is about the peer that a response came from,
// and is not looked at.
func (x *exchange) WriteHead() error {
	w, req, resp := &x.write, &x.ex.Request, &x.ex.Response
	if w.started {
		return message.ErrHeadWritten
	}
	if resp.Status < 200 && resp.Status != 101 || resp.Status > 999 {
		return errStatus
	}
	if req.ExpectContinue {
		x.expectMu.Lock()
		defer x.expectMu.Unlock()
	}
	w.started = true
	w.status = resp.Status
	length := w.frame(req, resp)
	w.close = w.close || x.mustClose()

	x.room(128 + len(resp.Reason) + len(x.set.serverField))
	b := http11.AppendStatusLine(w.buf, resp.Status, resp.Reason)
	if !resp.Fields.Has(message.Date) {
		b = append(b, x.c.srv.date.field(x.now())...)
	}
	if !resp.Fields.Has(message.Server) {
		b = append(b, x.set.serverField...)
	}
	w.buf = b
	x.appendFields(&resp.Fields)
	x.room(128 + len(req.UpgradeTo))
	w.buf = w.appendOwn(w.buf, length, req)
	return nil
}

// frame decides how the body is delimited (RFC 9112, section 6.3), and returns
// the value of Content-Length.
func (w *writer) frame(req *message.Request, resp *message.Response) (length int64) {
	unknown := resp.Body < 0
	switch {
	case resp.Status == 101 || resp.Status == 204:
		w.framing = noBody
		return lengthUnknown
	case resp.Status == 304 || req.MethodID == message.HEAD:
		w.framing = noBody
		if resp.Length < 0 && resp.Body > 0 {
			return int64(resp.Body)
		}
		return resp.Length
	case !unknown:
		w.framing, w.left = byLen, int64(resp.Body)
		return w.left
	case req.Minor > 0:
		w.framing = chunked
	default:
		w.framing, w.close = byClose, true
	}
	return lengthUnknown
}

// mustClose tells whether this response is the connection's last.
func (x *exchange) mustClose() bool {
	req, c, most := &x.ex.Request, x.c, x.set.keepAliveRequests
	switch {
	case req.Close, c.last, most > 0 && c.served >= most, c.srv.draining.Load():
		return true
	case x.body.broken.Load():
		return true
	case x.expect:
		// No 100 was sent: the client may send its body or not, and we could
		// not tell a body from the next request.
		return true
	case x.body.dropped:
		// What is not here yet may be more than we would read for the sake of the
		// connection, and the client must not learn of its end by losing its next
		// request.
		if b := &x.body; !b.ended() && (b.chunked || b.left > maxDrainBytes) {
			return true
		}
	case req.Body > maxDrainBytes && !x.body.started.Load():
		return true // more than we would read
	case req.Body == message.Chunked && !x.body.started.Load():
		return true // it may be
	}
	v, ok := x.ex.Response.Fields.Get(message.Connection)
	return ok && message.EqualFold(v, "close")
}

// appendFields appends the fields that are the handler's.
func (x *exchange) appendFields(f *message.Fields) {
	w := &x.write
	for i := range f.Len() {
		n, name, value, ok := f.At(i)
		if !ok || ownedByConnection(n) && !(n == message.Upgrade && w.status == 426) {
			continue
		}
		x.room(len(name) + len(value) + 4)
		w.buf = http11.AppendFieldBytes(w.buf, name, value)
	}
}

// ownedByConnection tells which fields are regenerated (RFC 9110, section 7.6.1,
// and RFC 9112, section 6).
func ownedByConnection(n message.Name) bool {
	switch n {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.Upgrade,
		message.TransferEncoding, message.ContentLength, message.Trailer, message.TE:
		return true
	}
	return false
}

// appendOwn appends the fields that are the connection's, and the empty line.
func (w *writer) appendOwn(b []byte, length int64, req *message.Request) []byte {
	switch {
	case w.framing == chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case length >= 0:
		b = append(b, "Content-Length: "...)
		b = http11.AppendInt(b, length)
		b = append(b, '\r', '\n')
	}
	switch {
	case w.status == 101:
		b = append(b, "Connection: upgrade\r\nUpgrade: "...)
		b = append(b, req.UpgradeTo...)
		b = append(b, '\r', '\n')
	case w.status == 426 && w.close:
		b = append(b, "Connection: upgrade, close\r\n"...)
	case w.status == 426:
		b = append(b, "Connection: upgrade\r\n"...)
	case w.close:
		b = append(b, "Connection: close\r\n"...)
	case req.Minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	return append(b, '\r', '\n')
}

// now is the time, as exact as the reaper's clock.
func (x *exchange) now() time.Time {
	return x.ex.Start.Add(x.c.srv.reaper.Now() - x.coarse)
}

// WriteInterim implements message.Stream.
func (x *exchange) WriteInterim(status int, fields *message.Fields) error {
	w := &x.write
	switch {
	case w.started:
		return message.ErrHeadWritten
	case status < 100 || status > 199 || status == 101:
		return errStatus
	case x.ex.Request.Minor == 0:
		return nil
	}
	if x.ex.Request.ExpectContinue {
		x.expectMu.Lock()
		defer x.expectMu.Unlock()
		x.expect = x.expect && status != 100
	}
	x.room(64)
	w.buf = http11.AppendStatusLine(w.buf, status, nil)
	if fields != nil {
		x.appendFields(fields)
	}
	x.room(2)
	w.buf = append(w.buf, '\r', '\n')
	return x.flush()
}

// chunkLine is more than the first line of a chunk needs.
const chunkLine = 32

// WriteBody implements message.Stream.
func (x *exchange) WriteBody(p []byte) error {
	w := &x.write
	switch {
	case !w.started:
		return errNoHead
	case w.finished:
		return errFinished
	case len(p) == 0 || w.framing == noBody:
		return nil
	case w.framing == byLen:
		if int64(len(p)) > w.left {
			return message.ErrBodyLength
		}
		w.left -= int64(len(p))
	case w.framing == chunked:
		if err := x.flushUnless(chunkLine); err != nil {
			return err
		}
		w.buf = http11.AppendChunkHeader(w.buf, len(p))
	}
	w.body += int64(len(p))
	if err := x.put(p); err != nil {
		return err
	}
	if w.framing == chunked {
		if err := x.flushUnless(len("\r\n")); err != nil {
			return err
		}
		w.buf = append(w.buf, '\r', '\n')
	}
	return nil
}

// Finish implements message.Stream.
func (x *exchange) Finish(trailers *message.Fields) error {
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
	if w.framing == chunked {
		x.appendLastChunk(trailers)
	}
	var err error
	if !x.carry() {
		err = x.flush()
	}
	w.finished = true
	x.interrupt()
	return err
}

// acceptsTrailers tells whether the client wants trailers: the member "trailers"
// of TE says so (RFC 9110, section 10.1.4).
func acceptsTrailers(f *message.Fields) bool {
	te, ok := f.Get(message.TE)
	for ok {
		var member []byte
		member, te, ok = bytes.Cut(te, []byte{','})
		if message.EqualFold(bytes.Trim(member, " \t"), "trailers") {
			return true
		}
	}
	return false
}

// appendLastChunk ends a chunked body. Trailers go only to a client that said it
// wants them (RFC 9110, section 6.5.1).
func (x *exchange) appendLastChunk(trailers *message.Fields) {
	w := &x.write
	if trailers == nil || !w.trailers {
		x.room(8)
		w.buf = http11.AppendLastChunk(w.buf, nil)
		return
	}
	size := 8
	for i := range trailers.Len() {
		if _, name, value, ok := trailers.At(i); ok {
			size += len(name) + len(value) + 4
		}
	}
	x.room(size)
	w.buf = http11.AppendLastChunk(w.buf, trailers)
}

// Flush implements message.Stream.
func (x *exchange) Flush() error {
	if !x.write.started {
		return nil
	}
	return x.flush()
}

// room makes sure that n more bytes fit into the write buffer.
func (x *exchange) room(n int) {
	w := &x.write
	if cap(w.buf)-len(w.buf) >= n {
		return
	}
	if w.buf == nil {
		w.buf = x.mem.Out.Alloc(max(outBuffer, n))[:0]
		return
	}
	w.buf = x.mem.Out.Grow(w.buf, max(2*cap(w.buf), len(w.buf)+n))
}
