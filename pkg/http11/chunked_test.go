package http11

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// decode reads a chunked body that arrives in pieces, as a connection would. It
// returns the data, the bytes consumed and the trailers, and nil when the body is
// not complete.
func decode(input []byte, piece int, lim *Limits) (data []byte, used int, trailers string, err error) {
	var c ChunkedReader
	var fields message.Fields
	c.Reset(lim)
	for have := min(piece, len(input)); ; {
		part, n, err := c.Next(input[used:have:have], &fields)
		data = append(data, part...)
		used += n
		switch {
		case err != nil:
			return data, used, describeFields(&fields), err
		case n > 0:
		case have == len(input):
			return data, used, "", nil
		default:
			have = min(have+piece, len(input))
		}
	}
}

var chunkedBodies = []struct {
	name, input string
	data        string
	rest        int // bytes of the input that are not of the body
	trailers    string
	err         error
}{
	{"empty", "0\r\n\r\n", "", 0, "", io.EOF},
	{"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 0, "", io.EOF},
	{"two chunks", "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", "hello, world", 0, "", io.EOF},
	{"the next request follows", "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "a", 18, "", io.EOF},
	{"both cases of digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0, "", io.EOF},
	{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", 0, "", io.EOF},
	{"data that looks like framing", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n", 0, "", io.EOF},
	{"not complete", "5\r\nhel", "hel", 0, "", nil},
	{"no last chunk", "5\r\nhello\r\n", "hello", 0, "", nil},
	{"no empty line", "0\r\n", "", 0, "", nil},

	{"extensions", "5;a;b=c;d=\"e;\\\"\t\xff\" ; f = g\r\nhello\r\n0;x\r\n\r\n", "hello", 0, "", io.EOF},
	{"empty quoted value", "1;a=\"\"\r\nx\r\n0\r\n\r\n", "x", 0, "", io.EOF},
	{"extension without name", "5;\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"extension without value", "5;a=\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"extension without semicolon", "5 a\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"space after the size", "5 \r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"space after an extension", "5;a \r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"open quotes", "5;a=\"b\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"open quotes after a backslash", "5;a=\"\\\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"control in quotes", "5;a=\"\x00\"\r\nhello\r\n0\r\n\r\n", "", -1, "", errControl},
	{"control in an extension", "5;a\x00\r\nhello\r\n0\r\n\r\n", "", -1, "", errControl},
	{"bytes after quotes", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"LF ends an extension (TERM.EXT)", "5;a\nhello\r\n0\r\n\r\n", "", -1, "", errBareLF},
	{"CR in an extension (EXT.TERM)", "5;a\rb\r\nhello\r\n0\r\n\r\n", "", -1, "", errBareCR},

	{"no size", "\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"negative size", "-5\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"size with a sign", "+5\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"space before the size", " 5\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"size with an underscore", "1_0\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkExtension},
	{"size of 15 digits", "fffffffffffffff\r\nhello", "hello", 0, "", nil},
	{"size of 16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"size beyond an int64", "100000000000000000005\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"extension for a size", ";a\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkSize},
	{"LF after the size", "5\nhello\r\n0\r\n\r\n", "", -1, "", errBareLF},
	{"CR after the size", "5\rhello\r\n0\r\n\r\n", "", -1, "", errBareCR},
	{"longest line", "5;" + strings.Repeat("a", 28) + "\r\nhello\r\n0\r\n\r\n", "hello", 0, "", io.EOF},
	{"longer line", "5;" + strings.Repeat("a", 29) + "\r\nhello\r\n0\r\n\r\n", "", -1, "", errChunkLine},
	{"line without end", "5;" + strings.Repeat("a", 30), "", -1, "", errChunkLine},

	{"more data than announced", "5\r\nhello!\r\n0\r\n\r\n", "hello", -1, "", errChunkEnd},
	{"less data than announced", "5\r\nhell\r\n0\r\n\r\n", "hell\r", -1, "", errChunkEnd},
	{"no CRLF after the data", "5\r\nhello0\r\n\r\n", "hello", -1, "", errChunkEnd},
	{"LF after the data", "5\r\nhello\n0\r\n\r\n", "hello", -1, "", errChunkEnd},
	{"CR after the data", "5\r\nhello\r0\r\n\r\n", "hello", -1, "", errChunkEnd},

	{"trailers", "1\r\na\r\n0\r\nX-One: b\r\nx-two:c \r\n\r\nrest", "a", 4, "X-One: \"b\"\nx-two: \"c\"\n", io.EOF},
	{"trailers that are dropped", "0\r\nHost: a\r\nX-One: b\r\nte: c\r\n\r\n", "", 0, "X-One: \"b\"\n", io.EOF},
	{"trailers with underscores", "0\r\nX_One: b\r\n\r\n", "", 0, "", io.EOF},
	{"trailers, not complete", "0\r\nX-One: b\r\n", "", 0, "", nil},
	{"LF after a trailer", "0\r\nX-One: b\n\r\n", "", -1, "", errBareLF},
	{"LF at the end", "0\r\n\n", "", -1, "", errBareLF},
	{"CR in a trailer", "0\r\nX: a\rb\r\n\r\n", "", -1, "", errBareCR},
	{"folded trailer", "0\r\nX: a\r\n b\r\n\r\n", "", -1, "", errObsFold},
	{"trailer that is no field", "0\r\nhello\r\n\r\n", "", -1, "", errFieldName},
	{"NUL in a trailer", "0\r\nX: \x00\r\n\r\n", "", -1, "", errControl},
	{"many trailers", "0\r\n" + strings.Repeat("a:\r\n", 3) + "\r\n", "", 0, "a: \"\"\na: \"\"\na: \"\"\n", io.EOF},
	{"more trailers", "0\r\n" + strings.Repeat("a:\r\n", 4) + "\r\n", "", -1, "", errTrailers},
	{"large trailers", "0\r\na: " + strings.Repeat("a", 33) + "\r\n\r\n", "", 0, "a: \"" + strings.Repeat("a", 33) + "\"\n", io.EOF},
	{"larger trailers", "0\r\na: " + strings.Repeat("a", 34) + "\r\n\r\n", "", -1, "", errTrailers},
	{"trailers without end", "0\r\na: " + strings.Repeat("a", 50), "", -1, "", errTrailers},
}

func TestChunked(t *testing.T) {
	lim := Limits{ChunkLine: 32, TrailerBytes: 40, TrailerFields: 3}
	for _, c := range chunkedBodies {
		for _, piece := range []int{1, 2, 3, 5, len(c.input)} {
			data, used, trailers, err := decode([]byte(c.input), piece, &lim)
			if string(data) != c.data || trailers != c.trailers || err != c.err {
				t.Errorf("%s: %q in pieces of %d: %q, trailers %q, %v; want %q, %q, %v",
					c.name, c.input, piece, data, trailers, err, c.data, c.trailers, c.err)
			}
			if c.err == io.EOF && used != len(c.input)-c.rest {
				t.Errorf("%s: %q in pieces of %d: %d bytes used, want %d", c.name, c.input, piece, used, len(c.input)-c.rest)
			}
		}
	}
}

func TestChunkedDataIsAViewOfWhatWasConsumed(t *testing.T) {
	lim := DefaultLimits()
	var c ChunkedReader
	c.Reset(&lim)
	buf := []byte("5\r\nhello\r\n")
	data, n, err := c.Next(buf, nil)
	if string(data) != "hello" || n != 8 || err != nil || &data[0] != &buf[3] {
		t.Errorf("%q, %d, %v", data, n, err)
	}
}

func TestTrailersMayBeDropped(t *testing.T) {
	lim := DefaultLimits()
	var c ChunkedReader
	c.Reset(&lim)
	input := []byte("0\r\nX: y\r\n\r\nrest")
	if data, n, err := c.Next(input, nil); len(data) > 0 || n != len(input)-4 || err != io.EOF {
		t.Errorf("%q, %d, %v", data, n, err)
	}
	c.Reset(&lim)
	if _, _, err := c.Next([]byte("0\r\nX\r\n\r\n"), nil); err != errFieldName {
		t.Errorf("trailers that nobody wants are not checked: %v", err)
	}
}

func TestChunkedErrorsStay(t *testing.T) {
	lim := DefaultLimits()
	for input, want := range map[string]error{"0\r\n\r\n": io.EOF, "x": errChunkSize} {
		var c ChunkedReader
		c.Reset(&lim)
		for range 3 {
			if _, _, err := c.Next([]byte(input), nil); err != want {
				t.Errorf("%q: %v, want %v", input, err, want)
			}
			input = "5\r\nhello\r\n"
		}
	}
}

func TestChunkedFramingMustBeEarned(t *testing.T) {
	lim := DefaultLimits()
	tiny := func(extension string, chunks int) error {
		body := strings.Repeat("1"+extension+"\r\nx\r\n", chunks) + "0\r\n\r\n"
		data, _, _, err := decode([]byte(body), 4<<10, &lim)
		if err == io.EOF && len(data) != chunks {
			return fmt.Errorf("%d bytes of %d", len(data), chunks)
		}
		return err
	}
	if err := tiny("", 100_000); err != io.EOF {
		t.Errorf("chunks of one byte: %v", err)
	}
	if err := tiny(";"+strings.Repeat("a", 200), 50); err != io.EOF {
		t.Errorf("a few long extensions: %v", err)
	}
	if err := tiny(";"+strings.Repeat("a", 200), 1000); err != errChunkOverhead {
		t.Errorf("1000 long extensions: %v, want %v", err, errChunkOverhead)
	}
	// Data that was earned before is no credit without limit.
	large := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
	body := large + strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\nx\r\n", 100)
	if _, _, _, err := decode([]byte(body), 4<<10, &lim); err != errChunkOverhead {
		t.Errorf("extensions after a large chunk: %v, want %v", err, errChunkOverhead)
	}
}

func TestTrailersNeverHoldControls(t *testing.T) {
	lim := DefaultLimits()
	lim.TrailerFields = 100
	kept := "Grpc-Status: \"0\"\nX-Checksum: \"a\"\nServer-Timing: \"b\"\nIfx: \"c\"\nIf-: \"d\"\n"
	dropped := []string{
		"Content-Length", "Transfer-Encoding", "Host", "Authorization", "Cookie", "Set-Cookie", "Content-Type", "Trailer", "TE",
		"content-encoding", "CONTENT-RANGE", "Cache-Control", "Expires", "If-Match", "x-forwarded-user", "X-Original-URL",
		"X-Forwarded-For", "Max-Forwards", "Range", "WWW-Authenticate", "Connection", "Upgrade", "Forwarded",
	}
	body := "0\r\nGrpc-Status: 0\r\nX-Checksum: a\r\nServer-Timing: b\r\nIfx: c\r\nIf-: d\r\n" + strings.Join(dropped, ": x\r\n") + ": x\r\n\r\n"
	_, _, trailers, err := decode([]byte(body), len(body), &lim)
	if err != io.EOF || trailers != kept {
		t.Errorf("trailers are\n%s(%v), want\n%s", trailers, err, kept)
	}
}
