package http11

import (
	"bytes"
	"io"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ChunkedReader decodes a chunked body (RFC 9112, section 7.1) from the caller's
// buffer. Extensions are checked and dropped.
type ChunkedReader struct {
	lim    *Limits
	state  chunkState
	remain int64 // data bytes left of the chunk
	excess int64 // framing bytes beyond what the data earned
}

type chunkState uint8

const (
	atSize     chunkState = iota // before a chunk's line
	atData                       // inside its data
	atDataEnd                    // before the CRLF after its data
	atTrailers                   // after the last chunk
	atEnd
)

// Reset prepares c for a body.
func (c *ChunkedReader) Reset(lim *Limits) { *c = ChunkedReader{lim: lim} }

// Framing bytes are counted against what a chunk earns: maxExcess beyond it, the
// body is refused. A client cannot make us work for bodies that are all framing.
const (
	earnedPerChunk = 16
	earnedPerByte  = 2
	maxExcess      = 16 << 10
)

// Next decodes the next part of the body from buf. It consumed n bytes; data, if
// not empty, is a view of buf. When both are empty more bytes are needed: the
// caller keeps buf[n:] and appends to it. At the end of the body it returns
// io.EOF; n then includes the last CRLF, and trailers, whose memory is reused,
// refers to buf. Any other error is an *Error, and c must not be used again.
func (c *ChunkedReader) Next(buf []byte, trailers *message.Fields) (data []byte, n int, err error) {
	for {
		var used int
		switch c.state {
		case atSize:
			used, err = c.size(buf[n:])
		case atData:
			take := min(int64(len(buf)-n), c.remain)
			data = buf[n : n+int(take)]
			if c.remain -= take; c.remain == 0 {
				c.state = atDataEnd
			}
			return data, n + int(take), nil
		case atDataEnd:
			used, err = c.dataEnd(buf[n:])
		case atTrailers:
			used, err = c.trailers(buf[n:], trailers)
		case atEnd:
			return nil, n, io.EOF
		}
		if err != nil {
			return nil, n, err
		}
		if used == 0 {
			return nil, n, nil
		}
		n += used
	}
}

// size reads a chunk's line: its size and its extensions.
func (c *ChunkedReader) size(buf []byte) (used int, err error) {
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		if len(buf) > c.lim.ChunkLine {
			return 0, errChunkTooLong
		}
		return 0, checkPartialLine(buf)
	}
	if end+1 > c.lim.ChunkLine {
		return 0, errChunkTooLong
	}
	if end == 0 || buf[end-1] != '\r' {
		return 0, errBareLF
	}
	line := buf[:end-1]
	size, digits, err := chunkSize(line)
	if err != nil {
		return 0, err
	}
	if !validExtensions(line[digits:]) {
		return 0, errChunkExtension
	}
	// The line and the CRLF after the data are framing.
	c.excess = max(0, c.excess+int64(end)+3-earnedPerChunk-earnedPerByte*min(size, maxExcess))
	if c.excess > maxExcess {
		return 0, errChunkOverhead
	}
	c.remain, c.state = size, atData
	if size == 0 {
		c.state = atTrailers
	}
	return end + 1, nil
}

// checkPartialLine refuses the start of a chunk line that no more bytes can mend,
// so that it is not answered by a timeout.
func checkPartialLine(buf []byte) error {
	if len(buf) > 0 && classes[buf[0]]&hexClass == 0 {
		return errChunkSize
	}
	if i := bytes.IndexByte(buf, '\r'); i >= 0 && i < len(buf)-1 {
		return errBareCR
	}
	return nil
}

// maxSizeDigits keeps a chunk's size inside an int64.
const maxSizeDigits = 15

// chunkSize reads 1*HEXDIG at the start of line.
func chunkSize(line []byte) (size int64, digits int, err error) {
	for ; digits < len(line) && classes[line[digits]]&hexClass != 0; digits++ {
		if digits == maxSizeDigits {
			return 0, 0, errChunkSize
		}
		size = size<<4 | int64(unhex(line[digits]))
	}
	if digits == 0 {
		return 0, 0, errChunkSize
	}
	return size, digits, nil
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c|0x20 - 'a' + 10
}

// validExtensions checks *( BWS ";" BWS name [ BWS "=" BWS value ] ) (RFC 9112,
// section 7.1.1).
func validExtensions(b []byte) bool {
	for {
		b = skipOWS(b)
		if len(b) == 0 {
			return true
		}
		if b[0] != ';' {
			return false
		}
		b = skipOWS(b[1:])
		n := tokenLen(b)
		if n == 0 {
			return false
		}
		b = skipOWS(b[n:])
		if len(b) == 0 || b[0] != '=' {
			continue
		}
		b = skipOWS(b[1:])
		if n = tokenLen(b); n == 0 {
			n = quotedLen(b)
		}
		if n == 0 {
			return false
		}
		b = b[n:]
	}
}

func skipOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

func tokenLen(b []byte) int {
	n := 0
	for n < len(b) && classes[b[n]]&tcharClass != 0 {
		n++
	}
	return n
}

// quotedLen is the length of the quoted-string that b begins with, or 0 (RFC
// 9110, section 5.6.4).
func quotedLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\' && i+1 < len(b) && classes[b[i+1]]&valueClass != 0:
			i++
		case c == '\\' || classes[c]&valueClass == 0:
			return 0
		}
	}
	return 0
}

// dataEnd reads the CRLF after a chunk's data.
func (c *ChunkedReader) dataEnd(buf []byte) (used int, err error) {
	switch {
	case len(buf) == 0:
		return 0, nil
	case buf[0] != '\r':
		return 0, errChunkEnd
	case len(buf) == 1:
		return 0, nil
	case buf[1] != '\n':
		return 0, errChunkEnd
	}
	c.state = atSize
	return 2, nil
}

// trailers reads the trailer section, which must be in buf as a whole.
func (c *ChunkedReader) trailers(buf []byte, f *message.Fields) (used int, err error) {
	end, lines, line := 0, 0, 0
	for end == 0 {
		i := bytes.IndexByte(buf[line:], '\n')
		switch {
		case i < 0 && len(buf) > c.lim.TrailerBytes:
			return 0, errTrailers
		case i < 0:
			return 0, nil
		case i == 0 || buf[line+i-1] != '\r':
			return 0, errBareLF
		case i == 1:
			end = line + 2
		}
		line += i + 1
		if lines++; lines > c.lim.TrailerFields+1 || line > c.lim.TrailerBytes {
			return 0, errTrailers
		}
	}
	f.Reset(buf[:end])
	if err := parseFields(f, buf[:end], 0, c.lim.Underscores, c.lim.TrailerFields); err != nil {
		return 0, err
	}
	c.state = atEnd
	return end, nil
}
