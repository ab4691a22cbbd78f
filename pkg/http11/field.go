package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// The classes of bytes that the grammar knows.
const (
	tcharClass  = 1 << iota // token characters (RFC 9110, section 5.6.2)
	valueClass              // in a field value: VCHAR, SP, HTAB, obs-text
	targetClass             // in a request target: VCHAR without "#"
	hexClass
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), b) >= 0 {
			t[c] |= tcharClass
		}
		if b == '\t' || b >= ' ' && b != 0x7f {
			t[c] |= valueClass
		}
		if b > ' ' && b < 0x7f && b != '#' {
			t[c] |= targetClass
		}
		if '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F' {
			t[c] |= hexClass
		}
	}
	return t
}()

// all tells whether every byte of b is of a class. An empty b is.
func all(b []byte, class uint8) bool {
	ok := class
	for _, c := range b {
		ok &= classes[c]
	}
	return ok != 0
}

func isToken(b []byte) bool { return len(b) > 0 && all(b, tcharClass) }

// parseFields reads the field lines in head from position at to the empty line
// at its end (RFC 9112, section 5).
func parseFields(f *message.Fields, head []byte, at int, underscores bool, limit int) error {
	for count := 0; ; count++ {
		end := bytes.IndexByte(head[at:], '\r')
		if end < 0 {
			return errBareLF
		}
		end += at
		if end+1 >= len(head) || head[end+1] != '\n' {
			return errBareCR
		}
		if end == at {
			return nil
		}
		if count == limit {
			return errTooManyFields
		}
		if err := parseField(f, head, at, end, underscores); err != nil {
			return err
		}
		at = end + 2
	}
}

// parseField reads the field line head[at:end].
func parseField(f *message.Fields, head []byte, at, end int, underscores bool) error {
	if c := head[at]; c == ' ' || c == '\t' {
		return errObsFold
	}
	colon, underscore := at, false
	for ; colon < end && head[colon] != ':'; colon++ {
		c := head[colon]
		if classes[c]&tcharClass == 0 {
			return errFieldName
		}
		underscore = underscore || c == '_'
	}
	if colon == at || colon == end {
		return errFieldName
	}
	from, to := colon+1, end
	for from < to && (head[from] == ' ' || head[from] == '\t') {
		from++
	}
	for from < to && (head[to-1] == ' ' || head[to-1] == '\t') {
		to--
	}
	if !all(head[from:to], valueClass) {
		return errFieldValue
	}
	if underscore && !underscores {
		return nil
	}
	f.AddParsed(at, colon, from, to)
	return nil
}

// nextItem cuts the first item off a comma-separated list (RFC 9110, section
// 5.6.1). Empty items are skipped; ok is false at the end.
func nextItem(list []byte) (item, rest []byte, ok bool) {
	for len(list) > 0 {
		item, rest = list, nil
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, rest = list[:i], list[i+1:]
		}
		if item = trimOWS(item); len(item) > 0 {
			return item, rest, true
		}
		list = rest
	}
	return nil, nil, false
}

// trimOWS removes optional white space on both sides.
func trimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
