package message

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Exchange is one request with its response, whatever the version of HTTP. The
// connection fills Request, calls a Handler, and reuses the Exchange when the
// handler has returned: nothing of it may be kept.
type Exchange struct {
	// Request is the request's head.
	Request Request
	// Response is what the handler answers: it fills it and calls WriteHead.
	Response Response
	// Stream is the connection's side of the exchange.
	Stream
	// Remote is the client's address, Local ours.
	Remote, Local netip.AddrPort
	// TLS describes the connection's TLS session. nil means cleartext.
	TLS *tls.ConnectionState
	// Session is the connection that the exchange came on. It is never nil.
	Session *Session
	// Start is when the first byte of the request was read.
	Start time.Time
	// HeadRead is when the request's head was there whole: Start when it came in
	// one piece. It is valid once the handler is called.
	HeadRead time.Time
	// Mem is the memory of the exchange, in the listener's mode. A handler that
	// wants another one replaces it, before it takes a buffer, with what
	// Mem.Switch returns. The connection releases it when the exchange has been
	// observed.
	Mem *alloc.Region
	// Trace is what is known of the exchange for logs and metrics.
	Trace Trace
	// Data is for the handler and the observer that belongs to it.
	Data any
}

// Session is what exchanges on one connection have in common. Those of HTTP/2 run
// beside each other.
type Session struct {
	// Number tells the connection from the others of its server. It counts from 1.
	Number uint64
	// Data is for the handler: what it has found out about the client, such as
	// whether its certificate is valid. It ends with the connection.
	Data atomic.Value
}

// Stream is what the connection does for an exchange. All methods are for the
// handler's goroutine, except that one other goroutine may call NextBody.
type Stream interface {
	// NextBody returns the next bytes of the request body, at least one, and
	// io.EOF after the last. The view is valid until the next call. The first
	// call answers "100 Continue" when the client waits for it and no final
	// head was written. Errors: io.EOF, ErrBodyTooLarge, ErrBodyMalformed,
	// ErrTimeout, or ErrClientGone when the client closed early; after an error
	// other than io.EOF the connection closes when the exchange has ended.
	// Finish and Abort make a call that waits in another goroutine fail, and
	// later ones that would wait; that goroutine must have left NextBody before
	// the handler returns.
	NextBody() ([]byte, error)
	// DropBody says, before a head is written, that nobody reads the rest of the
	// body. What is here of it is dropped. If more may follow than is read for the
	// sake of the connection, the response will say that it is the last one. Without
	// this call the connection may end after a response that did not say so.
	DropBody()
	// WriteInterim sends a 1xx response other than 101, with these fields. It
	// does nothing for an HTTP/1.0 client (RFC 9110, section 15.2).
	WriteInterim(status int, fields *Fields) error
	// WriteHead begins the response from Exchange.Response. It regenerates
	// what belongs to the connection: Connection, Keep-Alive, Transfer-Encoding,
	// Content-Length, Trailer, and Date when it is absent. The head may wait for
	// the first body bytes. It must be called once.
	WriteHead() error
	// WriteBody sends body bytes. It uses p only until it returns. It fails
	// with ErrBodyLength when a known length is exceeded, and ignores the bytes
	// where a response has no body (HEAD, 204, 304).
	WriteBody(p []byte) error
	// PipeBody moves the rest of the request body to a socket without taking it
	// into memory, where that can be: ok is false, and nothing has happened, when
	// the body has no known length or either side is no plain socket. within
	// bounds the gap between two writes. It takes the place of all further calls
	// of NextBody, whose errors readErr has; writeErr is that of the socket.
	PipeBody(to *sock.Conn, within time.Duration) (moved int64, ok bool, readErr, writeErr error)
	// PipeFrom is WriteBody for the next n bytes that a socket has to give, as
	// PipeBody moves them: only where the length of the response is known. within
	// bounds the gap between two reads. readErr is that of the socket, io.EOF
	// included; writeErr is that of the client.
	PipeFrom(from *sock.Conn, n int64, within time.Duration) (moved int64, ok bool, readErr, writeErr error)
	// Finish ends the response, with trailers if there are any and the client
	// can have them. A response whose known length is not reached is aborted.
	Finish(trailers *Fields) error
	// Flush sends what was written so far.
	Flush() error
	// Abort ends the connection so that the client sees the response cut
	// short, never a clean end.
	Abort()
	// Upgrade takes the connection over, after a head with status 101 was
	// written. buffered are bytes that the client sent already. The caller owns
	// the tunnel and closes it; the server counts the connection until the
	// handler returns.
	Upgrade() (t Tunnel, buffered []byte, err error)
	// Hijack takes the connection out of the server, after what was written so
	// far was sent: it is the caller's, who closes it, and the server neither
	// counts nor closes nor waits for it. buffered are bytes that the client sent
	// already, those of a body that was not read included; they are valid until
	// the handler returns. Nobody may be in NextBody. Afterwards the other
	// methods do nothing.
	Hijack() (nc net.Conn, buffered []byte, err error)
	// Watch has gone called, at most once and from another goroutine, when the
	// client has closed its direction of the connection or the connection was
	// cut. The former is noticed while the handler runs, once the request's body
	// was read whole, and until the client sends its next request; it costs nothing
	// for an exchange that ends within some tenth of a second, in which it is not
	// noticed. gone must not block; it may still be called when the handler has
	// returned, but not once Observe was called, unless the whole server is closed.
	// Watch may be called from any goroutine, but not after the handler has returned.
	// A second call does nothing.
	Watch(gone func())
	// HeadWritten tells whether WriteHead was called.
	HeadWritten() bool
}

