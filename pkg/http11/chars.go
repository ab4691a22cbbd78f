package http11

import (
	"encoding/binary"
	"math/bits"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// The classes of bytes that the grammar knows, as bits in classes.
const (
	tchar      = 1 << iota // token characters (RFC 9110, section 5.6.2)
	fieldText              // in a field value: VCHAR, SP, HTAB and obs-text (section 5.5)
	targetText             // in a request target: VCHAR without "#" (RFC 9112, section 3.2)
	hexDigit               // HEXDIG, in both cases
	unreserved             // ALPHA, DIGIT and "-._~" (RFC 3986, section 2.3)
	underscore             // "_"
	odd                    // tchar that is neither a letter, a digit, "-" nor "_"
)

var classes = func() (t [256]uint8) {
	for c := range t {
		if c >= ' ' && c != 0x7f || c == '\t' {
			t[c] |= fieldText
		}
		if c > ' ' && c < 0x7f && c != '#' {
			t[c] |= targetText
		}
	}
	for _, of := range []struct {
		class uint8
		bytes string
	}{
		{tchar | unreserved, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"},
		{tchar, "!#$%&'*+-.^_`|~"},
		{unreserved, "-._~"},
		{hexDigit, "0123456789abcdefABCDEF"},
		{underscore, "_"},
		{odd, "!#$%&'*+.^`|~"},
	} {
		for _, c := range []byte(of.bytes) {
			t[c] |= of.class
		}
	}
	return t
}()

// is tells whether c is of a class.
func is(c byte, class uint8) bool { return classes[c]&class != 0 }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// tokenEnd is the position of the first byte of b, from i on, that no token may
// have, or len(b).
func tokenEnd(b []byte, i int) int {
	for i < len(b) && classes[b[i]]&tchar != 0 {
		i++
	}
	return i
}

// Eight bytes are looked at together below. In x-n*ones the high bit of a byte
// tells that it was less than n, and x^n*ones makes the bytes equal to n zero. A
// borrow can make a byte look wrong only after one that is wrong, and only the
// first wrong one is asked for.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func less(x, n uint64) uint64  { return (x - n*ones) &^ x }
func equal(x, n uint64) uint64 { return less(x^n*ones, 1) }

// textEnd is the position of the first byte of b, from i on, that no field value
// may have, or len(b).
func textEnd(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		wrong := (less(x, ' ') | equal(x, 0x7f)) & highs
		if wrong == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(wrong) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && classes[b[i]]&fieldText != 0 {
		i++
	}
	return i
}

// targetEnd is the position of the first byte of b, from i on, that no request
// target may have, or len(b).
func targetEnd(b []byte, i int) int {
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		wrong := (less(x, ' '+1) | equal(x, 0x7f) | equal(x, '#') | x) & highs
		if wrong != 0 {
			return i + bits.TrailingZeros64(wrong)/8
		}
		i += 8
	}
	for i < len(b) && classes[b[i]]&targetText != 0 {
		i++
	}
	return i
}

// equalFold tells whether a and b are equal without the case of ASCII letters.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && message.Lower(a[i]) != message.Lower(b[i]) {
			return false
		}
	}
	return true
}
