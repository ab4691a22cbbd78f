package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ValidFieldName tells whether b is a field name: a token (RFC 9110, section
// 5.1). Parsed names are.
func ValidFieldName(b []byte) bool { return len(b) > 0 && tokenEnd(b, 0) == len(b) }

// ValidFieldValue tells whether b can be written as a field value: VCHAR, SP,
// HTAB and obs-text, with no white space at either end (RFC 9110, section 5.5).
// Parsed values are.
func ValidFieldValue(b []byte) bool {
	return textEnd(b, 0) == len(b) && len(trimOWS(b)) == len(b)
}

// parseFields reads field lines (RFC 9112, section 5) from b[i:] up to the empty
// line after them, which must be the end of b. More than most lines are refused
// with tooMany. Names with bytes of the classes dropped are left out.
func parseFields(f *message.Fields, b []byte, i, most int, dropped uint8, tooMany *Error) error {
	for count := 0; ; count++ {
		if i+2 <= len(b) && b[i] == '\r' && b[i+1] == '\n' {
			if i+2 != len(b) {
				return errAfterHead
			}
			return nil
		}
		if count >= most {
			return tooMany
		}
		nameAt, seen := i, uint8(0)
		for i < len(b) && classes[b[i]]&tchar != 0 {
			seen |= classes[b[i]]
			i++
		}
		nameEnd := i
		if i == nameAt || i == len(b) || b[i] != ':' {
			return fieldNameError(b, nameAt, i)
		}
		i++
		for i < len(b) && isOWS(b[i]) {
			i++
		}
		valueAt := i
		i = textEnd(b, i)
		valueEnd := i
		if i+2 > len(b) || b[i] != '\r' || b[i+1] != '\n' {
			return lineEndError(b, i, errFieldValue)
		}
		for valueEnd > valueAt && isOWS(b[valueEnd-1]) {
			valueEnd--
		}
		i += 2
		if seen&dropped == 0 {
			f.AddParsed(nameAt, nameEnd, valueAt, valueEnd)
		}
	}
}

// fieldNameError says what is wrong with the name at b[at:], of which b[i] is the
// first byte that is none of a name.
func fieldNameError(b []byte, at, i int) error {
	if i == at && i < len(b) && isOWS(b[i]) {
		return errObsFold
	}
	return lineEndError(b, i, errFieldName)
}

// lineEndError says what is wrong at b[i], where a line should have ended, or
// otherwise when it is neither the end of b nor a bare CR or LF.
func lineEndError(b []byte, i int, otherwise *Error) error {
	switch {
	case i == len(b) || b[i] == '\r' && i+1 == len(b):
		return errIncomplete
	case b[i] == '\n':
		return errBareLF
	case b[i] == '\r' && b[i+1] != '\n':
		return errBareCR
	}
	return otherwise
}

// isOWS tells whether c is optional white space (RFC 9110, section 5.6.3).
func isOWS(c byte) bool { return c == ' ' || c == '\t' }

// trimOWS removes optional white space on both sides.
func trimOWS(b []byte) []byte {
	for len(b) > 0 && isOWS(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isOWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// nextItem cuts the first item off a comma-separated list (RFC 9110, section
// 5.6.1). Empty items are skipped; the item is empty at the end.
func nextItem(list []byte) (item, rest []byte) {
	for len(list) > 0 {
		item, rest = list, nil
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, rest = list[:i], list[i+1:]
		}
		if item = trimOWS(item); len(item) > 0 {
			return item, rest
		}
		list = rest
	}
	return nil, nil
}
