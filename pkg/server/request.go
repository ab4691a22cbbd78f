package server

import (
	"context"
	"crypto/tls"
	"io"
	"net/netip"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Request is a request as the handler sees it. The strings and the Header are views
// of the connection's memory: they are valid until the handler returns, and whoever
// keeps one copies it (strings.Clone, Header.Clone).
//
// Its methods are for one goroutine at a time, except Context.
type Request interface {
	// Method is the method, such as "GET". It is case-sensitive.
	Method() string
	// Path is the path in the form that is safe to compare: dot segments are
	// removed, percent-encoded letters, digits and "-._~" are decoded, and other
	// encodings keep their "%", with upper-case digits. It begins with "/", or is
	// "*" (OPTIONS). A path with a malformed encoding, or with "%00", is answered
	// with 400 and never reaches a handler.
	Path() string
	// Query is what follows "?" in the target, as received and still encoded.
	Query() string
	// Target is path and query as received, in origin-form or "*": of an
	// absolute-form the scheme and the authority are cut off.
	Target() string
	// Proto is "HTTP/1.1" or "HTTP/1.0".
	Proto() string
	// Host is the value of Host, with its port if there is one. It is empty only
	// for HTTP/1.0.
	Host() string
	// Header is the request's fields, Host included. Changes are seen by whoever
	// gets the request next, and change nothing of how the body is read.
	Header() *Header
	// ContentLength is the length of the body in bytes: 0 without one, and -1 when
	// it comes in chunks.
	ContentLength() int64
	// Body reads the body. It may be read until the handler returns; what is left
	// unread is dropped by the server. It implements io.WriterTo, so that io.Copy
	// needs no buffer. Errors: io.EOF, ErrBodyTooLarge, ErrBodyMalformed,
	// ErrTimeout and ErrClientGone.
	Body() io.Reader
	// ReadBody reads what is left of the body and returns it whole. The bytes are in
	// the connection's memory, in its allocation mode, and valid until the handler
	// returns; a body that came together with its head is not even copied. Memory
	// grows with what has arrived, up to Config.MaxRequestBodySize. Errors: those
	// of Body but io.EOF.
	ReadBody() ([]byte, error)
	// Trailer is the fields after a body in chunks, once Body has returned io.EOF.
	// They are valid until the handler returns. Those that would say how to route
	// or to process the message are dropped (RFC 9110, section 6.5.1).
	Trailer() *Header
	// RemoteAddr is the client's address. It is a value and costs nothing, where a
	// string would have to be made for each request; its String method makes one.
	// It is the zero value for a connection that is not TCP.
	RemoteAddr() netip.AddrPort
	// LocalAddr is the address that the client connected to.
	LocalAddr() netip.AddrPort
	// TLS describes the TLS session; nil means cleartext. It is read-only, and
	// valid for ever.
	TLS() *tls.ConnectionState
	// Context is cancelled when the handler returns and when the connection is cut
	// or found to be broken. Once Done was called on it, or on one made from it, the
	// server also notices that the client has closed its connection: when the
	// body has been read whole, and until the client sends another request. It
	// carries the value of http.LocalAddrContextKey. It is made by the first call,
	// never used again, and valid for ever.
	Context() context.Context
}

// request implements Request.
type request struct {
	ex      *message.Exchange
	path    []byte
	header  Header
	trailer Header
	body    bodyReader
	ctx     atomic.Pointer[requestContext] // nil: nobody asked
}

func (r *request) Method() string { return alloc.String(r.ex.Request.Method) }
func (r *request) Path() string   { return alloc.String(r.path) }
func (r *request) Query() string  { return alloc.String(r.ex.Request.Query) }
func (r *request) Target() string { return alloc.String(r.ex.Request.Target) }
func (r *request) Host() string   { return alloc.String(r.ex.Request.Authority) }

func (r *request) Proto() string {
	if r.ex.Request.Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

func (r *request) Header() *Header  { return &r.header }
func (r *request) Trailer() *Header { return &r.trailer }
func (r *request) Body() io.Reader  { return &r.body }

func (r *request) ReadBody() ([]byte, error) { return r.body.whole() }

func (r *request) ContentLength() int64 { return max(int64(r.ex.Request.Body), -1) }

func (r *request) RemoteAddr() netip.AddrPort { return r.ex.Remote }
func (r *request) LocalAddr() netip.AddrPort  { return r.ex.Local }
func (r *request) TLS() *tls.ConnectionState  { return r.ex.TLS }
