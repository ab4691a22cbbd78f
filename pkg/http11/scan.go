package http11

// HeadScanner finds the end of a head while its bytes arrive. It looks at each
// byte once, and refuses what can never become a head as soon as it is seen, so
// that a malformed line is answered at once and not by a timeout. Its verdict
// does not depend on how the bytes are split.
type HeadScanner struct {
	lines lineScanner
	start int // of the head: after an empty line before it
	count int // complete lines
}

// Reset prepares s for a new head.
func (s *HeadScanner) Reset() { *s = HeadScanner{} }

// Start is where the head begins in the buffer: 2 when an empty line before it
// was skipped (see Limits.NoEmptyLine), else 0.
func (s *HeadScanner) Start() int { return s.start }

// Scan looks for the end of the head in buf, which begins with the head's first
// byte and holds all that has arrived: it is the buffer of the last call, with
// more bytes after them. It returns the position after the empty line that ends
// the head, which then is buf[s.Start():end], or 0 when more bytes are needed. An
// error is an *Error with status 400, 414 or 431.
func (s *HeadScanner) Scan(buf []byte, lim *Limits) (end int, err error) {
	for {
		most, tooLong := s.start+lim.Head, errHeadTooLarge
		if s.count == 0 && lim.StartLine+len(crlf) < lim.Head {
			most, tooLong = s.start+lim.StartLine+len(crlf), errStartLineTooLong
		}
		begin := s.lines.line
		end, err := s.lines.scan(buf, most, tooLong)
		switch empty := end-begin == len(crlf); {
		case end == 0:
			return 0, err
		case empty && s.count > 0:
			return end, nil
		case empty && s.start == 0 && !lim.NoEmptyLine:
			s.start = end
			continue
		case empty:
			return 0, errStartLine
		}
		if s.count++; s.count > lim.Fields+1 {
			return 0, errTooManyFields
		}
	}
}

const crlf = "\r\n"

// lineScanner finds the ends of lines in a buffer that grows. A line ends with
// CRLF and has neither byte elsewhere (RFC 9112, section 2.2, allows a recipient
// to take a bare LF for an end; one that does and one that does not read
// different messages), nor another control character than HTAB.
type lineScanner struct {
	line int // where the line that is looked at begins
	next int // the first byte that was not looked at
}

// scan returns the position after the line at s.line, or 0 when more bytes are
// needed. It fails with tooLong when the end is not within the first most bytes
// of buf.
func (s *lineScanner) scan(buf []byte, most int, tooLong *Error) (end int, err error) {
	window := buf[:min(len(buf), most)]
	if s.next > len(window) {
		return 0, tooLong
	}
	i := textEnd(window, s.next)
	switch {
	case i+len(crlf) <= len(window) && window[i] == '\r' && window[i+1] == '\n':
		i += len(crlf)
		s.line, s.next = i, i
		return i, nil
	case i < len(window) && (window[i] != '\r' || i+1 < len(window)):
		return 0, lineEndError(window, i, errControl)
	case len(window) == most:
		return 0, tooLong
	}
	s.next = i // at the end, or at a CR which is the last byte
	return 0, nil
}
