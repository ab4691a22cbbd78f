package http11

import "bytes"

// NormalizePath returns path in the one form that is routed and forwarded:
// percent-encoded unreserved characters are decoded once (RFC 3986, section
// 6.2.2.2), other encodings get upper-case digits (6.2.2.1), and dot segments,
// encoded ones included, are removed (5.2.4); ".." at the root is dropped. Empty
// segments stay. An encoding that is malformed or stands for NUL is refused with
// an *Error of status 400.
//
// A path that has this form already is returned itself. Otherwise the result is
// written to the memory of dst, from its start on, and is never longer than path:
// with that capacity nothing is allocated. dst and path must not overlap. Path is
// an absolute path or "*", as in message.Request.
func NormalizePath(dst, path []byte) ([]byte, error) {
	if isNormal(path) {
		return path, nil
	}
	dst = dst[:0]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		if i+2 >= len(path) || !is(path[i+1], hexDigit) || !is(path[i+2], hexDigit) {
			return nil, errPath
		}
		c = unhex(path[i+1])<<4 | unhex(path[i+2])
		switch {
		case c == 0:
			return nil, errPath
		case is(c, unreserved):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
		i += 2
	}
	return removeDotSegments(dst), nil
}

const upperHex = "0123456789ABCDEF"

// isNormal tells whether path has the form that NormalizePath gives it.
func isNormal(path []byte) bool {
	if bytes.IndexByte(path, '%') < 0 && !bytes.Contains(path, []byte("/.")) {
		return true // as most are
	}
	for i, c := range path {
		switch {
		case c == '%' && !isNormalEncoding(path[i+1:]), c == '/' && isDotSegment(path[i+1:]):
			return false
		}
	}
	return true
}

// isNormalEncoding tells whether b begins with the upper-case digits of a byte
// that has to be encoded.
func isNormalEncoding(b []byte) bool {
	if len(b) < 2 || !is(b[0], hexDigit) || !is(b[1], hexDigit) || b[0] >= 'a' || b[1] >= 'a' {
		return false
	}
	c := unhex(b[0])<<4 | unhex(b[1])
	return c != 0 && !is(c, unreserved)
}

// isDotSegment tells whether the segment that b begins with is "." or "..".
func isDotSegment(b []byte) bool {
	for n := range b {
		switch {
		case b[n] == '/':
			return n > 0
		case b[n] != '.' || n == 2:
			return false
		}
	}
	return len(b) > 0
}

// removeDotSegments works in place (RFC 3986, section 5.2.4): it never writes
// more than it has read. path begins with "/".
func removeDotSegments(path []byte) []byte {
	out := path[:0]
	for rest := path; len(rest) > 0; {
		end := bytes.IndexByte(rest[1:], '/') + 1
		last := end == 0
		if last {
			end = len(rest)
		}
		switch string(rest[:end]) {
		case "/.":
		case "/..":
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
		default:
			out = append(out, rest[:end]...)
			last = false
		}
		if last {
			out = append(out, '/')
		}
		rest = rest[end:]
	}
	return out
}
