package downstream

import (
	"crypto/tls"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Config is what a Server is made from. The zero value of each field stands
// for the default that its comment names; only Handler must be given. A negative
// timeout means that there is none.
type Config struct {
	// Handler serves the exchanges.
	Handler message.Handler
	// TLSConfig is used by ServeTLS as ServeTLSConfig uses its own. It is cloned.
	TLSConfig *tls.Config
	// Logger receives what goes wrong in the server itself: panics of handlers
	// and listeners that cannot accept. Default: slog.Default().
	Logger *slog.Logger

	// Limits bound what is read of a head. Default: http11.DefaultLimits(). A
	// zero field stands for its default.
	Limits http11.Limits
	// HeaderTimeout bounds the time from a head's first byte to its last; it
	// does not grow with the bytes that arrive. Default: 10 s.
	HeaderTimeout time.Duration
	// BodyTimeout bounds the gap between two reads of a request body. A body
	// also has to arrive at 240 bytes per second on average, after 20 seconds.
	// Default: 60 s.
	BodyTimeout time.Duration
	// RequestTimeout bounds the time from a request's first byte to the last of
	// its body, however steadily it arrives. Time that the handler spends before
	// it reads the body counts. 0 or negative: no limit.
	RequestTimeout time.Duration
	// MaxBody is the largest request body, in bytes. A request that announces a
	// longer one is refused with 413 before the handler is called; one whose
	// length is not known makes NextBody fail with message.ErrBodyTooLarge. It is
	// what Request.MaxBody begins with. 0 or negative: no limit.
	MaxBody int64
	// WriteTimeout bounds the time in which a client must take the next part
	// of a response: 128 KiB, or less. Default: 60 s.
	WriteTimeout time.Duration
	// KeepAliveTimeout closes a connection that waits so long for its first or
	// its next request. Default: 75 s.
	KeepAliveTimeout time.Duration
	// HandshakeTimeout bounds the TLS handshake. Default: 10 s.
	HandshakeTimeout time.Duration
	// ProxyProtocol has every connection begin with a PROXY header, version 1 or 2: in
	// front of a listener for TLS, too. It tells Exchange.Remote and Exchange.Local.
	// A connection without one is closed.
	ProxyProtocol bool
	// ProxyHeaderTimeout bounds the time until the PROXY header was read. Default: 5 s.
	ProxyHeaderTimeout time.Duration
	// TrustedProxies are the networks whose PROXY headers are believed. The header of
	// another peer is read, and the addresses are those of its socket. nil: all.
	TrustedProxies []netip.Prefix
	// Passthrough chooses, by the server name that a client of a listener for TLS asks
	// for, who gets its connection without TLS being spoken with it: nil for nobody. The
	// name is in lower case, and empty when the client sent none. The function that it
	// returns gets the connection and what was read of it, and owns both until it
	// returns; Close cuts the connection and Shutdown waits for it, as for a tunnel.
	// nil: none is passed through.
	Passthrough func(serverName string) func(nc net.Conn, hello []byte)
	// PassthroughAny tells whether Passthrough may choose anybody. While it does not,
	// connections need not be kept ready for that. nil: it may.
	PassthroughAny func() bool
	// KeepAliveRequests is how many requests a connection may carry: the
	// response to the last one says so. Negative: no limit. Default: 1000.
	KeepAliveRequests int
	// HTTP2 offers HTTP/2: by ALPN to clients that speak TLS, and to those that begin
	// with its preface in clear text. A handler then meets exchanges of one connection
	// that run at the same time, with Request.HTTP2 set. HeaderTimeout does not hold
	// there: a client that stops in the middle of a head is cut after a minute.
	HTTP2 bool
	// HTTP2Streams is how many streams a client may have open at a time on one
	// connection that speaks HTTP/2. Default: 128.
	HTTP2Streams int
	// BatchPipelined lets responses to requests that arrived together leave together,
	// in one write where they fit. A response may then be held until the handlers of
	// the requests behind it have answered, so it is for handlers that do not wait.
	BatchPipelined bool
	// DisableKeepAlive closes every connection after one exchange.
	DisableKeepAlive bool
	// MaxConnections bounds the open connections of all listeners together.
	// One more is accepted and closed at once, and counted: refusing to accept
	// would let a few clients that hold their connections stop the listener
	// for all others. 0: no limit but that a quarter of the descriptors that
	// the process may have when the server is made is kept for other uses.
	MaxConnections int
	// ShutdownIdle is how long a connection must have been idle before
	// Shutdown closes it: a client that is about to send its next request has
	// that long to do so, and then learns from the answer that the connection
	// ends. Negative: none. Default: 1 s.
	ShutdownIdle time.Duration
	// AllocationMode is where connections' memory comes from. It is what
	// Exchange.Mem begins with. Default: alloc.Standard.
	AllocationMode alloc.Mode
	// ServerName is the value of the Server field of responses that have
	// none. Empty: no such field.
	ServerName string
}

// settings are the part of Config that may change while the server runs, with
// defaults filled in. A published value is never changed: an exchange uses the
// one that was in force when its head began.
type settings struct {
	limits           http11.Limits
	headerTimeout    time.Duration
	bodyTimeout      time.Duration
	requestTimeout   time.Duration // 0: none
	maxBody          int64         // 0: no limit
	writeTimeout     time.Duration
	keepAliveTimeout time.Duration
	handshakeTimeout time.Duration

	proxyProtocol      bool
	proxyHeaderTimeout time.Duration
	trustedProxies     []netip.Prefix
	passthrough        func(serverName string) func(nc net.Conn, hello []byte)
	passthroughAny     func() bool

	shutdownIdle      time.Duration
	keepAliveRequests int // 0: no limit
	http2             bool
	http2Streams      uint32
	batchPipelined    bool
	maxConnections    int // 0: no limit
	mode              alloc.Mode
	serverField       []byte // "Server: name\r\n", or empty
}

func newSettings(cfg *Config) *settings {
	s := &settings{
		limits:           withDefaults(cfg.Limits),
		headerTimeout:    orDefault(cfg.HeaderTimeout, 10*time.Second),
		bodyTimeout:      orDefault(cfg.BodyTimeout, time.Minute),
		writeTimeout:     orDefault(cfg.WriteTimeout, time.Minute),
		keepAliveTimeout: orDefault(cfg.KeepAliveTimeout, 75*time.Second),
		handshakeTimeout: orDefault(cfg.HandshakeTimeout, 10*time.Second),

		proxyProtocol:      cfg.ProxyProtocol,
		proxyHeaderTimeout: orDefault(cfg.ProxyHeaderTimeout, 5*time.Second),
		trustedProxies:     slices.Clone(cfg.TrustedProxies),
		passthrough:        cfg.Passthrough,
		passthroughAny:     cfg.PassthroughAny,

		shutdownIdle:      max(0, orDefault(cfg.ShutdownIdle, time.Second)),
		keepAliveRequests: max(0, orDefault(cfg.KeepAliveRequests, 1000)),
		maxConnections:    max(0, cfg.MaxConnections),
		http2:             cfg.HTTP2,
		http2Streams:      128,
		batchPipelined:    cfg.BatchPipelined,
		mode:              cfg.AllocationMode,
	}
	if d := max(0, cfg.RequestTimeout); d > 0 {
		s.requestTimeout = d
		if s.headerTimeout < 0 || s.headerTimeout > d {
			s.headerTimeout = d
		}
	}
	s.maxBody = max(0, cfg.MaxBody)
	if n := cfg.HTTP2Streams; n > 0 {
		s.http2Streams = uint32(min(n, math.MaxInt32))
	}
	if cfg.DisableKeepAlive {
		s.keepAliveRequests = 1
	}
	if cfg.ServerName != "" {
		s.serverField = http11.AppendField(nil, message.Server.String(), []byte(cfg.ServerName))
	}
	return s
}

func withDefaults(l http11.Limits) http11.Limits {
	d := http11.DefaultLimits()
	l.StartLine = orDefault(l.StartLine, d.StartLine)
	l.Head = orDefault(l.Head, d.Head)
	l.Fields = orDefault(l.Fields, d.Fields)
	l.TrailerBytes = orDefault(l.TrailerBytes, d.TrailerBytes)
	l.TrailerFields = orDefault(l.TrailerFields, d.TrailerFields)
	l.ChunkLine = orDefault(l.ChunkLine, d.ChunkLine)
	return l
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Bounds that are not settings.
const (
	// headBuffer is the first size of a connection's read buffer: a browser's
	// request head fits.
	headBuffer = 4 << 10
	// bodyBuffer is the size of the buffer that a body is read into when the
	// rest of the head's buffer is smaller than minBodySpace.
	bodyBuffer   = 16 << 10
	minBodySpace = 1 << 10
	// outBuffer is the first size of the write buffer: what fits beside the head
	// leaves with it. With TLS it grows to the larger one, which is one record.
	outBuffer    = 4 << 10
	outBufferTLS = 16 << 10
	// writePart is how much of a response is written under one WriteTimeout.
	writePart = 128 << 10

	// minBodyRate, in bytes per second, is what a request body must reach on
	// average once minRateGrace was spent waiting for it.
	minBodyRate  = 240
	minRateGrace = 20 * time.Second

	// An unread request body is read and dropped within these bounds so that
	// the connection can be used again.
	maxDrainBytes = 64 << 10
	maxDrainTime  = time.Second

	// A connection that we close is read within these bounds until the client
	// has closed it too, so that no reset overtakes our last response (RFC
	// 9112, section 9.6).
	maxLingerBytes = 4 << 20
	maxLingerTime  = 2 * time.Second
)
