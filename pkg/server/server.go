package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
)

// Server is an HTTP/1.1 server. Its methods may be called from any goroutine.
type Server interface {
	// ListenAndServe listens on Config.Addr and serves until Shutdown or Close, and
	// then returns ErrServerClosed, or until the listener fails for good.
	ListenAndServe() error
	// ListenAndServeTLS is ListenAndServe with TLS on every connection. The
	// certificate and its chain come from these files, in PEM, or from
	// Config.TLSConfig when both names are empty.
	ListenAndServeTLS(certFile, keyFile string) error
	// Serve is ListenAndServe on a listener of the caller's, which it closes. A
	// server may serve any number of listeners. Listen makes one that is better than
	// net.Listen's, where multipath TCP is the default.
	Serve(l net.Listener) error
	// ServeTLS is ListenAndServeTLS on a listener of the caller's.
	ServeTLS(l net.Listener, certFile, keyFile string) error
	// Shutdown ends the server without cutting an exchange: listeners close,
	// connections that wait for a request are closed at once, unless one has arrived
	// already, and the others end with their next response, which says "Connection:
	// close": requests that a client has pipelined behind it are not answered. When
	// ctx ends first, what is left is cut and ctx's error is returned, a second later
	// if a handler does not return. Hijacked connections are not the server's any
	// more.
	Shutdown(ctx context.Context) error
	// Close ends the server at once. Connections in the middle of an exchange are
	// cut so that their clients see it.
	Close() error
	// Stats returns the numbers of this moment, in memory of the caller's own.
	Stats() *Stats
}

type server struct {
	cfg     Config
	handler Handler
	log     *slog.Logger
	engine  *downstream.Server

	failures failures
	rates    rates
	closing  atomic.Bool // Shutdown or Close was called
}

// NewServer returns a server for cfg, which listens nowhere yet. What is wrong with
// cfg is told by the call that would serve.
func NewServer(cfg Config) Server {
	cfg = cfg.withDefaults()
	s := &server{cfg: cfg, handler: cfg.Handler, log: cfg.Logger}
	if s.log == nil {
		s.log = slog.Default()
	}
	engine := cfg.engine()
	engine.Handler = s
	s.engine = downstream.New(engine)
	return s
}

func (s *server) ListenAndServe() error {
	l, err := s.listen(":80")
	if err != nil {
		return err
	}
	return s.Serve(l)
}

func (s *server) ListenAndServeTLS(certFile, keyFile string) error {
	l, err := s.listen(":443")
	if err != nil {
		return err
	}
	return s.ServeTLS(l, certFile, keyFile)
}

func (s *server) listen(addr string) (net.Listener, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return Listen(cmp.Or(s.cfg.Addr, addr))
}

// Listen opens a TCP listener on addr, such as ":8080" (IPv4 and IPv6) or
// "127.0.0.1:0". It is the listener that ListenAndServe uses: that of net.Listen, but
// without multipath TCP, which makes every socket dearer.
func Listen(addr string) (net.Listener, error) { return downstream.Listen(addr) }

var errNoListener = errors.New("there is no listener to serve: it is nil")

// ready tells why the server cannot serve.
func (s *server) ready() error {
	if s.closing.Load() {
		return ErrServerClosed
	}
	return s.cfg.check()
}

func (s *server) Serve(l net.Listener) error {
	return s.serveOn(l, func() error { return s.engine.Serve(l) })
}

func (s *server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	return s.serveOn(l, func() error { return s.engine.ServeTLS(l, certFile, keyFile) })
}

func (s *server) serveOn(l net.Listener, serve func() error) error {
	if l == nil {
		return errNoListener
	}
	if err := s.ready(); err != nil {
		_ = l.Close()
		return err
	}
	s.rates.begin(s.engine)
	defer s.rates.end()
	return serve()
}

func (s *server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	return s.engine.Shutdown(ctx)
}

func (s *server) Close() error {
	s.closing.Store(true)
	return s.engine.Close()
}
