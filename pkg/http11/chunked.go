package http11

import (
	"io"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ChunkedReader decodes a chunked body (RFC 9112, section 7.1) from the caller's
// buffer. Extensions are checked and dropped.
type ChunkedReader struct {
	lim    *Limits
	state  chunkState
	lines  lineScanner // of the chunk line or trailer section being read
	count  int         // trailer lines seen
	remain int64       // data bytes left of the chunk
	excess int64       // framing bytes beyond what the data earned
	err    error       // why it stopped
}

type chunkState uint8

const (
	atSize     chunkState = iota // at the line before a chunk
	atData                       // in its data
	atDataEnd                    // at the CRLF after its data
	atTrailers                   // after the last chunk
	atEnd                        // after the body, or after an error
)

// Reset prepares c for a body. It keeps lim, of which a body needs ChunkLine,
// TrailerBytes, TrailerFields, Underscores and PlainNames.
func (c *ChunkedReader) Reset(lim *Limits) { *c = ChunkedReader{lim: lim} }

// Next decodes the next part of the body from buf. It consumes n bytes; data is a
// view of them. When both are empty more bytes are needed: the caller keeps
// buf[n:] and appends to it. When only data is empty the caller goes on with
// buf[n:]. At the end of the body the error is io.EOF; n then includes the last
// CRLF, and trailers, which may be nil, holds the trailer fields, as views of buf.
// Any other error is an *Error. After an error Next returns it again.
//
// Trailer fields that would say how to frame, route, authorize or process the
// message are dropped (RFC 9110, section 6.5.1); the others are valid fields.
func (c *ChunkedReader) Next(buf []byte, trailers *message.Fields) (data []byte, n int, err error) {
	for {
		used := 0
		switch c.state {
		case atSize:
			used, err = c.readSize(buf[n:])
		case atData:
			take := int(min(int64(len(buf)-n), c.remain))
			data = buf[n : n+take]
			if c.remain -= int64(take); c.remain == 0 {
				c.state = atDataEnd
			}
			return data, n + take, nil
		case atDataEnd:
			used, err = c.readDataEnd(buf[n:])
		case atTrailers:
			used, err = c.readTrailers(buf[n:], trailers)
		case atEnd:
			return nil, n, c.err
		}
		if err != nil {
			c.state, c.err = atEnd, err
			return nil, n + used, err
		}
		if used == 0 {
			return nil, n, nil
		}
		n += used
	}
}

// Framing bytes are set off against what a chunk earns. When they are maxExcess
// beyond it the body is refused, so that nobody can make us work through one that
// is all framing (CVE-2023-39326). The numbers are those of Go's net/http.
const (
	earnedPerChunk = 16
	earnedPerByte  = 2
	maxExcess      = 16 << 10
)

// readSize reads the line before a chunk: its size and its extensions.
func (c *ChunkedReader) readSize(buf []byte) (used int, err error) {
	if len(buf) > 0 && !is(buf[0], hexDigit) {
		return 0, errChunkSize // without waiting for the rest of the line
	}
	end, err := c.lines.scan(buf, c.lim.ChunkLine, errChunkLine)
	if end == 0 {
		return 0, err
	}
	c.lines = lineScanner{}
	size, digits, err := chunkSize(buf[:end-len(crlf)])
	switch {
	case err != nil:
		return 0, err
	case !validExtensions(buf[digits : end-len(crlf)]):
		return 0, errChunkExtension
	}
	// The line and the CRLF after the data are framing. What one chunk earns
	// beyond maxExcess cannot matter.
	c.excess += int64(end+len(crlf)) - earnedPerChunk - earnedPerByte*min(size, maxExcess)
	c.excess = max(c.excess, 0)
	if c.excess > maxExcess {
		return 0, errChunkOverhead
	}
	c.remain, c.state = size, atData
	if size == 0 {
		c.state = atTrailers
	}
	return end, nil
}

// maxSizeDigits keeps a chunk's size inside an int64.
const maxSizeDigits = 15

// chunkSize reads 1*HEXDIG at the start of line, which begins with a digit.
func chunkSize(line []byte) (size int64, digits int, err error) {
	for digits < len(line) && is(line[digits], hexDigit) {
		size = size<<4 | int64(unhex(line[digits]))
		if digits++; digits > maxSizeDigits {
			return 0, 0, errChunkSize
		}
	}
	return size, digits, nil
}

// validExtensions checks *( BWS ";" BWS name [ BWS "=" BWS value ] ) (RFC 9112,
// section 7.1.1). White space that no ";" or "=" follows is refused.
func validExtensions(b []byte) bool {
	for len(b) > 0 {
		if b = skipOWS(b); len(b) == 0 || b[0] != ';' {
			return false
		}
		b = skipOWS(b[1:])
		n := tokenEnd(b, 0)
		if n == 0 {
			return false
		}
		b = b[n:]
		value := skipOWS(b)
		if len(value) == 0 || value[0] != '=' {
			continue
		}
		b = skipOWS(value[1:])
		if n = max(tokenEnd(b, 0), quotedEnd(b)); n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

func skipOWS(b []byte) []byte {
	for len(b) > 0 && isOWS(b[0]) {
		b = b[1:]
	}
	return b
}

// quotedEnd is the position after the quoted-string that b begins with, or 0 when
// it begins with none (RFC 9110, section 5.6.4).
func quotedEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b) && is(b[i], fieldText); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			if i++; i == len(b) || !is(b[i], fieldText) {
				return 0
			}
		}
	}
	return 0
}

// readDataEnd reads the CRLF after a chunk's data.
func (c *ChunkedReader) readDataEnd(buf []byte) (used int, err error) {
	seen := min(len(buf), len(crlf))
	switch {
	case string(buf[:seen]) != crlf[:seen]:
		return 0, errChunkEnd
	case seen < len(crlf):
		return 0, nil
	}
	c.state = atSize
	return seen, nil
}

// readTrailers reads the trailer section, which it needs as a whole, and fails
// with io.EOF when it is there.
func (c *ChunkedReader) readTrailers(buf []byte, f *message.Fields) (used int, err error) {
	for {
		begin := c.lines.line
		end, err := c.lines.scan(buf, c.lim.TrailerBytes, errTrailers)
		if end == 0 {
			return 0, err
		}
		if end-begin > len(crlf) {
			if c.count++; c.count > c.lim.TrailerFields {
				return 0, errTrailers
			}
			continue
		}
		if f == nil {
			f = new(message.Fields)
		}
		f.Reset(buf[:end])
		if err := parseFields(f, buf[:end], 0, c.lim.TrailerFields, c.lim.dropped(), errTrailers); err != nil {
			f.Reset(nil)
			return 0, err
		}
		dropControls(f)
		return end, io.EOF
	}
}
