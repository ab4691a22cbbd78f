package http11

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// reading is one implementation's view of the first request in a stream.
type reading struct {
	method, target, host string
	minor                int
	framing              message.Framing
	close                bool
	fields               http.Header // but Host, what frames, and Trailer before trailers
	body                 string
	rest                 string // what follows the request
}

// difference is a reason why we accept what net/http refuses or reads otherwise.
type difference struct {
	why, example string
	// applies tells it by our reading, and by what net/http said or read.
	applies func(ours *reading, theirs *reading, err error) bool
}

// refusedWith is for what net/http refuses with these words.
func refusedWith(words string) func(_, _ *reading, err error) bool {
	return func(_, _ *reading, err error) bool { return err != nil && strings.Contains(err.Error(), words) }
}

// differences are all that there may be. They are about what net/http does beside
// reading HTTP/1.1, or about what is due later here.
var differences = []difference{
	{"malformed percent-encoding in a path is refused by NormalizePath, which whoever routes by the path calls",
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", refusedWith("invalid URL escape")},
	{"net/http refuses a Trailer that names what must not be a trailer; here it is advice that nobody follows (RFC 9110, section 6.6.2)",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", refusedWith("bad trailer key")},
	{"net/http has no setting for the size of trailers, and takes less than we may",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("y", 5000) + "\r\n\r\n",
		refusedWith("suspiciously long trailer")},
	{"net/http adds Cache-Control to Pragma: no-cache", "GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
		func(ours, theirs *reading, err error) bool {
			pragma := ours.fields["Pragma"]
			if err != nil || len(pragma) == 0 || pragma[0] != "no-cache" || ours.fields["Cache-Control"] != nil {
				return false
			}
			added := *theirs
			added.fields = theirs.fields.Clone()
			added.fields.Del("Cache-Control")
			return compare(ours, &added) == ""
		}},
}

// A difference that there is no more, or that hides another, must not stay.
func TestDifferencesAreThere(t *testing.T) {
	for i, d := range differences {
		ours, at, ok := ourReading([]byte(d.example))
		if !ok {
			t.Errorf("%s: we refuse the example", d.why)
			continue
		}
		theirs, err := theirReading([]byte(d.example)[at:])
		if err == nil && compare(ours, theirs) == "" {
			t.Errorf("%s: the example makes no difference", d.why)
		}
		for j, other := range differences {
			if applies := other.applies(ours, theirs, err); applies != (i == j) {
				t.Errorf("%s: applies to the example of: %s: %v", other.why, d.why, applies)
			}
		}
	}
}

// ourReading reads a request as server and proxy do. ok is false when it is
// refused or not complete.
func ourReading(data []byte) (r *reading, at int, ok bool) {
	lim := DefaultLimits()
	lim.Underscores = true
	start, end, err := splitScan(data, len(data)+1, &lim)
	if err != nil || end == 0 {
		return nil, 0, false
	}
	var req message.Request
	if ParseRequest(&req, data[start:end], &lim) != nil {
		return nil, 0, false
	}
	r = &reading{
		method: string(req.Method), target: string(req.Target), host: string(req.Authority), minor: int(req.Minor),
		framing: req.Body, close: req.Close, fields: http.Header{},
	}
	for i := range req.Fields.Len() {
		n, name, value, _ := req.Fields.At(i)
		switch {
		case n == message.Host, n == message.ContentLength, n == message.TransferEncoding:
		case n == message.Trailer && req.Body == message.Chunked:
		default:
			key := textproto.CanonicalMIMEHeaderKey(string(name))
			r.fields[key] = append(r.fields[key], string(value))
		}
	}
	rest := data[end:]
	switch {
	case req.Body == message.Chunked:
		body, used, _, err := decode(rest, len(rest)+1, &lim)
		if err != io.EOF {
			return nil, 0, false
		}
		r.body, r.rest = string(body), string(rest[used:])
	case int64(req.Body) > int64(len(rest)):
		return nil, 0, false
	default:
		r.body, r.rest = string(rest[:req.Body]), string(rest[req.Body:])
	}
	return r, start, true
}

// theirReading reads a request with net/http.
func theirReading(data []byte) (*reading, error) {
	br := bufio.NewReader(bytes.NewReader(data))
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	rest, err := io.ReadAll(br)
	if err != nil {
		return nil, err
	}
	r := &reading{
		method: req.Method, target: req.RequestURI, host: req.Host, minor: req.ProtoMinor,
		framing: message.Framing(req.ContentLength), close: req.Close, fields: req.Header, body: string(body), rest: string(rest),
	}
	if len(req.TransferEncoding) > 0 {
		r.framing = message.Chunked
	}
	if req.URL.IsAbs() {
		// What we make of an absolute-form.
		_, after, _ := strings.Cut(req.RequestURI, "://")
		path, query, hasQuery := strings.Cut(after, "?")
		slash := strings.IndexByte(path, '/')
		switch {
		case slash >= 0:
			r.target = path[slash:]
		case req.Method == http.MethodOptions && !hasQuery:
			r.target = "*"
		default:
			r.target = "/"
		}
		if hasQuery {
			r.target += "?" + query
		}
	}
	r.fields.Del("Content-Length")
	return r, nil
}

// compare says what two readings differ in, or nothing.
func compare(a, b *reading) string {
	switch {
	case a.method != b.method:
		return "method"
	case a.target != b.target:
		return "target"
	case !strings.EqualFold(a.host, b.host):
		return "host"
	case a.minor != b.minor:
		return "version"
	case a.framing != b.framing:
		return "framing"
	case a.close != b.close:
		return "close"
	case a.body != b.body:
		return "body"
	case a.rest != b.rest:
		return "what follows"
	}
	for name, values := range a.fields {
		if !slices.Equal(values, b.fields[name]) {
			return "field " + name
		}
	}
	for name := range b.fields {
		if a.fields[name] == nil {
			return "field " + name
		}
	}
	return ""
}

// FuzzDifferential compares with net/http what we accept. What we refuse needs no
// comparison: another reading of it never comes about.
func FuzzDifferential(f *testing.F) {
	for _, c := range acceptedRequests {
		f.Add([]byte(c.head + "hello\r\n"))
		f.Add([]byte(c.head + "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n"))
	}
	for _, c := range refusedRequests {
		if len(c.head) < 1<<10 {
			f.Add([]byte(c.head + "0\r\n\r\n"))
		}
	}
	f.Add([]byte("\r\n" + browserGET))
	for _, d := range differences {
		f.Add([]byte(d.example))
	}
	f.Fuzz(checkDifference)
}

// checkDifference fails when we accept data, net/http refuses it or reads it
// otherwise, and no entry of differences says why.
func checkDifference(t *testing.T, data []byte) {
	ours, at, ok := ourReading(data)
	if !ok {
		return
	}
	theirs, err := theirReading(data[at:])
	what := "acceptance"
	if err == nil {
		if what = compare(ours, theirs); what == "" {
			return
		}
	}
	for _, d := range differences {
		if d.applies(ours, theirs, err) {
			return
		}
	}
	t.Fatalf("%q\nours:   %+v\ntheirs: %+v, %v\ndiffer in %s, and no entry of differences says why", data, ours, theirs, err, what)
}

// pieces are what requests are made of, and what they must not be made of.
var pieces = []string{
	"GET", "POST", "OPTIONS", "get", " ", "  ", "/", "*", "/a?b=c", "?", "//", "http://a", "https://A:80/", "http://", "%41", "%zz", "..", ";", "\\",
	" HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/1.2\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\n", "PUT /b HTTP/1.0\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	"\r\n", "\n", "\r", "\r\n\r\n", "\t", "\x00", "\x7f", "\xe4", "#", ",", ":", ": ", "_", "-", "\"", "=", "0", "1", "5", "10", "+", "x",
	"Host: a\r\n", "Host:", "a", "A", "a:80", "[::1]", "user@a", "a.b.", "a..b", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Content-Length:",
	"Transfer-Encoding: chunked\r\n", "Transfer-Encoding:", "chunked", "identity", "gzip, chunked", "Connection: close\r\n", "Connection: ",
	"close", "keep-alive", "Keep-Alive, Upgrade", "Upgrade: websocket\r\n", "Expect: 100-continue\r\n", "Trailer: X-Sum\r\n", "Trailer: ", "X: y\r\n",
	"X_Y: z\r\n", " folded\r\n", "Pragma: no-cache\r\n", "Cache-Control: a\r\n", "Cookie: a=b\r\n", "x-LOWER: \t a \t\r\n", "Empty:\r\n",
	"hello", "5\r\nhello\r\n", "5;a=b\r\nhello\r\n", "5;a=\"b\\\"\"\r\nhello\r\n", "5 \r\nhello\r\n", "0005\r\nhello\r\n", "A\r\n0123456789\r\n",
	"0\r\n\r\n", "0\r\n", "0;x\r\n", "X-Sum: 7\r\n\r\n", "Content-Length: 7\r\n\r\n", "fffffffffffffff\r\n",
}

// FuzzDifferentialPieces is FuzzDifferential for requests that are put together:
// bytes changed at random seldom leave one that is accepted.
func FuzzDifferentialPieces(f *testing.F) {
	piece := func(text string) byte { return byte(slices.Index(pieces, text)) }
	end, head := piece("\r\n"), piece("POST / HTTP/1.1\r\nHost: a\r\n")
	chunked, last := piece("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), piece("0\r\n\r\n")
	for i := range pieces {
		f.Add([]byte{piece("GET"), piece(" "), byte(i), piece(" HTTP/1.1\r\n"), piece("Host: a\r\n"), end})
		f.Add([]byte{head, byte(i), end})
		f.Add([]byte{head, piece("X: y\r\n"), piece("Connection: "), byte(i), end, end})
		f.Add([]byte{chunked, byte(i), last})
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		var data []byte
		for _, c := range choices {
			data = append(data, pieces[int(c)%len(pieces)]...)
		}
		checkDifference(t, data)
	})
}
