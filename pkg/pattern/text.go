package pattern

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// ErrControl is the error of a path with a control character. No path of use has one,
// and what . and $ mean beside a line feed differs between implementations.
var ErrControl = errors.New("the path has an encoded control character")

// beyond is what a byte above 0x7f is added to. The sum is a character of Unicode's
// private use area: expressions see one character for each byte, as those of nginx do,
// and one that has no other case.
const beyond = 0xe000

// AppendText appends the text that patterns are matched with: path with its escapes
// decoded. An encoded slash stays encoded: it separates nothing. The path is in the form
// of http11.NormalizePath, and the text is three times as long at most.
func AppendText(dst, path []byte) ([]byte, error) {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if decoded := unhex(path[i+1])<<4 | unhex(path[i+2]); decoded != '/' {
				c = decoded
				i += 2
			}
		}
		switch {
		case c < ' ' || c == 0x7f:
			return dst, ErrControl
		case c >= utf8.RuneSelf:
			dst = utf8.AppendRune(dst, beyond+rune(c))
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// IsText tells whether the text of a path is the path itself, as that of most is.
func IsText(path []byte) bool { return bytes.IndexByte(path, '%') < 0 }

// AppendPath appends the path of which text is the text, escaped where a path must be
// (RFC 3986, section 3.3). It is three times as long as the text at most.
func AppendPath(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case plain[c]:
			dst = append(dst, c)
		case c < utf8.RuneSelf:
			dst = appendEscape(dst, c)
		default:
			r, n := utf8.DecodeRune(text[i:])
			if r&^0xff == beyond {
				dst = appendEscape(dst, byte(r))
				i += n - 1
				continue
			}
			dst = appendEscape(dst, c)
		}
	}
	return dst
}

// AppendEscaped appends a path that somebody else wrote, with escapes for what a path
// cannot have. The escapes that it has stay as they are. It is three times as long at
// most.
func AppendEscaped(dst, path []byte) []byte {
	for i, c := range path {
		if plain[c] || c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) {
			dst = append(dst, c)
		} else {
			dst = appendEscape(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}

// plain are the bytes that need no escape in a path: pchar and the slash.
var plain = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/") {
		t[c] = true
	}
	return t
}()

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
