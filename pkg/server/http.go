package server

import (
	"net/http"
	"net/url"
	"strings"
)

// FromHTTP adapts an ordinary handler, so that what was written for net/http runs
// here: muxes, routers, file servers, reverse proxies. Ordinary handlers may keep
// what they are given, so the request is copied, which costs some twenty
// allocations; a Handler of this package costs none.
//
// The ResponseWriter is an http.Flusher, http.Hijacker, io.ReaderFrom and
// io.StringWriter, and works with http.ResponseController as far as these go:
// deadlines are not supported, and EnableFullDuplex has nothing to do, since a
// request can always be read while its response is written. Trailers work as in
// net/http, but go only to clients that say they take them (TE: trailers), and the
// field Trailer is not sent. Fields that a middleware has set are in the
// ResponseWriter's Header. http.MaxBytesReader bounds a body, but does not make the
// connection close.
//
// URL is made of the request's Path and Query: the path is in normal form, so an
// ordinary handler serves what a middleware has checked. RequestURI is Target, in
// origin-form even when the client sent absolute-form. "OPTIONS *" reaches the
// handler; net/http answers it itself.
//
// What goroutines do that outlive the handler fails, and harms no other request.
func FromHTTP(h http.Handler) Handler { return &httpHandler{h} }

type httpHandler struct{ inner http.Handler }

func (h *httpHandler) ServeHTTP(w ResponseWriter, r Request) {
	req, body, err := httpRequest(r)
	if err != nil {
		_ = w.WriteText(http.StatusBadRequest, "Bad Request: "+malformedPath+"\n")
		return
	}
	hw := &httpWriter{w: w, header: make(http.Header)}
	if w.Header().Len() > 0 {
		hw.header = httpHeader(w.Header(), nil)
	}
	defer hw.end()
	if body != nil {
		defer body.end()
	}
	h.inner.ServeHTTP(hw, req)
	hw.finish()
}

// httpRequest makes an http.Request of copies. The body is nil when there is none.
func httpRequest(r Request) (*http.Request, *httpBody, error) {
	target := strings.Clone(r.Target())
	u, err := httpURL(r, target)
	if err != nil {
		return nil, nil, err
	}
	req := new(http.Request).WithContext(r.Context())
	req.Method = methodName(r.Method())
	req.URL, req.RequestURI = u, target
	req.Proto, req.ProtoMajor = r.Proto(), 1
	if req.Proto == "HTTP/1.1" {
		req.ProtoMinor = 1
	}
	req.Header = httpHeader(r.Header(), fieldsOfRequest)
	req.Host = strings.Clone(r.Host())
	req.Close = closes(r)
	if addr := r.RemoteAddr(); addr.IsValid() {
		req.RemoteAddr = addr.String()
	}
	req.TLS = r.TLS()
	req.ContentLength = r.ContentLength()
	if req.ContentLength == 0 {
		req.Body = http.NoBody
		return req, nil, nil
	}
	if req.ContentLength < 0 {
		req.TransferEncoding = []string{"chunked"}
		req.Trailer = announcedTrailers(r.Header())
	}
	body := newHTTPBody(r, req)
	req.Body = body
	return req, body, nil
}

// httpURL makes an http.Request's URL of the path and the query that handlers of this
// package see, not of the target: what a middleware has checked must be what the
// ordinary handler serves. target is a copy of r's, and most often has the bytes.
func httpURL(r Request, target string) (*url.URL, error) {
	rawPath, rawQuery, hasQuery := strings.Cut(target, "?")
	if path := r.Path(); path != rawPath {
		rawPath = strings.Clone(path)
	}
	if query := r.Query(); query != rawQuery {
		rawQuery = strings.Clone(query)
	}
	// It is put together from parts, as a parser might take a path that a middleware
	// returns for something else, such as a scheme and a host.
	path, err := url.PathUnescape(rawPath)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Path: path, RawQuery: rawQuery, ForceQuery: hasQuery && rawQuery == ""}
	if u.EscapedPath() != rawPath {
		u.RawPath = rawPath // which has encodings such as %2F
	}
	return u, nil
}

// closes tells whether the client asks for the connection's end.
func closes(r Request) bool {
	if own, ok := r.(*request); ok {
		return own.ex.Request.Close
	}
	return strings.EqualFold(r.Header().Get("Connection"), "close")
}

// methodName returns a copy of the method, which costs nothing for the usual ones.
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

// fieldsOfRequest tells which fields are not in an http.Request's Header, as it has
// fields for them.
func fieldsOfRequest(name string) bool {
	return name == "Host" || name == "Transfer-Encoding" || name == "Trailer"
}

// httpHeader copies fields into a map, but for those that skip names. All bytes
// share one string, and values that are not repeated one slice.
func httpHeader(from *Header, skip func(name string) bool) http.Header {
	lines, size := 0, 0
	from.VisitAll(func(name, value string) {
		lines++
		size += len(name) + len(value)
	})
	var text strings.Builder
	text.Grow(size) // it has room for all, so that it does not move
	keep := func(s string) string {
		at := text.Len()
		text.WriteString(s)
		return text.String()[at:]
	}
	h := make(http.Header, lines)
	values := make([]string, 0, lines)
	from.VisitAll(func(name, value string) {
		name = http.CanonicalHeaderKey(keep(name))
		if skip != nil && skip(name) {
			return
		}
		if old, ok := h[name]; ok {
			h[name] = append(old, keep(value))
			return
		}
		values = append(values, keep(value))
		h[name] = values[len(values)-1 : len(values) : len(values)]
	})
	return h
}

// announcedTrailers returns the names that the field Trailer lists, without values.
func announcedTrailers(h *Header) http.Header {
	var trailers http.Header
	for list := range h.Values("Trailer") {
		for name := range eachName(strings.Clone(list)) {
			if trailers == nil {
				trailers = make(http.Header)
			}
			trailers[name] = nil
		}
	}
	return trailers
}

// eachName yields the field names of a comma-separated list.
func eachName(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && !yield(http.CanonicalHeaderKey(name)) {
				return
			}
		}
	}
}
