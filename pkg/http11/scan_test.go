package http11

import (
	"strings"
	"testing"
)

// splitScan scans input as if its bytes arrived in pieces of a size.
func splitScan(input []byte, piece int, lim *Limits) (start, end int, err error) {
	var s HeadScanner
	for have := 0; end == 0 && err == nil && have < len(input); {
		have = min(have+piece, len(input))
		end, err = s.Scan(input[:have:have], lim)
	}
	return s.Start(), end, err
}

var scans = []struct {
	name, input string
	start, end  int
	err         error
}{
	{"a head", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 27, nil},
	{"a head and more", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\n", 0, 18, nil},
	{"no field", "x\r\n\r\n", 0, 5, nil},
	{"one empty line before (RFC 9112, 2.2)", "\r\nx\r\n\r\n", 2, 7, nil},
	{"two empty lines before", "\r\n\r\nx\r\n\r\n", 2, 0, errStartLine},
	{"nothing", "", 0, 0, nil},
	{"half a line", "GET /", 0, 0, nil},
	{"CR last", "GET / HTTP/1.1\r", 0, 0, nil},
	{"one line", "GET / HTTP/1.1\r\n", 0, 0, nil},
	{"half the empty line", "GET / HTTP/1.1\r\n\r", 0, 0, nil},
	{"LF first", "\nGET", 0, 0, errBareLF},
	{"LF after the first line", "GET / HTTP/1.1\nHost", 0, 0, errBareLF},
	{"LF after a field", "x\r\nHost: a\n", 0, 0, errBareLF},
	{"LF for the empty line", "x\r\n\n", 0, 0, errBareLF},
	{"CRLF LF", "x\r\nHost: a\r\n\n", 0, 0, errBareLF},
	{"CR in a line that is not complete", "GET / HTTP/1.1\rH", 0, 0, errBareCR},
	{"CR CR", "GET / HTTP/1.1\r\r", 0, 0, errBareCR},
	{"CR CR LF", "GET / HTTP/1.1\r\r\n", 0, 0, errBareCR},
	{"CR in a field", "x\r\nHost: a\rb\r\n", 0, 0, errBareCR},
	{"CR before LF alone", "a\rb\nc", 0, 0, errBareCR},
	{"LF before CR alone", "a\nb\rc", 0, 0, errBareLF},
	{"CR first", "\rx", 0, 0, errBareCR},
	{"control character", "GET /\x00", 0, 0, errControl},
	{"DEL in a field", "x\r\na: \x7f", 0, 0, errControl},
	{"tab and bytes beyond ASCII", "\t\xe4\r\n\r\n", 0, 6, nil},
	{"the longest first line", strings.Repeat("a", 20) + "\r\n\r\n", 0, 24, nil},
	{"a longer one", strings.Repeat("a", 21) + "\r\n\r\n", 0, 0, errStartLineTooLong},
	{"a longer one without end", strings.Repeat("a", 22), 0, 0, errStartLineTooLong},
	{"after an empty line", "\r\n" + strings.Repeat("a", 20) + "\r\n\r\n", 2, 26, nil},
	{"after an empty line, longer", "\r\n" + strings.Repeat("a", 21) + "\r\n\r\n", 2, 0, errStartLineTooLong},
	{"the largest head", "x\r\na: " + strings.Repeat("a", 30) + "\r\n\r\n", 0, 40, nil},
	{"a larger one", "x\r\na: " + strings.Repeat("a", 31) + "\r\n\r\n", 0, 0, errHeadTooLarge},
	{"a larger one without end", "x\r\na: " + strings.Repeat("a", 34), 0, 0, errHeadTooLarge},
	{"many fields", "x\r\n" + strings.Repeat("a:\r\n", 3) + "\r\n", 0, 17, nil},
	{"more fields", "x\r\n" + strings.Repeat("a:\r\n", 4) + "\r\n", 0, 0, errTooManyFields},
	{"long and CR alone", "a\r" + strings.Repeat("a", 30), 0, 0, errBareCR},
	{"too long, then CR alone", strings.Repeat("a", 30) + "\rb", 0, 0, errStartLineTooLong},
	{"too large, then LF alone", "x\r\na: " + strings.Repeat("a", 40) + "\n", 0, 0, errHeadTooLarge},
}

func TestScan(t *testing.T) {
	lim := Limits{StartLine: 20, Head: 40, Fields: 3}
	for _, c := range scans {
		for _, piece := range []int{1, 2, 3, 5, 7, len(c.input) + 1} {
			start, end, err := splitScan([]byte(c.input), piece, &lim)
			if start != c.start || end != c.end || err != c.err {
				t.Errorf("%s: %q in pieces of %d: start %d, end %d, %v; want %d, %d, %v",
					c.name, c.input, piece, start, end, err, c.start, c.end, c.err)
			}
		}
	}
}

func TestScanMayRefuseAnEmptyLineBefore(t *testing.T) {
	lim := ResponseLimits()
	if _, end, err := splitScan([]byte("\r\nHTTP/1.1 200 OK\r\n\r\n"), 100, &lim); err != errStartLine {
		t.Errorf("end %d, %v", end, err)
	}
}

func TestScanAfterReset(t *testing.T) {
	lim := DefaultLimits()
	var s HeadScanner
	for range 2 {
		if end, err := s.Scan([]byte("\r\nx\r\ny:\r\n\r\n"), &lim); end != 11 || err != nil || s.Start() != 2 {
			t.Fatalf("end %d, start %d, %v", end, s.Start(), err)
		}
		s.Reset()
	}
}

// A caller that lowers the limits meanwhile gets an error and no panic.
func TestScanWithLoweredLimits(t *testing.T) {
	lim := DefaultLimits()
	var s HeadScanner
	head := []byte("GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaaaa")
	if end, err := s.Scan(head, &lim); end != 0 || err != nil {
		t.Fatalf("%d, %v", end, err)
	}
	lim.Head = 20
	if _, err := s.Scan(head, &lim); err != errHeadTooLarge {
		t.Errorf("%v, want %v", err, errHeadTooLarge)
	}
}
