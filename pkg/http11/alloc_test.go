package http11

import (
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// noAllocation fails when run allocates, after a first time that may.
func noAllocation(t *testing.T, what string, run func()) {
	t.Helper()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

// The promise holds for what is refused too: who is attacked must not pay more.
func TestHeadsDoNotAllocate(t *testing.T) {
	requestLimits, responseLimits := DefaultLimits(), ResponseLimits()
	var req message.Request
	request := func(name, text string) {
		head := []byte(text)
		noAllocation(t, name, func() {
			var s HeadScanner
			_, _ = s.Scan(head, &requestLimits)
			if ParseRequest(&req, head, &requestLimits) == nil {
				_ = StripRequest(&req.Fields)
			}
		})
	}
	for _, c := range acceptedRequests {
		if c.name != "absolute without path but query" && c.name != "absolute with query for OPTIONS" {
			request(c.name, c.head) // those two build their target
		}
	}
	for _, c := range refusedRequests {
		request(c.name, c.head)
	}
	request("browser", browserGET)

	var resp message.Response
	response := func(name, text string) {
		head := []byte(text)
		noAllocation(t, name, func() {
			if ParseResponse(&resp, head, message.GET, &responseLimits) == nil {
				_ = StripResponse(&resp.Fields)
			}
		})
	}
	for _, c := range acceptedResponses {
		response(c.name, c.head)
	}
	for _, c := range refusedResponses {
		response(c.name, c.head)
	}
}

func TestStrippingDoesNotAllocate(t *testing.T) {
	lim := DefaultLimits()
	var req message.Request
	for _, connection := range []string{"close", "x-one, Referer, X-Two", "x-one, Host", "a b"} {
		head := []byte("GET / HTTP/1.1\r\nHost: a\r\nX-One: a\r\nReferer: b\r\nTE: c\r\nConnection: " + connection + "\r\n\r\n")
		noAllocation(t, connection, func() {
			_ = ParseRequest(&req, head, &lim)
			_ = StripRequest(&req.Fields)
		})
	}
}

func TestChunkedBodiesDoNotAllocate(t *testing.T) {
	lim := DefaultLimits()
	var c ChunkedReader
	var trailers message.Fields
	for _, body := range chunkedBodies {
		input := []byte(body.input)
		noAllocation(t, body.name, func() {
			c.Reset(&lim)
			for rest := input; ; {
				_, n, err := c.Next(rest, &trailers)
				if rest = rest[n:]; n == 0 || err != nil {
					return
				}
			}
		})
	}
}

func TestPathsDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 64)
	normalize := func(text string) {
		path := []byte(text)
		noAllocation(t, text, func() { _, _ = NormalizePath(dst, path) })
	}
	for _, c := range paths {
		normalize(c.path)
	}
	for _, path := range badPaths {
		normalize(path)
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	lim := DefaultLimits()
	var req message.Request
	if err := ParseRequest(&req, []byte(browserGET), &lim); err != nil {
		t.Fatal(err)
	}
	dst, value := make([]byte, 0, 1<<10), []byte("5")
	noAllocation(t, "writing", func() {
		dst = AppendRequestLine(dst[:0], req.Method, req.Path, req.Query, req.HasQuery)
		dst = AppendFields(dst, &req.Fields)
		dst = AppendStatusLine(dst, 404, nil)
		dst = AppendInt(AppendField(dst, "X", value), 5)
		dst = AppendChunkHeader(dst, 5)
		dst = AppendLastChunk(dst, nil)
	})
}
