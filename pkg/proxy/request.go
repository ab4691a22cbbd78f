package proxy

import (
	"bytes"
	"io"
	"net/netip"

	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// request is the request as it goes to the upstream.
type request struct {
	// head is the request's head, followed by its body when that is short and
	// its length known.
	head []byte
	// first are the first bytes of a longer body, framed. They stay valid
	// until the next call of NextBody.
	first []byte
	// whole tells that head and first are all there is.
	whole bool
	// replayable tells that all of the request is here: it can be sent again.
	replayable bool
	// collected tells that the body is in spool, as far as it is not in first.
	collected bool
	spool     spool
	// upgrade tells that it asks for another protocol.
	upgrade bool
}

func (r *request) reset() {
	r.head, r.first = nil, nil
	r.collected = false
}

// Sizes of bodies.
const (
	// maxReplay is the longest body that is collected before an endpoint is
	// chosen, whatever the route's settings. It then leaves together with the head,
	// no goroutine is needed to send it, and it can be sent again.
	maxReplay = 16 << 10
	// maxWithHead is the longest collected body that is written before anything is
	// read: it fits into the buffers of sockets, so that an endpoint which answers
	// without reading it is heard.
	maxWithHead = 64 << 10
	// frameBuffer holds one chunk of a body in chunks, with its framing, or a part of
	// one that was collected.
	frameBuffer = 16 << 10
	frameSpare  = 32 // for the first line of a chunk, and the ends
)

// prepare writes the request's head, and collects its body, or the beginning of it.
func (x *exchange) prepare() error {
	req, r := &x.Request, &x.request
	if err := http11.StripRequest(&req.Fields); err != nil {
		return err
	}
	r.upgrade = !x.to.HTTP2 && x.filters.Connection == "" && upgradable(req)
	r.first, r.whole, r.replayable = nil, true, true

	short := req.Body > 0 && req.Body <= maxReplay
	switch {
	case x.to.HTTP2 && req.Body == message.None:
		return nil
	case x.to.HTTP2 && short:
		return x.collectAll(maxReplay)
	case x.route.Buffering.Request && req.Body != message.None && !short:
		return x.collectAll(x.route.Buffering.RequestMemory)
	case x.to.HTTP2:
		r.whole, r.replayable = false, false
		return nil
	}
	size := x.headSize()
	if short {
		size += int(req.Body)
	}
	r.head = x.appendHead(x.Mem.Alloc(size)[:0], req.Body)
	switch {
	case req.Body == message.None:
		return nil
	case short:
		return x.collect()
	}
	return x.beginBody()
}

// collect appends the body to the head.
func (x *exchange) collect() error {
	r := &x.request
	for left := int(x.Request.Body); left > 0; {
		data, err := x.NextBody()
		if err != nil {
			return err
		}
		r.head = append(r.head, data...)
		left -= len(data)
	}
	return nil
}

// collectAll collects the whole body, as much of it as memory says in memory, before
// the head is written, which then tells its length (ingress-nginx:
// proxy-request-buffering).
func (x *exchange) collectAll(memory int64) error {
	req, r := &x.Request, &x.request
	r.spool.begin(x.Mem, memory, int64(req.Body))
	r.collected = true
	for {
		data, err := x.NextBody()
		if err == io.EOF {
			break
		}
		if err == nil && x.late() {
			err = message.ErrTimeout
		}
		if err != nil {
			return err
		}
		if _, err := r.spool.write(x.Mem, data); err != nil {
			x.log.Error("a request body cannot be kept", "err", err)
			return errNoRoom
		}
	}
	if x.to.HTTP2 {
		return nil
	}
	length := message.Framing(r.spool.length())
	r.head = x.appendHead(x.Mem.Alloc(x.headSize())[:0], length)
	if length <= maxWithHead && r.spool.file == nil {
		r.first = r.spool.mem
		return nil
	}
	r.whole = false
	x.sender.chunked, x.sender.rest = false, nil
	return nil
}

// beginBody waits for the first bytes of a body that is sent as it arrives, so
// that a client that sends none costs the upstream no connection.
func (x *exchange) beginBody() error {
	r, s := &x.request, &x.sender
	s.chunked, s.rest = x.Request.Body == message.Chunked, nil
	data, err := x.NextBody()
	if err != nil && err != io.EOF {
		return err
	}
	if !s.chunked {
		r.first, r.whole, r.replayable = data, false, false
		return nil
	}
	s.frame = x.Mem.Alloc(frameBuffer)[:0]
	if err == io.EOF {
		r.first = http11.AppendLastChunk(s.frame, nil)
		return nil
	}
	r.whole, r.replayable = false, false
	// Views of the server's buffers are no longer than ours, but that is its
	// choice to make: what does not fit is kept for the sender.
	n := min(len(data), frameBuffer-frameSpare)
	r.first = appendChunk(s.frame, data[:n])
	s.rest = data[n:]
	return nil
}

// appendChunk appends data as one chunk (RFC 9112, section 7.1).
func appendChunk(dst, data []byte) []byte {
	dst = http11.AppendChunkHeader(dst, len(data))
	dst = append(dst, data...)
	return append(dst, '\r', '\n')
}

// ownSize is more than the names, separators and fixed values of the fields that
// appendHead adds, with two addresses and three numbers.
const ownSize = 640

// headSize is at least the length of what appendHead appends.
func (x *exchange) headSize() int {
	req := &x.Request
	f := &req.Fields
	path, query, _ := x.target()
	told := &x.filters.Forwarded
	size := ownSize + len(req.UpgradeTo) + len(req.Method) + len(path) + len(query) + 2*len(req.Authority) + len(x.filters.Host) + len(x.filters.Lines) + len(x.Trace.RequestID) +
		2*len(told.Host)
	if x.originalURI() {
		size += len(originalURI) + len(req.Target) + 4
	}
	full := x.appendsFor()
	for i := range f.Len() {
		if n, name, value, ok := f.At(i); ok {
			size += len(name) + len(value) + 4
			if full && n == message.XForwardedFor {
				size += len(value) + len(", ") // it is there twice
			}
		}
	}
	return size
}

// appendHead appends the head of the request, with a body framed so.
func (x *exchange) appendHead(b []byte, body message.Framing) []byte {
	req := &x.Request
	path, query, has := x.target()
	b = http11.AppendRequestLine(b, req.Method, path, query, has)
	b = append(b, "Host: "...)
	b = x.appendHost(b)
	host, replaced := len(b)+len("\r\n"), x.filters.Replaced
	b = x.appendForwarded(b)
	if replaced != nil {
		b = dropLines(b, host, replaced)
	}
	f := &req.Fields
	own := message.ProxyWrites
	if x.filters.DropCredentials {
		own |= message.SetOf(message.Authorization)
	}
	for i := range f.Len() {
		n, name, value, ok := f.At(i)
		if ok && !own.Has(n) && !replaced.Has(n, name) && !(n == message.Unknown && x.originalURI() && message.EqualFold(name, originalURI)) {
			b = http11.AppendFieldBytes(b, name, value)
		}
	}
	b = append(b, x.filters.Lines...)
	switch {
	case body > 0:
		b = append(b, "Content-Length: "...)
		b = http11.AppendInt(b, int64(body))
		b = append(b, '\r', '\n')
	case body == message.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case req.Fields.Has(message.ContentLength) || bodyExpected(req.MethodID):
		b = append(b, "Content-Length: 0\r\n"...)
	}
	if x.request.upgrade {
		b = append(b, "Connection: upgrade\r\nUpgrade: "...)
		if message.EqualFold(req.UpgradeTo, "websocket") { // some applications compare it as it is
			b = append(b, "websocket"...)
		} else {
			b = append(b, req.UpgradeTo...)
		}
		b = append(b, '\r', '\n')
	}
	if option := x.filters.Connection; option != "" {
		b = append(append(append(b, "Connection: "...), option...), "\r\n"...)
	}
	return append(b, '\r', '\n')
}

// dropLines takes the lines of fields with these names out of b[from:].
func dropLines(b []byte, from int, names *filter.FieldNames) []byte {
	kept := b[:from]
	for rest := b[from:]; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		name, _, _ := bytes.Cut(rest[:end], []byte{':'})
		if !names.Has(message.LookupName(name), name) {
			kept = append(kept, rest[:end]...)
		}
		rest = rest[end:]
	}
	return kept
}

