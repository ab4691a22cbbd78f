package variable

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Escape says how values are escaped.
type Escape uint8

// The ways to escape, under the names of nginx's log_format.
const (
	// EscapeNone leaves values as they are. What is absent is left out.
	EscapeNone Escape = iota
	// EscapeDefault writes \xHH for ", \, controls and all beyond ASCII, and "-" for
	// what is absent.
	EscapeDefault
	// EscapeJSON makes values the content of a JSON string. What is absent is left
	// out. Bytes that are not UTF-8 become U+FFFD, so that the text is JSON whatever
	// a client sends (RFC 8259, section 8.1).
	EscapeJSON

	hashed    // only the hash is made
	discarded // nothing is
)

// growth is how many bytes a byte of a value becomes at most.
func (e Escape) growth() int {
	switch e {
	case EscapeDefault:
		return len(`\xHH`)
	case EscapeJSON:
		return len(`\u00HH`)
	}
	return 1
}

// Parameters of FNV-1a with 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// sink takes the bytes of values. Variables write to it rather than return views, so
// that one that is put together from several needs no memory of its own. Nothing
// calls it through a function value or an interface, so it stays on the stack, and
// what it is given too.
type sink struct {
	dst  []byte
	hash uint64
	left int // how many bytes of the value are still taken
	form Escape
}

// bytes takes b.
func (s *sink) bytes(b []byte) {
	if len(b) > s.left {
		b = b[:max(s.left, 0)]
	}
	s.left -= len(b)
	switch s.form {
	case EscapeNone:
		s.dst = append(s.dst, b...)
	case EscapeDefault:
		s.dst = AppendDefault(s.dst, b)
	case EscapeJSON:
		s.dst = appendJSON(s.dst, b)
	case hashed:
		h := s.hash
		for _, c := range b {
			h = (h ^ uint64(c)) * fnvPrime
		}
		s.hash = h
	}
}

func (s *sink) text(t string) { s.bytes(alloc.Bytes(t)) }

// some takes b when it is not empty, and tells whether.
func (s *sink) some(b []byte) bool {
	s.bytes(b)
	return len(b) > 0
}

func (s *sink) someText(t string) bool { return s.some(alloc.Bytes(t)) }

// either takes b, or a text when b is empty.
func (s *sink) either(b []byte, t string) bool {
	return s.some(b) || s.someText(t)
}

func (s *sink) int(n int64) {
	var space [20]byte
	s.bytes(strconv.AppendInt(space[:0], n, 10))
}

// seconds takes a time in seconds with three decimals.
func (s *sink) seconds(d time.Duration) { s.milliseconds(max(d.Milliseconds(), 0)) }

func (s *sink) milliseconds(ms int64) {
	var space [24]byte
	b := strconv.AppendInt(space[:0], ms/1000, 10)
	ms %= 1000
	s.bytes(append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)))
}

func (s *sink) time(t time.Time, layout string) {
	var space [64]byte
	s.bytes(t.Local().AppendFormat(space[:0], layout))
}

// longestAddr has room for any address with its port, without a zone.
const longestAddr = 64

// addr takes an address in its shortest form, without a zone.
func (s *sink) addr(a netip.AddrPort) bool {
	var space [longestAddr]byte
	if !a.IsValid() {
		return false
	}
	s.bytes(plainAddr(a).AppendTo(space[:0]))
	return true
}

func (s *sink) addrPort(a netip.AddrPort) bool {
	var space [longestAddr]byte
	if !a.IsValid() {
		return false
	}
	s.bytes(netip.AddrPortFrom(plainAddr(a), a.Port()).AppendTo(space[:0]))
	return true
}

func plainAddr(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }

// port takes the port of an address. One that a proxy told may have none.
func (s *sink) port(a netip.AddrPort) bool {
	if !a.IsValid() || a.Port() == 0 {
		return false
	}
	s.int(int64(a.Port()))
	return true
}

// lower takes b in lower case.
func (s *sink) lower(b []byte) {
	var space [64]byte
	for len(b) > 0 {
		n := min(len(b), len(space))
		for i, c := range b[:n] {
			space[i] = message.Lower(c)
		}
		s.bytes(space[:n])
		b = b[n:]
	}
}

// escaped takes b with all but unreserved characters percent-encoded (RFC 3986,
// section 2.3).
func (s *sink) escaped(b []byte) {
	from := 0
	for i, c := range b {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			continue
		}
		s.bytes(b[from:i])
		s.bytes([]byte{'%', digits[c>>4], digits[c&15]})
		from = i + 1
	}
	s.bytes(b[from:])
}

// hex takes b as two digits each of those given.
func (s *sink) hex(b []byte, digits string) {
	for _, c := range b {
		s.bytes([]byte{digits[c>>4], digits[c&15]})
	}
}

const (
	digits      = "0123456789ABCDEF"
	lowerDigits = "0123456789abcdef"
)

// Bytes that stand for themselves.
var (
	plainDefault = func() (t [256]bool) {
		for c := ' '; c <= '~'; c++ {
			t[c] = c != '"' && c != '\\'
		}
		return t
	}()
	plainJSON = func() (t [256]bool) {
		for c := ' '; c < utf8.RuneSelf; c++ {
			t[c] = c != '"' && c != '\\'
		}
		return t
	}()
)

// AppendDefault appends b as EscapeDefault has it: with what could be mistaken as \xHH
// (ngx_http_log_escape).
func AppendDefault(dst, b []byte) []byte {
	from := 0
	for i, c := range b {
		if plainDefault[c] {
			continue
		}
		dst = append(dst, b[from:i]...)
		dst = append(dst, '\\', 'x', digits[c>>4], digits[c&15])
		from = i + 1
	}
	return append(dst, b[from:]...)
}

// appendJSON appends b as the content of a JSON string (RFC 8259, section 7).
func appendJSON(dst, b []byte) []byte {
	from := 0
	for i := 0; i < len(b); {
		c := b[i]
		if plainJSON[c] {
			i++
			continue
		}
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeRune(b[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, b[from:i]...)
		switch {
		case c >= utf8.RuneSelf:
			dst = append(dst, `\ufffd`...)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i += n
		from = i
	}
	return append(dst, b[from:]...)
}
