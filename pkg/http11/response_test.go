package http11

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

func describeResponse(r *message.Response) string {
	s := fmt.Sprintf("1.%d %d %q", r.Minor, r.Status, r.Reason) + framing(r.Body)
	if r.Length >= 0 {
		s += fmt.Sprintf(" announced=%d", r.Length)
	}
	if r.Close {
		s += " close"
	}
	return s
}

var acceptedResponses = []struct {
	name   string
	method message.Method
	head   string
	want   string
}{
	{"length", message.GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", `1.1 200 "OK" length=5`},
	{"length zero", message.GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", `1.1 200 "OK"`},
	{"chunked", message.POST, "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: Chunked\r\n\r\n", `1.1 404 "Not Found" chunked`},
	{"neither", message.GET, "HTTP/1.1 200 OK\r\n\r\n", `1.1 200 "OK" until-close close`},
	{"neither, keep-alive", message.GET, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", `1.1 200 "OK" until-close close`},
	{"close", message.GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", `1.1 200 "OK" length=5 close`},
	{"1.0", message.GET, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", `1.0 200 "OK" length=5 close`},
	{"1.0, keep-alive", message.GET, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", `1.0 200 "OK" length=5`},

	{"HEAD", message.HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", `1.1 200 "OK" announced=5`},
	{"HEAD, chunked", message.HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", `1.1 200 "OK"`},
	{"HEAD, neither", message.HEAD, "HTTP/1.1 200 OK\r\n\r\n", `1.1 200 "OK"`},
	{"304", message.GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", `1.1 304 "Not Modified" announced=5`},
	{"304, chunked", message.GET, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", `1.1 304 "Not Modified"`},
	{"204", message.GET, "HTTP/1.1 204 No Content\r\n\r\n", `1.1 204 "No Content"`},
	{"204 with a length of 0", message.GET, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", `1.1 204 "No Content"`},
	{"204 with a length, which may still come", message.GET, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", `1.1 204 "No Content" close`},
	{"204, chunked", message.GET, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", `1.1 204 "No Content" close`},
	{"205 may have a body", message.GET, "HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\n", `1.1 205 "Reset Content" length=5`},
	{"100", message.POST, "HTTP/1.1 100 Continue\r\n\r\n", `1.1 100 "Continue"`},
	{"103", message.GET, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", `1.1 103 "Early Hints"`},
	{"101", message.GET, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", `1.1 101 "Switching Protocols"`},

	{"no reason", message.GET, "HTTP/1.1 204 \r\n\r\n", `1.1 204 ""`},
	{"no reason and no space", message.GET, "HTTP/1.1 204\r\n\r\n", `1.1 204 ""`},
	{"long reason", message.GET, "HTTP/1.1 204  it's all\tg\xf6ne, really \r\n\r\n", `1.1 204 " it's all\tg\xf6ne, really "`},
	{"unknown status", message.GET, "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", `1.1 599 "x"`},
	{"status of no class", message.GET, "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", `1.1 999 "x"`},
	{"underscores are kept", message.GET, "HTTP/1.1 204 x\r\nX_Y: z\r\n\r\n", `1.1 204 "x"`},
}

func TestAcceptedResponses(t *testing.T) {
	lim := ResponseLimits()
	for _, c := range acceptedResponses {
		t.Run(c.name, func(t *testing.T) {
			var resp message.Response
			if err := ParseResponse(&resp, []byte(c.head), c.method, &lim); err != nil {
				t.Fatalf("%q: %v", c.head, err)
			}
			if got := describeResponse(&resp); got != c.want {
				t.Errorf("%q is read as\n%s, want\n%s", c.head, got, c.want)
			}
			if lines := strings.Count(c.head, "\r\n") - 2; resp.Fields.Len() != lines {
				t.Errorf("%d fields of %d", resp.Fields.Len(), lines)
			}
		})
	}
}

var refusedResponses = []struct {
	name, head string
	want       *Error
}{
	{"nothing", "", errVersion},
	{"no status line", "<html>\r\n\r\n", errVersion},
	{"HTTP/0.9", "hello, world\r\n\r\n", errVersion},
	{"lower case", "http/1.1 200 OK\r\n\r\n", errVersion},
	{"ICY", "ICY 200 OK\r\n\r\n", errVersion},
	{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", errVersionUnknown},
	{"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", errVersionUnknown},
	{"space before", " HTTP/1.1 200 OK\r\n\r\n", errVersion},
	{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", errStatusCode},
	{"tab", "HTTP/1.1\t200 OK\r\n\r\n", errStatusCode},
	{"no status", "HTTP/1.1\r\n\r\n", errStatusCode},
	{"no digits", "HTTP/1.1 abc\r\n\r\n", errStatusCode},
	{"two digits", "HTTP/1.1 20 OK\r\n\r\n", errStatusCode},
	{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", errStatusCode},
	{"below 100", "HTTP/1.1 099 OK\r\n\r\n", errStatusCode},
	{"sign", "HTTP/1.1 +20 OK\r\n\r\n", errStatusCode},
	{"hexadecimal", "HTTP/1.1 2a0 OK\r\n\r\n", errStatusCode},
	{"tab after the status", "HTTP/1.1 200\tOK\r\n\r\n", errStatusCode},
	{"NUL in the reason", "HTTP/1.1 200 O\x00K\r\n\r\n", errReason},
	{"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", errBareCR},
	{"CR after the status", "HTTP/1.1 200\rContent-Length: 0\r\n\r\n", errBareCR},
	{"LF after the reason", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", errBareLF},
	{"LF after the status", "HTTP/1.1 200\nContent-Length: 0\r\n\r\n", errBareLF},
	{"cut in the status", "HTTP/1.1 20", errStatusCode},
	{"cut after the status", "HTTP/1.1 200", errIncomplete},
	{"cut in the reason", "HTTP/1.1 200 O", errIncomplete},
	{"cut in the fields", "HTTP/1.1 200 OK\r\nX: y\r\n", errIncomplete},
	{"bytes after the head", "HTTP/1.1 200 OK\r\n\r\n\r\n", errAfterHead},
	{"interim with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", errInterimBody},
	{"interim, chunked", "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n", errInterimBody},
	{"folded line", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", errObsFold},
	{"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", errFieldName},
	{"control in a value", "HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n", errFieldValue},
	{"length and coding", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", errBothLengths},
	{"length and coding without a body", "HTTP/1.1 204 x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", errBothLengths},
	{"two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", errLengthRepeated},
	{"list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", errLength},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", errLength},
	{"bad length without a body", "HTTP/1.1 304 x\r\nContent-Length: x\r\n\r\n", errLength},
	{"gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", errCoding},
	{"identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", errCoding},
	{"two fields of coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingRepeated},
	{"chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingVersion},
	{"Connection that is no list of tokens", "HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n", errConnection},
	{"long status line", "HTTP/1.1 200 " + strings.Repeat("a", 8<<10) + "\r\n\r\n", errStartLineTooLong},
	{"large head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", errHeadTooLarge},
	{"many fields", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: a\r\n", 201) + "\r\n", errTooManyFields},
}

func TestRefusedResponses(t *testing.T) {
	lim := ResponseLimits()
	for _, c := range refusedResponses {
		t.Run(c.name, func(t *testing.T) {
			var resp message.Response
			if err := ParseResponse(&resp, []byte(c.head), message.GET, &lim); err != c.want {
				t.Errorf("%.200q: %v, want %v", c.head, err, c.want)
			}
			if !resp.Close && c.want != errBothLengths && resp.Body != message.None {
				t.Errorf("%.200q: the connection would be used again", c.head)
			}
		})
	}
}

func TestParseResponseResets(t *testing.T) {
	lim := ResponseLimits()
	var resp message.Response
	if err := ParseResponse(&resp, []byte("HTTP/1.0 304 x\r\nContent-Length: 5\r\n\r\n"), message.GET, &lim); err != nil {
		t.Fatal(err)
	}
	resp.Trailers.AddName("X", nil)
	if err := ParseResponse(&resp, []byte("HTTP/1.1 204\r\n\r\n"), message.GET, &lim); err != nil {
		t.Fatal(err)
	}
	if got, want := describeResponse(&resp), `1.1 204 ""`; got != want || resp.Fields.Len()+resp.Trailers.Len() != 0 {
		t.Errorf("after another response: %s, %d fields", got, resp.Fields.Len())
	}
}
