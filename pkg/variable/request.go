package variable

import (
	"bytes"
	"encoding/base64"
	"net/netip"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// argument writes the value of the first argument of a name. As in nginx the case of
// letters is ignored, what has no = is no argument, and the value is not decoded.
func (s *sink) argument(query []byte, name string) bool {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		if key, value, ok := bytes.Cut(pair, []byte{'='}); ok && message.EqualFold(key, name) {
			s.bytes(value)
			return true
		}
	}
	return false
}

// cookie writes the value of the first cookie of a name. As in nginx the case of
// letters is ignored, since names of variables have none, and quotes are part of the
// value (RFC 6265, section 4.2.1).
func (s *sink) cookie(f *message.Fields, name string) bool {
	for i := f.Index(message.Cookie, 0); i >= 0; i = f.Index(message.Cookie, i+1) {
		_, _, rest, _ := f.At(i)
		for len(rest) > 0 {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte{';'})
			key, value, ok := bytes.Cut(pair, []byte{'='})
			if ok && message.EqualFold(trim(key), name) {
				s.bytes(trim(value))
				return true
			}
		}
	}
	return false
}

// trim removes spaces and tabs around b.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// field writes the first field of a known name.
func (s *sink) field(f *message.Fields, n message.Name) bool {
	v, ok := f.Get(n)
	s.bytes(v)
	return ok
}

// fields writes the fields that p names, those that are repeated as one list (RFC
// 9110, section 5.3). Cookie has a separator of its own (RFC 6265, section 5.4).
func (s *sink) fields(f *message.Fields, p *part) bool {
	separator := ", "
	if p.field == message.Cookie {
		separator = "; "
	}
	found := false
	for i := next(f, p, 0); i >= 0; i = next(f, p, i+1) {
		if found {
			s.text(separator)
		}
		found = true
		_, _, v, _ := f.At(i)
		s.bytes(v)
	}
	return found
}

// next is the position, from i on, of the next field that p names.
func next(f *message.Fields, p *part, i int) int {
	if p.field != message.Unknown {
		return f.Index(p.field, i)
	}
	return f.IndexName(p.text, i)
}

// requestLength writes Content-Length, or what is known instead of it.
func (s *sink) requestLength(req *message.Request) bool {
	if s.field(&req.Fields, message.ContentLength) {
		return true
	}
	if req.Body <= 0 {
		return false
	}
	s.int(int64(req.Body))
	return true
}

// host writes a host name in lower case, without the dot of the root.
func (s *sink) host(name []byte) bool {
	if n := len(name) - 1; n > 0 && name[n] == '.' {
		name = name[:n]
	}
	s.lower(name)
	return len(name) > 0
}

// forwardedFor writes X-Forwarded-For with the client's address appended.
func (s *sink) forwardedFor(ex *message.Exchange) bool {
	p := part{field: message.XForwardedFor}
	if !s.fields(&ex.Request.Fields, &p) {
		return s.addr(ex.Remote)
	}
	if ex.Remote.IsValid() {
		s.text(", ")
		s.addr(ex.Remote)
	}
	return true
}

// maxCredentials bounds the decoded Basic credentials whose user is told: longer
// names are absent.
const maxCredentials = 255

// claimedUser writes the user of Basic credentials (RFC 7617, section 2). Nobody has
// verified them.
func (s *sink) claimedUser(f *message.Fields) bool {
	const scheme = "Basic "
	v, ok := f.Get(message.Authorization)
	if !ok || len(v) <= len(scheme) || !message.EqualFold(v[:len(scheme)], scheme) {
		return false
	}
	v = trim(v[len(scheme):])
	// Only the beginning is decoded: a whole number of groups of four.
	v = v[:min(len(v), maxCredentials/3*4)]
	var plain [maxCredentials]byte
	n, _ := base64.StdEncoding.Decode(plain[:], v)
	user, _, ok := bytes.Cut(plain[:n], []byte{':'})
	return ok && s.some(user)
}

// requestLine writes the request line as it would be in origin-form. As in nginx it is
// empty, not absent, when none was understood.
func (s *sink) requestLine(req *message.Request) {
	if len(req.Method) == 0 {
		return
	}
	s.bytes(req.Method)
	s.text(" ")
	s.bytes(req.Target)
	s.text(" ")
	s.text(protocol(req))
}

func protocol(req *message.Request) string {
	switch {
	case req.HTTP2:
		return "HTTP/2.0"
	case req.Minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

func schemeOf(ex *message.Exchange) string {
	if ex.TLS != nil {
		return "https"
	}
	return "http"
}

// binaryAddr writes the bytes of an address: 4 of IPv4, 16 of IPv6.
func (s *sink) binaryAddr(a netip.AddrPort) bool {
	addr := a.Addr().Unmap()
	switch {
	case addr.Is4():
		b := addr.As4()
		s.bytes(b[:])
	case addr.Is6():
		b := addr.As16()
		s.bytes(b[:])
	default:
		return false
	}
	return true
}
