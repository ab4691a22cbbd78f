package http11

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// checkScan checks that neither the pieces in which data arrives nor what follows
// the head changes what a scanner says, and returns the head that it finds, or nil.
func checkScan(t *testing.T, data []byte, lim *Limits, piece uint8) []byte {
	t.Helper()
	start, end, err := splitScan(data, len(data)+1, lim)
	for _, n := range []int{1, int(piece) + 1} {
		if s, e, splitErr := splitScan(data, n, lim); s != start || e != end || splitErr != err {
			t.Fatalf("in pieces of %d: %d, %d, %v; whole: %d, %d, %v", n, s, e, splitErr, start, end, err)
		}
	}
	if err != nil || end == 0 {
		return nil
	}
	if s, e, err := splitScan(data[:end], end, lim); s != start || e != end || err != nil {
		t.Fatalf("without what follows, the head is %d:%d (%v), not %d:%d", s, e, err, start, end)
	}
	return data[start:end]
}

// checkError checks that what is refused has a status that a server can answer.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 505 || e.Text == "" {
		t.Fatalf("refused with %v", err)
	}
}

// sameFields tells whether two sections have the same lines.
func sameFields(a, b *message.Fields) bool {
	return bytes.Equal(AppendFields(nil, a), AppendFields(nil, b))
}

func FuzzRequestHead(f *testing.F) {
	for _, c := range acceptedRequests {
		f.Add([]byte(c.head), uint8(7))
	}
	for _, c := range refusedRequests {
		if len(c.head) < 1<<10 {
			f.Add([]byte(c.head), uint8(20))
		}
	}
	f.Add([]byte("\r\n"+browserGET+"GET / HTTP/1.1\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		lim := DefaultLimits()
		lim.Underscores = piece&1 != 0
		head := checkScan(t, data, &lim, piece)
		if head == nil {
			var req message.Request
			_ = ParseRequest(&req, data, &lim) // it must not panic
			return
		}
		var req message.Request
		before := bytes.Clone(head)
		err := ParseRequest(&req, head, &lim)
		if !bytes.Equal(before, head) {
			t.Fatal("the head was changed")
		}
		var longer message.Request
		if ParseRequest(&longer, append(bytes.Clone(head), 'x'), &lim) == nil {
			t.Fatal("a byte after the head was read over")
		}
		if err != nil {
			checkError(t, err)
			return
		}
		checkRequest(t, &req)

		// Written anew, it reads the same.
		again := AppendRequestLine(nil, req.Method, req.Path, req.Query, req.HasQuery)
		again = append(AppendFields(again, &req.Fields), crlf...)
		var second message.Request
		if err := ParseRequest(&second, again, &lim); req.Minor == 0 && !req.Fields.Has(message.Host) {
			if err != errHostMissing {
				t.Fatalf("%q as HTTP/1.1: %v", again, err)
			}
			return
		} else if err != nil {
			t.Fatalf("%q, written anew: %v", again, err)
		}
		if req.Minor == 1 && describe(&second) != describe(&req) || !sameFields(&second.Fields, &req.Fields) {
			t.Fatalf("%q, written anew, reads\n%s, not\n%s", head, describe(&second), describe(&req))
		}
	})
}

