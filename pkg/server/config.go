package server

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
)

// AllocationMode is where the memory of connections and exchanges comes from.
// docs/allocation-modes.md compares the modes.
type AllocationMode = alloc.Mode

// The allocation modes. All are in every build; servers of different modes may run
// side by side.
const (
	// Standard takes each buffer from a pool for its size.
	Standard = alloc.Standard
	// Arena cuts buffers from memory outside the Go heap.
	Arena = alloc.Arena
	// GreenTea gives each exchange one piece of the Go heap without pointers.
	GreenTea = alloc.GreenTea
)

// Config is what a server is made from. The zero value of a field stands for the
// default that its comment names, so that a Config may be written as a literal;
// DefaultConfig has the same values spelled out. A negative value means that there
// is no such limit, unless the comment says otherwise.
type Config struct {
	// Addr is the address to listen on for ListenAndServe and ListenAndServeTLS,
	// such as ":8080" or "127.0.0.1:0". Default: ":80", and ":443" for TLS.
	Addr string
	// Handler answers the requests. There is no default: serving without one
	// fails.
	Handler Handler

	// ReadTimeout bounds the time from a request's first byte to the last of its
	// body, however steadily it arrives. Time that the handler spends before it
	// reads the body counts. It ends in a 408, or in ErrTimeout for a handler that
	// reads. Default: none (-1), since it also bounds how large an upload can be; a
	// body has to go on arriving all the same (BodyTimeout).
	ReadTimeout time.Duration
	// ReadHeaderTimeout bounds the time from a request head's first byte to its
	// last, and ends in a 408. Default: 10 s.
	ReadHeaderTimeout time.Duration
	// BodyTimeout bounds the gap between two reads of a request body. A body also
	// has to arrive at 240 bytes per second on average, after 20 seconds of
	// waiting for it. Default: 60 s.
	BodyTimeout time.Duration
	// WriteTimeout bounds the time in which a client must take the next part of a
	// response, 128 KiB or less. A response that is large or that the handler
	// takes its time for is not bounded as a whole. Default: 60 s.
	WriteTimeout time.Duration
	// IdleTimeout closes a connection that waits so long for its first or its next
	// request. Default: 75 s.
	IdleTimeout time.Duration
	// HandshakeTimeout bounds the TLS handshake. Default: 10 s.
	HandshakeTimeout time.Duration

	// MaxRequestLine is the longest request line in bytes; a longer one is
	// answered with 414. Default, also for a negative value: 8 KiB.
	MaxRequestLine int
	// MaxHeaderBytes is the largest request head in bytes, request line and fields
	// together; a larger one is answered with 431. Default, also for a negative
	// value: 32 KiB.
	MaxHeaderBytes int
	// MaxHeaderFields is the most field lines of a request head; one with more is
	// answered with 431. Default, also for a negative value: 100.
	MaxHeaderFields int
	// AllowUnderscores keeps request fields whose name has an underscore. They are
	// dropped otherwise, since an application that reads names from an environment
	// takes X_Real_IP for X-Real-IP. Default: false.
	AllowUnderscores bool
	// MaxRequestBodySize is the largest request body in bytes. A request that
	// announces a longer one is answered with 413 and never reaches the handler;
	// one whose length is not known makes reads fail with ErrBodyTooLarge.
	// Default: 10 MiB. Negative: no limit.
	MaxRequestBodySize int64

	// MaxKeepAliveRequests is how many requests one connection may carry; the last
	// response says so. Default: no limit (-1).
	MaxKeepAliveRequests int
	// MaxConcurrentConnections bounds the open connections of all listeners of the
	// server together. One more is accepted, closed at once and counted. Default:
	// no limit (-1), but that a quarter of the descriptors of the process is kept
	// for other uses.
	MaxConcurrentConnections int
	// BatchPipelined lets responses to requests that arrived together leave together,
	// in one write where they fit. A response may then be held until the handlers of
	// the requests behind it have answered, so it is for handlers that do not wait.
	// Default: false.
	BatchPipelined bool
	// DisableKeepalive closes every connection after one exchange. Default: false.
	DisableKeepalive bool

	// AllocationMode is where memory comes from. The zero value is Standard;
	// DefaultConfig has the default of the build, which is Standard too unless a
	// build tag says otherwise.
	AllocationMode AllocationMode
	// TLSConfig is used by ServeTLS and ListenAndServeTLS. It is cloned, and http/1.1
	// is the only protocol offered, also by what GetConfigForClient returns. Default: none, and then those calls need
	// certificate files.
	TLSConfig *tls.Config
	// Logger receives what goes wrong in the server, panics of handlers, and
	// mistakes of handlers such as a field name that is none. Default:
	// slog.Default().
	Logger *slog.Logger
	// ServerName is the value of the Server field of responses that have none.
	// Default: no such field.
	ServerName string
}

