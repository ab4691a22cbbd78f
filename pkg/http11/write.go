package http11

import (
	"strconv"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// The functions below append to dst and return it, as append does. They check
// nothing: what they write was parsed, is a constant, or has passed
// ValidFieldName and ValidFieldValue.

// AppendRequestLine appends a request line of HTTP/1.1, with query only if
// hasQuery is true.
func AppendRequestLine(dst, method, path, query []byte, hasQuery bool) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, path...)
	if hasQuery {
		dst = append(dst, '?')
		dst = append(dst, query...)
	}
	return append(dst, " HTTP/1.1\r\n"...)
}

// AppendStatusLine appends a status line of HTTP/1.1. status has three digits. An
// empty reason stands for the usual phrase.
func AppendStatusLine(dst []byte, status int, reason []byte) []byte {
	if status == 200 && len(reason) == 0 {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if len(reason) > 0 {
		dst = append(dst, reason...)
	} else {
		dst = append(dst, StatusText(status)...)
	}
	return append(dst, crlf...)
}

// AppendField appends a field line.
func AppendField(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, crlf...)
}

// AppendFieldBytes is AppendField for a name that was parsed.
func AppendFieldBytes(dst, name, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, crlf...)
}

// AppendFields appends the field lines of f that were not removed. The empty line
// that ends a head is the caller's.
func AppendFields(dst []byte, f *message.Fields) []byte {
	for i := range f.Len() {
		if _, name, value, ok := f.At(i); ok {
			dst = AppendFieldBytes(dst, name, value)
		}
	}
	return dst
}

// AppendChunkHeader appends the line before a chunk of n bytes, n > 0: with n = 0
// it would end the body. After the n bytes the caller writes CRLF.
func AppendChunkHeader(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, crlf...)
}

// AppendLastChunk appends what ends a chunked body: the last chunk, the trailers
// unless they are nil, and the empty line.
func AppendLastChunk(dst []byte, trailers *message.Fields) []byte {
	dst = append(dst, "0\r\n"...)
	if trailers != nil {
		dst = AppendFields(dst, trailers)
	}
	return append(dst, crlf...)
}

// AppendInt appends n in decimal digits.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
