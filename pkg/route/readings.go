package route

import (
	"bytes"
	"errors"
)

// A path may be read in several ways: an application may take an encoded slash, or a
// backslash, for a slash, several slashes for one, and "..;" for "..". Where that decided
// on the route, a client could choose by one reading whose filters it meets, and by
// another what it gets.

// Reading is a way to read a path, as a set of bits. The zero value only takes several
// slashes for one.
type Reading uint8

const (
	// Slashes reads %2F as a slash, as nginx does, and removes the dot segments that
	// come of it.
	Slashes Reading = 1 << iota
	// Backslashes reads \ and %5C as a slash.
	Backslashes
)

// ErrAmbiguous is the error of a path that leads elsewhere when its encoded slashes or
// its backslashes are read as slashes.
var ErrAmbiguous = errors.New("the path has an encoded slash or a backslash, and leads elsewhere when that is read as a slash")

// doubt says in how many ways a path may be read.
type doubt uint8

const (
	// none: in one way.
	none doubt = iota
	// merged: it has empty segments.
	merged
	// several: what separates its segments is a matter of reading.
	several
)

// Plain tells whether a path can be read in one way only. What trusts a path for how it
// begins, without routing by it, should ask.
func Plain(path []byte) bool { return doubtOf(path) == none }

func doubtOf(path []byte) doubt {
	if bytes.IndexByte(path, '%') < 0 && bytes.IndexByte(path, '\\') < 0 && bytes.IndexByte(path, ';') < 0 &&
		!bytes.Contains(path, []byte("//")) {
		return none // as most are
	}
	d := none
	for i, c := range path {
		switch {
		case c == '\\', c == '%' && isEncoded(path[i:], '2', 'F'), c == '%' && isEncoded(path[i:], '5', 'C'),
			c == ';' && endsDots(path[:i]), c == '%' && isEncoded(path[i:], '3', 'B') && endsDots(path[:i]):
			return several
		case c == '/' && i > 0 && path[i-1] == '/':
			d = merged
		}
	}
	return d
}

func isEncoded(b []byte, high, low byte) bool { return len(b) > 2 && b[1] == high && b[2] == low }

// endsDots tells whether the last segment of a path is "." or "..", which some
// applications find in "..;x", too.
func endsDots(path []byte) bool {
	return bytes.HasSuffix(path, []byte("/..")) || bytes.HasSuffix(path, []byte("/."))
}

// AppendReading appends a path as it is read in a way. The path is in the form of
// http11.NormalizePath, and so is the result, which has no empty segments either and is
// no longer.
func AppendReading(dst, path []byte, as Reading) []byte {
	start := len(dst)
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case as&Backslashes != 0 && c == '\\':
			c = '/'
		case as&Slashes != 0 && c == '%' && isEncoded(path[i:], '2', 'F'),
			as&Backslashes != 0 && c == '%' && isEncoded(path[i:], '5', 'C'):
			c = '/'
			i += 2
		}
		if c != '/' || len(dst) == start || dst[len(dst)-1] != '/' {
			dst = append(dst, c)
		}
	}
	if as == 0 {
		return dst
	}
	return dst[:start+removeDots(dst[start:])]
}

// AppendPlain appends a path without the parameters of its segments, which some
// applications leave out before they look at it: /a;b=c/d is /a/d to them (RFC 3986,
// section 3.3). It tells whether there were any; without them nothing is appended.
func AppendPlain(dst, path []byte) (plain []byte, had bool) {
	start := len(dst)
	copied, skips := 0, false
	for i := range path {
		switch c := path[i]; {
		case c == '/' && skips:
			copied, skips = i, false
		case !skips && (c == ';' || c == '%' && isEncoded(path[i:], '3', 'B')):
			dst = append(dst, path[copied:i]...)
			skips, had = true, true
		}
	}
	if !had {
		return dst, false
	}
	if !skips {
		dst = append(dst, path[copied:]...)
	}
	return dst[:start+removeDots(dst[start:])], true
}

// removeDots removes dot segments in place (RFC 3986, section 5.2.4), and returns the new
// length.
func removeDots(path []byte) int {
	out := path[:0]
	for len(path) > 0 {
		end := bytes.IndexByte(path[1:], '/') + 1
		last := end == 0
		if last {
			end = len(path)
		}
		switch dots(path[1:end]) {
		case 0:
			out = append(out, path[:end]...)
			last = false
		case 2:
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
		}
		if last {
			out = append(out, '/')
		}
		path = path[end:]
	}
	return len(out)
}

// dots is 1 for a segment that is ".", with or without parameters, 2 for "..", and 0 for
// all others.
func dots(segment []byte) int {
	for i, c := range segment {
		switch {
		case c == '.' && i < 2:
		case i > 0 && (c == ';' || c == '%' && isEncoded(segment[i:], '3', 'B')):
			return i
		default:
			return 0
		}
	}
	return len(segment)
}
