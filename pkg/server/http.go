package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// FromHTTP adapts an ordinary handler, so that what was written for net/http runs
// here: muxes, file servers, reverse proxies, routers. Ordinary handlers may keep
// what they get, so the request is copied, which costs some ten allocations; a
// Handler of this package costs none.
//
// The ResponseWriter is an http.Flusher, http.Hijacker, io.ReaderFrom and
// io.StringWriter, and works with http.ResponseController as far as these go:
// deadlines are not supported, and EnableFullDuplex has nothing to do, since a
// request can always be read while its response is written. Trailers work as in
// net/http, and go only to clients that say they take them.
func FromHTTP(h http.Handler) Handler { return &httpHandler{h} }

type httpHandler struct{ h http.Handler }

func (h *httpHandler) ServeHTTP(w ResponseWriter, r Request) {
	hw := &httpWriter{w: w, header: make(http.Header)}
	req, body, err := httpRequest(r)
	if err != nil {
		_ = w.WriteText(http.StatusBadRequest, "Bad Request\n")
		return
	}
	// A goroutine of the handler may go on although the handler does not.
	defer hw.end()
	if body != nil {
		defer body.end()
	}
	h.h.ServeHTTP(hw, req)
	hw.finish()
}

// httpRequest makes an http.Request of r, of copies.
func httpRequest(r Request) (*http.Request, *httpBody, error) {
	target := strings.Clone(r.Target())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, nil, err
	}
	length := r.ContentLength()
	req := new(http.Request).WithContext(r.Context())
	req.Method = methodName(r.Method())
	req.URL, req.RequestURI = u, target
	req.Proto, req.ProtoMajor, req.ProtoMinor = r.Proto(), 1, 1
	if req.Proto == "HTTP/1.0" {
		req.ProtoMinor = 0
	}
	req.Header = httpHeader(r.Header())
	req.Host = strings.Clone(r.Host())
	req.ContentLength = length
	req.Close = closes(r)
	req.RemoteAddr = r.RemoteAddr().String()
	req.TLS = r.TLS()
	if length == 0 {
		req.Body = http.NoBody
		return req, nil, nil
	}
	body := &httpBody{r: r, req: req}
	body.own, _ = r.Body().(*bodyReader)
	if body.own != nil {
		body.round = body.own.round
	}
	req.Body = body
	if length < 0 {
		req.TransferEncoding = []string{"chunked"}
		req.Trailer = announcedTrailers(r.Header())
	}
	return req, body, nil
}

// closes tells whether the client asks for the connection's end.
func closes(r Request) bool {
	if x, ok := r.(*request); ok {
		return x.ex.Request.Close
	}
	return strings.EqualFold(r.Header().Get("Connection"), "close")
}

// methodName returns a copy of the method, without making one of the usual ones.
func methodName(m string) string {
	for _, usual := range [...]string{
		http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions,
	} {
		if m == usual {
			return usual
		}
	}
	return strings.Clone(m)
}

// httpHeader copies fields into a map. Their bytes share one string, and their
// values one slice.
func httpHeader(from *Header) http.Header {
	lines, size := 0, 0
	from.VisitAll(func(name, value string) {
		lines++
		size += len(value)
	})
	var text strings.Builder
	text.Grow(size)
	h := make(http.Header, lines)
	values := make([]string, 0, lines)
	from.VisitAll(func(name, value string) {
		at := text.Len()
		text.WriteString(value)
		value = text.String()[at:] // the builder does not move: it has room for all
		name = canonicalName(name)
		switch name {
		case "Host", "Transfer-Encoding", "Trailer":
			return // fields of the Request
		}
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
			return
		}
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	})
	return h
}

// canonicalName returns a copy of name in the spelling of net/http.
func canonicalName(name string) string {
	c := http.CanonicalHeaderKey(name)
	if c == name {
		return strings.Clone(name) // it may be the view itself
	}
	return c
}

// announcedTrailers returns the names that the field Trailer lists, without values.
func announcedTrailers(h *Header) http.Header {
	var trailers http.Header
	for list := range h.Values("Trailer") {
		for name := range strings.SplitSeq(list, ",") {
			name = canonicalName(strings.TrimSpace(name))
			if name == "" {
				continue
			}
			if trailers == nil {
				trailers = make(http.Header)
			}
			trailers[name] = nil
		}
	}
	return trailers
}

// httpBody is an http.Request's Body. It may be read by a goroutine that outlives
// the handler: reads then fail.
type httpBody struct {
	r     Request
	req   *http.Request
	own   *bodyReader // nil: a middleware has put another reader there
	round uint64      // of own

	mu     sync.Mutex
	ended  bool
	closed bool
}

func (b *httpBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	ended, closed := b.ended, b.closed
	if ended || closed {
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	var n int
	var err error
	if b.own != nil {
		b.mu.Unlock() // own tells itself when it is too late
		n, err = b.own.readIn(b.round, p)
	} else {
		n, err = b.r.Body().Read(p)
		b.mu.Unlock()
	}
	switch err {
	case ErrBodyTooLarge:
		limit := int64(0)
		if x, ok := b.r.(*request); ok {
			limit = x.ex.Request.MaxBody
		}
		err = &http.MaxBytesError{Limit: limit}
	}
	return n, err
}

func (b *httpBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

func (b *httpBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

var errEnded = errors.New("handler has returned")

// httpWriter is an http.ResponseWriter.
type httpWriter struct {
	header http.Header

	mu    sync.Mutex // a goroutine may go on when the handler has returned
	w     ResponseWriter
	began bool
	sent  []string // names that the field Trailer announced
	ended bool
}