// checkRequest checks what message.Request promises of an accepted request.
func checkRequest(t *testing.T, r *message.Request) {
	t.Helper()
	switch {
	case !ValidFieldName(r.Method) || r.MethodID != message.LookupMethod(r.Method) || r.MethodID == message.CONNECT:
		t.Fatalf("method %q (%d)", r.Method, r.MethodID)
	case string(r.Target) == "*" && r.MethodID == message.OPTIONS:
	case len(r.Target) == 0 || r.Target[0] != '/' || targetEnd(r.Target, 0) != len(r.Target):
		t.Fatalf("target %q", r.Target)
	}
	target := bytes.Clone(r.Path)
	if r.HasQuery {
		target = append(append(target, '?'), r.Query...)
	}
	hosts := r.Fields.Count(message.Host)
	switch {
	case !bytes.Equal(target, r.Target) || bytes.IndexByte(r.Path, '?') >= 0:
		t.Fatalf("target %q is %q and %q", r.Target, r.Path, r.Query)
	case r.Minor > 1 || hosts > 1 || r.Minor == 1 && hosts == 0:
		t.Fatalf("HTTP/1.%d with %d Hosts", r.Minor, hosts)
	case !bytes.HasPrefix(r.Authority, r.Hostname) || (len(r.Hostname) == 0) != (len(r.Authority) == 0):
		t.Fatalf("authority %q, hostname %q", r.Authority, r.Hostname)
	case r.Body < message.Chunked, r.Body == message.Chunked && (r.Minor == 0 || r.Fields.Has(message.ContentLength)):
		t.Fatalf("body %d", r.Body)
	case r.ExpectContinue && r.Body == message.None, len(r.UpgradeTo) > 0 && (r.Body != message.None || r.Minor == 0):
		t.Fatalf("expect %v, upgrade %q, body %d", r.ExpectContinue, r.UpgradeTo, r.Body)
	}
	checkFields(t, &r.Fields)
}

// checkFields checks that every field can be written as it is.
func checkFields(t *testing.T, f *message.Fields) {
	t.Helper()
	for i := range f.Len() {
		n, name, value, ok := f.At(i)
		if ok && (!ValidFieldName(name) || !ValidFieldValue(value) || n != message.LookupName(name)) {
			t.Fatalf("field %q: %q (%d)", name, value, n)
		}
	}
}

func FuzzResponseHead(f *testing.F) {
	for _, c := range acceptedResponses {
		f.Add([]byte(c.head), uint8(7), uint8(c.method))
	}
	for _, c := range refusedResponses {
		if len(c.head) < 1<<10 {
			f.Add([]byte(c.head), uint8(20), uint8(message.GET))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8, m uint8) {
		lim, method := ResponseLimits(), message.Method(m)
		head := checkScan(t, data, &lim, piece)
		if head == nil {
			var resp message.Response
			_ = ParseResponse(&resp, data, method, &lim) // it must not panic
			return
		}
		var resp, second message.Response
		if err := ParseResponse(&resp, head, method, &lim); err != nil {
			checkError(t, err)
			return
		}
		none := method == message.HEAD || resp.Status < 200 || resp.Status == 204 || resp.Status == 304
		switch {
		case resp.Status < 100 || resp.Status > 999 || resp.Minor > 1:
			t.Fatalf("HTTP/1.%d %d", resp.Minor, resp.Status)
		case none && resp.Body != message.None, resp.Body < message.UntilClose, resp.Body == message.UntilClose && !resp.Close:
			t.Fatalf("status %d to method %d has body %d, close %v", resp.Status, method, resp.Body, resp.Close)
		case textEnd(resp.Reason, 0) != len(resp.Reason):
			t.Fatalf("reason %q", resp.Reason)
		}
		checkFields(t, &resp.Fields)

		again := AppendStatusLine(nil, resp.Status, resp.Reason)
		again = append(AppendFields(again, &resp.Fields), crlf...)
		if err := ParseResponse(&second, again, method, &lim); err != nil {
			t.Fatalf("%q, written anew: %v", again, err)
		}
		if second.Status != resp.Status || second.Body != resp.Body || second.Length != resp.Length || !sameFields(&second.Fields, &resp.Fields) {
			t.Fatalf("%q, written anew, reads differently:\n%q", head, again)
		}
	})
}

