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
	why string
	// applies tells it by our reading, and by what net/http said or read.
	applies func(ours *reading, theirs *reading, err error) bool
}

// differences are all that there may be. They are about what net/http does beside
// reading HTTP/1.1, or about what is due later here.
var differences = []difference{
	{"NormalizePath refuses malformed percent-encoding, whoever routes by the path; net/http does so when it parses",
		func(ours, _ *reading, err error) bool {
			return err != nil && strings.Contains(err.Error(), "invalid URL escape") && strings.Contains(ours.target, "%")
		}},
	{"net/http adds Cache-Control to Pragma: no-cache",
		func(ours, theirs *reading, err error) bool {
			if err != nil || !slices.Equal(ours.fields["Pragma"][:min(1, len(ours.fields["Pragma"]))], []string{"no-cache"}) {
				return false
			}
			ours.fields["Cache-Control"] = []string{"no-cache"}
			return compare(ours, theirs) == ""
		}},
	{"net/http reads Trailer, which is advice (RFC 9110, section 6.6.2), and refuses what it must not name",
		func(ours, _ *reading, err error) bool {
			return err != nil && strings.Contains(err.Error(), "bad trailer key") && ours.framing == message.Chunked
		}},
	{"a trailer section with many lines or names that are no field names is refused by net/http's own limits",
		func(ours, _ *reading, err error) bool {
			return err != nil && ours.framing == message.Chunked && strings.Contains(err.Error(), "trailer")
		}},
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
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, X\r\n\r\n0\r\nX: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, at, ok := ourReading(data)
		if !ok {
			return
		}
		theirs, err := theirReading(data[at:])
		what := ""
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
	})
}