// Tunnel is a connection after a switch of protocols.
type Tunnel interface {
	io.ReadWriteCloser
	// CloseWrite tells the peer that no more bytes follow.
	CloseWrite() error
	// SetIdle makes a Read or Write fail that waits longer than d. 0 means
	// no limit.
	SetIdle(d time.Duration)
}

// Handler serves exchanges. When it returns without having written a head, the
// connection answers 500; without having finished, it aborts the response. A
// panic ends the connection only.
type Handler interface {
	ServeExchange(ex *Exchange)
	// Observe is called once for each exchange, also for a request that was
	// refused before ServeExchange, after its last byte was written. It is
	// where the access log and the counters are fed. It must not block.
	Observe(ex *Exchange)
}

// Errors of streams.
var (
	ErrBodyTooLarge  = errors.New("request body exceeds the limit")
	ErrBodyMalformed = errors.New("request body is malformed")
	ErrBodyLength    = errors.New("response body is longer than announced")
	ErrTimeout       = errors.New("timeout")
	ErrClientGone    = errors.New("client closed the connection")
	ErrHeadWritten   = errors.New("response head was already written")
)

// Trace is what the access log and metrics tell of an exchange.
type Trace struct {
	// Status is the status sent, 0 when none was. The connection sets it.
	Status int
	// Received counts the bytes of the request: head and body on the wire.
	Received int64
	// Sent counts the bytes of the response, BodySent those of its body.
	Sent, BodySent int64
	// Complete tells that the response was sent whole. The connection sets it.
	Complete bool
	// Ordinal counts the requests of the connection, this one included. The
	// connection sets it.
	Ordinal int
	// Refusal is why a request was refused before it reached the handler.
	Refusal string
	// RequestID is the value of X-Request-ID. It is a view, valid until the
	// exchange ends.
	RequestID []byte
	// Attempts are the tries to reach an endpoint; Tried counts them, also
	// beyond the array.
	Attempts [3]Attempt
	Tried    int
}

// Attempt is one try to get a response from an endpoint.
type Attempt struct {
	Addr netip.AddrPort
	// Status is the status received, 0 when none was.
	Status int
	// Length counts the response body's bytes.
	Length int64
	// Connect, Head and Total are the times until the connection, the
	// response's head and its last byte.
	Connect, Head, Total time.Duration
	// Reused tells that the connection had served before.
	Reused bool
}

// NextAttempt begins an attempt at an endpoint and returns its record; beyond
// the array's size the last record is used again.
func (t *Trace) NextAttempt(addr netip.AddrPort) *Attempt {
	i := min(t.Tried, len(t.Attempts)-1)
	t.Tried++
	t.Attempts[i] = Attempt{Addr: addr}
	return &t.Attempts[i]
}