// bodyExpected tells whether the absence of a body must be said (RFC 9110,
// section 8.6).
func bodyExpected(m message.Method) bool {
	return m == message.POST || m == message.PUT || m == message.PATCH
}

// target is what is asked for of the endpoint.
func (x *exchange) target() (path, query []byte, hasQuery bool) {
	if t := &x.filters.Target; t.Path != nil {
		return t.Path, t.Query, t.HasQuery
	}
	return x.path, x.Request.Query, x.Request.HasQuery
}

// appendHost appends the value of Host for the endpoint.
func (x *exchange) appendHost(b []byte) []byte {
	if len(x.filters.Host) > 0 {
		return append(b, x.filters.Host...)
	}
	return x.appendAuthority(b)
}

// appendAuthority appends the value of Host as the client has sent it, as far as is
// known. A request without one, which HTTP/1.0 allows, gets the address that it was
// sent to.
func (x *exchange) appendAuthority(b []byte) []byte {
	if host := x.filters.Forwarded.Host; len(host) > 0 {
		return append(b, host...)
	}
	if len(x.Request.Authority) > 0 {
		return append(b, x.Request.Authority...)
	}
	return x.Local.AppendTo(b)
}

// originalURI is the field with the request target as received.
const originalURI = "X-Original-URI"