// DefaultConfig returns the defaults, to which a handler must be added.
func DefaultConfig() Config {
	limits := http11.DefaultLimits()
	return Config{
		ReadTimeout:              -1,
		ReadHeaderTimeout:        10 * time.Second,
		BodyTimeout:              time.Minute,
		WriteTimeout:             time.Minute,
		IdleTimeout:              75 * time.Second,
		HandshakeTimeout:         10 * time.Second,
		MaxRequestLine:           limits.StartLine,
		MaxHeaderBytes:           limits.Head,
		MaxHeaderFields:          limits.Fields,
		MaxRequestBodySize:       10 << 20,
		MaxKeepAliveRequests:     -1,
		MaxConcurrentConnections: -1,
		AllocationMode:           alloc.Built().Default,
	}
}

// withDefaults returns cfg with a default in place of each zero value that stands
// for one.
func (cfg Config) withDefaults() Config {
	d := DefaultConfig()
	for _, f := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&cfg.ReadTimeout, d.ReadTimeout},
		{&cfg.ReadHeaderTimeout, d.ReadHeaderTimeout},
		{&cfg.BodyTimeout, d.BodyTimeout},
		{&cfg.WriteTimeout, d.WriteTimeout},
		{&cfg.IdleTimeout, d.IdleTimeout},
		{&cfg.HandshakeTimeout, d.HandshakeTimeout},
	} {
		*f.value = cmp.Or(*f.value, f.fallback)
	}
	for _, f := range []struct {
		value    *int
		fallback int
	}{
		{&cfg.MaxRequestLine, d.MaxRequestLine},
		{&cfg.MaxHeaderBytes, d.MaxHeaderBytes},
		{&cfg.MaxHeaderFields, d.MaxHeaderFields},
	} {
		if *f.value <= 0 {
			*f.value = f.fallback
		}
	}
	cfg.MaxKeepAliveRequests = cmp.Or(cfg.MaxKeepAliveRequests, d.MaxKeepAliveRequests)
	cfg.MaxConcurrentConnections = cmp.Or(cfg.MaxConcurrentConnections, d.MaxConcurrentConnections)
	cfg.MaxRequestBodySize = cmp.Or(cfg.MaxRequestBodySize, d.MaxRequestBodySize)
	return cfg
}

// check tells what is wrong with cfg.
func (cfg *Config) check() error {
	var wrong []error
	if cfg.Handler == nil {
		wrong = append(wrong, errors.New("configuration has no handler"))
	}
	if int(cfg.AllocationMode) >= alloc.Modes {
		wrong = append(wrong, fmt.Errorf("configuration has no such allocation mode as %d", cfg.AllocationMode))
	}
	if !validValue(cfg.ServerName) {
		wrong = append(wrong, fmt.Errorf("server name %q is no field value", cfg.ServerName))
	}
	return errors.Join(wrong...)
}

// engine returns the configuration of the connections. cfg has its defaults.
func (cfg *Config) engine() downstream.Config {
	limits := http11.DefaultLimits()
	limits.StartLine, limits.Head, limits.Fields = cfg.MaxRequestLine, cfg.MaxHeaderBytes, cfg.MaxHeaderFields
	limits.Underscores = cfg.AllowUnderscores
	return downstream.Config{
		TLSConfig:         cfg.TLSConfig,
		Logger:            cfg.Logger,
		Limits:            limits,
		RequestTimeout:    cfg.ReadTimeout,
		HeaderTimeout:     cfg.ReadHeaderTimeout,
		BodyTimeout:       cfg.BodyTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		KeepAliveTimeout:  cfg.IdleTimeout,
		HandshakeTimeout:  cfg.HandshakeTimeout,
		MaxBody:           cfg.MaxRequestBodySize,
		KeepAliveRequests: cfg.MaxKeepAliveRequests,
		MaxConnections:    cfg.MaxConcurrentConnections,
		DisableKeepAlive:  cfg.DisableKeepalive,
		BatchPipelined:    cfg.BatchPipelined,
		ShutdownIdle:      -1,
		AllocationMode:    cfg.AllocationMode,
		ServerName:        cfg.ServerName,
	}
}
