package http11

import "bytes"

// HeadScanner finds the end of a head while its bytes arrive. It looks at each
// byte once, and refuses what can never become a head as soon as it is seen, so
// that a malformed line is not answered by a timeout.
type HeadScanner struct {
	start int // of the head: after an empty line before it
	line  int // start of the line being looked at
	next  int // first byte not looked at
	lines int
}

// Reset prepares s for a new head.
func (s *HeadScanner) Reset() { *s = HeadScanner{} }

// Start is where the head begins in the buffer: 2 when one empty line came before
// it, which a server ignores (RFC 9112, section 2.2).
func (s *HeadScanner) Start() int { return s.start }

// Scan looks for the end of the head in buf, which begins with the head's first
// byte and holds all that has arrived. It returns the position after the empty
// line that ends the head, or 0 when more bytes are needed.
func (s *HeadScanner) Scan(buf []byte, lim *Limits) (end int, err error) {
	for {
		i := bytes.IndexByte(buf[s.next:], '\n')
		if i < 0 {
			s.next = len(buf)
			return 0, s.checkLengths(len(buf), lim)
		}
		i += s.next
		if i == 0 || buf[i-1] != '\r' {
			return 0, errBareLF
		}
		if i-1 < s.line {
			// The CR belongs to the line before: "\r\n\n".
			return 0, errBareLF
		}
		empty := i-1 == s.line
		s.next = i + 1
		switch {
		case empty && s.lines == 0 && s.start == 0:
			s.start, s.line = i+1, i+1
			continue
		case empty && s.lines == 0:
			return 0, errStartLine
		}
		if s.lines == 0 && i+1-s.line > lim.StartLine {
			return 0, errStartLineTooLong
		}
		if i+1-s.start > lim.Head {
			return 0, errHeadTooLarge
		}
		if empty {
			return i + 1, nil
		}
		s.lines++
		s.line = i + 1
		if s.lines > lim.Fields+1 {
			return 0, errTooManyFields
		}
	}
}

// checkLengths applies the limits to a head that is not complete.
func (s *HeadScanner) checkLengths(have int, lim *Limits) error {
	switch {
	case s.lines == 0 && have-s.line > lim.StartLine:
		return errStartLineTooLong
	case have-s.start > lim.Head:
		return errHeadTooLarge
	}
	return nil
}
