package http11

import "bytes"

// NormalizePath returns path in the one form that is routed and forwarded:
// percent-encoded unreserved characters are decoded once (RFC 3986, section
// 6.2.2.2), the other encodings get upper-case digits (6.2.2.1), and dot segments,
// encoded ones included, are removed (5.2.4). An encoding that is invalid or that
// stands for NUL is refused. A path that has that form already is returned as it
// is; otherwise the result is appended to dst[:0], which should have the
// capacity of path.
func NormalizePath(dst, path []byte) ([]byte, error) {
	if !needsWork(path) {
		return path, nil
	}
	dst = dst[:0]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		if i+2 >= len(path) || classes[path[i+1]]&classes[path[i+2]]&hexClass == 0 {
			return nil, errPath
		}
		c = unhex(path[i+1])<<4 | unhex(path[i+2])
		switch {
		case c == 0:
			return nil, errPath
		case unreserved(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
		i += 2
	}
	return removeDotSegments(dst), nil
}

const upperHex = "0123456789ABCDEF"

func unreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// needsWork tells whether path has an encoding or what may be a dot segment.
func needsWork(path []byte) bool {
	if bytes.IndexByte(path, '%') >= 0 {
		return true
	}
	for {
		i := bytes.IndexByte(path, '.')
		if i < 0 {
			return false
		}
		if i > 0 && path[i-1] == '/' {
			return true
		}
		path = path[i+1:]
	}
}

// removeDotSegments works in place: what it writes is never longer than what it
// has read. path begins with "/".
func removeDotSegments(path []byte) []byte {
	if len(path) == 0 || path[0] != '/' {
		return path
	}
	out := path[:0]
	for rest := path; len(rest) > 0; {
		end := bytes.IndexByte(rest[1:], '/') + 1
		last := end == 0
		if last {
			end = len(rest)
		}
		switch segment := rest[1:end]; string(segment) {
		case ".":
		case "..":
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
		default:
			out = append(out, rest[:end]...)
			rest = rest[end:]
			continue
		}
		if last {
			out = append(out, '/')
		}
		rest = rest[end:]
	}
	return out
}