// originalURI tells whether it is sent.
func (x *exchange) originalURI() bool { return x.snap.Forwarding.OriginalURI }

// appendsFor tells whether what the client sent in X-Forwarded-For stays: not that of a
// peer who is not believed.
func (x *exchange) appendsFor() bool {
	return x.filters.Forwarded.Peer.IsValid() && x.snap.Forwarding.Full && x.snap.Forwarding.Fields
}

// peer is the address that the connection came from, or the one that its PROXY header
// has told.
func (x *exchange) peer() netip.AddrPort {
	if peer := x.filters.Forwarded.Peer; peer.IsValid() {
		return peer
	}
	return x.Remote
}

// appendForwarded ends the line of Host and appends the fields that tell of the
// client, as far as is known. They replace what was received under these names; of
// X-Forwarded-For and X-Forwarded-Host a copy is kept under other names.
func (x *exchange) appendForwarded(b []byte) []byte {
	told := &x.filters.Forwarded
	if len(x.Trace.RequestID) > 0 {
		b = append(b, "\r\nX-Request-ID: "...)
		b = append(b, x.Trace.RequestID...)
	}
	b = append(b, "\r\nX-Real-IP: "...)
	b = x.Remote.Addr().AppendTo(b)
	b = append(b, "\r\nX-Forwarded-For: "...)
	if x.appendsFor() {
		n := len(b)
		if b = x.appendValues(b, message.XForwardedFor); len(b) > n {
			b = append(b, ", "...)
		}
		b = x.peer().Addr().AppendTo(b)
	} else {
		b = x.Remote.Addr().AppendTo(b)
	}
	b = append(b, "\r\nX-Forwarded-Host: "...)
	b = x.appendAuthority(b)
	b = append(b, "\r\nX-Forwarded-Port: "...)
	if len(told.Port) > 0 {
		b = append(b, told.Port...)
	} else {
		b = http11.AppendInt(b, int64(x.Local.Port()))
	}
	if x.filters.HTTPS(x.Exchange) {
		b = append(b, "\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\n"...)
	} else {
		b = append(b, "\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http\r\n"...)
	}
	if x.originalURI() {
		b = append(b, originalURI+": "...)
		b = append(append(b, x.Request.Target...), '\r', '\n')
	}
	b = append(b, loopField...)
	b = x.appendOriginal(b, message.XForwardedFor, message.XOriginalForwardedFor)
	return x.appendOriginal(b, message.XForwardedHost, message.XOriginalForwardedHost)
}

// appendOriginal appends the values of fields named from, as one list, under the name
// to.
func (x *exchange) appendOriginal(b []byte, from, to message.Name) []byte {
	if !x.Request.Fields.Has(from) {
		return b
	}
	b = append(append(b, to.String()...), ": "...)
	return append(x.appendValues(b, from), '\r', '\n')
}

// appendValues appends the values of fields of one name as one list (RFC 9110, section
// 5.3).
func (x *exchange) appendValues(b []byte, name message.Name) []byte {
	f, separator := &x.Request.Fields, ""
	for i := range f.Len() {
		if n, _, value, ok := f.At(i); ok && n == name {
			b = append(append(b, separator...), value...)
			separator = ", "
		}
	}
	return b
}
