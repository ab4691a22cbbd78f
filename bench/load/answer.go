package load

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Request is what a client sends at once, and what must come back.
type Request struct {
	// Bytes are a whole request; or several of Want's answers, one behind the
	// other.
	Bytes []byte
	// Want is what each of them is answered with. Nil: any body.
	Want *Answer
}

// Answer is what a response must be, besides a 200.
type Answer struct {
	// Fields are lines such as "Content-Type: text/plain", whatever the case of
	// the name.
	Fields []string
	Body   []byte
}

// What is wrong with an answer.
var (
	errNoLength   = errors.New("there is no Content-Length")
	errOtherState = errors.New("it is not a 200 in HTTP/1.1")
	errBody       = errors.New("the body is another one")
)

var (
	statusOK    = []byte("HTTP/1.1 200 ")
	endOfHead   = []byte("\r\n\r\n")
	lengthField = []byte("\r\ncontent-length: ")
	closeField  = []byte("\r\nconnection: close")
)

// ParseHead returns the length of the head that data begins with, or 0 when that
// is not whole; the length of the body that follows; and whether the connection
// ends with it.
func ParseHead(data []byte) (head, body int, ends bool, err error) {
	end := bytes.Index(data, endOfHead)
	if end < 0 {
		return 0, 0, false, nil
	}
	lines := data[:end+2]
	if !bytes.HasPrefix(lines, statusOK) {
		return 0, 0, false, errOtherState
	}
	body, ok := ContentLength(lines)
	if !ok {
		return 0, 0, false, errNoLength
	}
	return end + len(endOfHead), body, indexFold(lines, closeField) >= 0, nil
}

// ContentLength returns the length of the body that a head announces. ok is false
// where it has no such field.
func ContentLength(head []byte) (n int, ok bool) {
	at := indexFold(head, lengthField)
	if at < 0 {
		return 0, false
	}
	for _, c := range head[at+len(lengthField):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// indexFold is bytes.Index for a field in lower case that begins with a line
// end, in whatever case data spells it.
func indexFold(data, field []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(data[from:], '\r')
		if i < 0 || from+i+len(field) > len(data) {
			return -1
		}
		if at := from + i; bytes.EqualFold(data[at:at+len(field)], field) {
			return at
		}
		from += i + 1
	}
}

// checkHead tells what of a's fields a head lacks.
func (a *Answer) checkHead(head []byte) error {
	for _, want := range a.Fields {
		name, value, _ := strings.Cut(want, ": ")
		found := false
		for line := range strings.SplitSeq(string(head), "\r\n") {
			n, v, _ := strings.Cut(line, ":")
			found = found || strings.EqualFold(n, name) && strings.TrimSpace(v) == value
		}
		if !found {
			return fmt.Errorf("there is no %q", want)
		}
	}
	return nil
}
