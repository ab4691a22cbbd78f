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

// isNormal tells whether path has no percent-encoding and no dot segment.
func isNormal(path []byte) bool {
	if bytes.IndexByte(path, '%') >= 0 {
		return false
	}
	for {
		i := bytes.Index(path, []byte("/."))
		if i < 0 {
			return true
		}
		path = path[i+2:]
		rest := bytes.TrimPrefix(path, []byte("."))
		if len(rest) == 0 || rest[0] == '/' {
			return false
		}
	}
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