func FuzzChunked(f *testing.F) {
	for _, c := range chunkedBodies {
		f.Add([]byte(c.input), uint8(3))
	}
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		lim := DefaultLimits()
		lim.Underscores = true
		data, used, trailers, err := decode(input, len(input)+1, &lim)
		for _, n := range []int{1, int(piece) + 1} {
			// How far a body was read that is then refused may depend on the pieces.
			d, u, tr, e := decode(input, n, &lim)
			if e != err || tr != trailers || !bytes.Equal(d, data) || u != used && (err == nil || err == io.EOF) {
				t.Fatalf("in pieces of %d: %q %d %q %v; whole: %q %d %q %v", n, d, u, tr, e, data, used, trailers, err)
			}
		}
		if err != nil && err != io.EOF {
			checkError(t, err)
		}
		if err != io.EOF {
			return
		}
		d, u, tr, e := decode(input[:used], used+1, &lim)
		if e != err || tr != trailers || !bytes.Equal(d, data) || u != used {
			t.Fatalf("without what follows: %q %d %q %v", d, u, tr, e)
		}

		// Written anew, it reads the same.
		var c ChunkedReader
		var fields message.Fields
		c.Reset(&lim)
		for rest := input[:used]; ; {
			_, n, err := c.Next(rest, &fields)
			if err == io.EOF {
				break
			}
			rest = rest[n:]
		}
		checkFields(t, &fields)
		var again []byte
		if len(data) > 0 {
			again = append(AppendChunkHeader(again, len(data)), data...)
			again = append(again, crlf...)
		}
		again = AppendLastChunk(again, &fields)
		d, u, tr, e = decode(again, len(again)+1, &lim)
		if e != err || tr != trailers || !bytes.Equal(d, data) || u != len(again) {
			t.Fatalf("%q, written anew, reads %q %d %q %v", again, d, u, tr, e)
		}
	})
}

func FuzzNormalizePath(f *testing.F) {
	for _, c := range paths {
		f.Add([]byte(c.path))
	}
	for _, path := range badPaths {
		f.Add([]byte(path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		if len(path) == 0 || path[0] != '/' {
			path = append([]byte("/"), path...)
		}
		before := bytes.Clone(path)
		dst := make([]byte, 0, len(path))
		out, err := NormalizePath(dst, path)
		if !bytes.Equal(before, path) {
			t.Fatal("the path was changed")
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if len(out) == 0 || out[0] != '/' || len(out) > len(path) {
			t.Fatalf("%q becomes %q", path, out)
		}
		for _, segment := range bytes.Split(out, []byte("/")) {
			if s := string(segment); s == "." || s == ".." {
				t.Fatalf("%q becomes %q", path, out)
			}
		}
		if again, err := NormalizePath(nil, out); err != nil || &again[0] != &out[0] {
			t.Fatalf("%q becomes %q, which becomes %q (%v)", path, out, again, err)
		}
		if same := bytes.Equal(out, path); same != (&out[0] == &path[0]) {
			t.Fatalf("%q is equal to its normal form: %v, and it was copied or not", path, same)
		}
	})
}

func FuzzConnection(f *testing.F) {
	for _, s := range []string{
		"close", "keep-alive, Upgrade", "X-One, x-two", "host", "Cookie", "x-forwarded-anything", "connection", "a b", ",, ,", "X-One\x00", "TE, Trailer",
	} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		head := "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + one + "\r\nX-One: 1\r\nX-Forwarded-For: 2\r\nCookie: 3\r\n" +
			"TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nx-two: 4\r\nConnection: " + two + "\r\n\r\n"
		lim := DefaultLimits()
		var req message.Request
		if ParseRequest(&req, []byte(head), &lim) != nil {
			return
		}
		all := AppendFields(nil, &req.Fields)
		if err := StripRequest(&req.Fields); err != nil {
			checkError(t, err)
			return
		}
		left := AppendFields(nil, &req.Fields)
		for _, must := range []string{"Host: a\r\n", "X-Forwarded-For: 2\r\n", "Cookie: 3\r\n"} {
			if !bytes.Contains(left, []byte(must)) {
				t.Fatalf("of\n%s\n%q is gone:\n%s", all, must, left)
			}
		}
		for _, name := range hopByHop {
			if req.Fields.Has(name) {
				t.Fatalf("of\n%s\n%s is left:\n%s", all, name, left)
			}
		}
		for option, rest := nextItem([]byte(one + "," + two)); len(option) > 0; option, rest = nextItem(rest) {
			if _, ok := req.Fields.Lookup(string(option)); ok {
				t.Fatalf("%q was named and is left", option)
			}
		}
		if err := StripRequest(&req.Fields); err != nil || !bytes.Equal(left, AppendFields(nil, &req.Fields)) {
			t.Fatalf("a second time it removes more (%v)", err)
		}
	})
}
