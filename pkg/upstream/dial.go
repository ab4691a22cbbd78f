package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// way is how connections to an endpoint are made. A value is never changed.
// Connections that were made in another way than the endpoint's are not used again.
type way struct {
	transport model.Transport
	given     *tls.Config
	http1, h2 *tls.Config // by the protocol to agree on; nil for no TLS
}

// newWay returns the way that s asks for. The settings of TLS get a memory for
// sessions of its own: what was agreed on under other settings must not be resumed.
func newWay(s *settings, key model.UpstreamKey) *way {
	w := &way{transport: s.Transport, given: s.tls}
	if !s.Transport.Protocol.Encrypted() {
		return w
	}
	base := s.tls
	if base == nil {
		// Nobody has said what to verify, so all is verified.
		base = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: key.Service + "." + key.Namespace + ".svc"}
	}
	sessions := base.ClientSessionCache
	if sessions == nil {
		sessions = tls.NewLRUClientSessionCache(1) // for one endpoint
	}
	config := func(protocol string) *tls.Config {
		c := base.Clone()
		c.ClientSessionCache = sessions
		c.NextProtos = []string{protocol}
		return c
	}
	w.http1, w.h2 = config("http/1.1"), config("h2")
	return w
}

// is tells whether w is what s asks for. What else a Transport has is in given.
func (w *way) is(s *settings) bool {
	return w.given == s.tls && w.transport.Protocol == s.Transport.Protocol && w.transport.ProxyProtocol == s.Transport.ProxyProtocol
}

// link is a connection that was made: conn is what to speak on.
type link struct {
	conn net.Conn
	tls  *tls.Conn // nil for none
	wire *wire     // below TLS and HTTP/2, nil for others
}

// errNoH2 is returned where TLS has agreed on something else than HTTP/2.
var errNoH2 = errors.New("endpoint does not agree to HTTP/2 (ALPN)")

// connect makes a connection: TCP, then the PROXY header, then TLS.
func (w *way) connect(ctx context.Context, e *Endpoint, want *Want, h2 bool) (l link, err error) {
	r := e.upstream.registry
	nc, err := r.config.Dial(ctx, e.addr)
	if err != nil {
		return link{}, err
	}
	defer func() {
		if err != nil {
			_ = nc.Close()
		}
	}()
	if v := w.transport.ProxyProtocol; v != 0 {
		if err := writeProxyHeader(ctx, nc, v, want); err != nil {
			return link{}, err
		}
	}
	if w.http1 == nil && !h2 {
		return link{conn: nc}, nil
	}
	l.wire = newWire(nc, r.reaper)
	l.conn = l.wire
	if w.http1 == nil {
		return l, nil
	}
	config := w.http1
	if h2 {
		config = w.h2
	}
	l.tls = tls.Client(l.wire, config)
	l.conn = l.tls
	if err := l.tls.HandshakeContext(ctx); err != nil {
		return link{}, fmt.Errorf("TLS: %w", err)
	}
	if h2 && l.tls.ConnectionState().NegotiatedProtocol != "h2" {
		return link{}, errNoH2
	}
	return l, nil
}

// defaultConnectTimeout bounds the making of a connection without a limit of its
// own.
const defaultConnectTimeout = 5 * time.Second

// attempt makes a connection by calling connect, and tells the endpoint's health
// what came of it. All that comes before the first request belongs to that: an
// endpoint whose certificate is not the right one is as good as none, and is left
// out, tried again and logged like one.
func (e *Endpoint) attempt(parent context.Context, limit time.Duration, connect func(context.Context) error) error {
	if limit <= 0 {
		limit = defaultConnectTimeout
	}
	begun := e.upstream.registry.clock()
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	err := connect(ctx)
	switch {
	case err == nil:
		e.comeBack()
		return nil
	case parent.Err() != nil || localFailure(err):
	default:
		e.leaveOut(begun, err)
		if isTimeout(err) {
			return ErrConnectTimeout
		}
	}
	return fmt.Errorf("connect to %s: %w", e.addr, err)
}

// current is the way that connections are made now.
func (e *Endpoint) current() *way {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.way
}

// newConn makes a connection for HTTP/1.1.
func (e *Endpoint) newConn(ctx context.Context, want *Want) (*Conn, error) {
	w := e.current()
	var l link
	err := e.attempt(ctx, want.Connect, func(ctx context.Context) (err error) {
		l, err = w.connect(ctx, e, want, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := e.upstream.registry
	return &Conn{Conn: sock.New(l.conn, r.reaper), endpoint: e, way: w, tls: l.tls, wire: l.wire, made: r.reaper.Now()}, nil
}

// dial makes a connection for an exchange that has a place for it.
func (e *Endpoint) dial(want *Want) (*Conn, error) {
	made := false
	defer func() {
		if !made { // also when it panicked
			e.count(func(n *Counters) { n.Failed++ })
			e.giveUp(0, -1)
		}
	}()
	c, err := e.newConn(context.Background(), want)
	if err != nil {
		return nil, err
	}
	made = true
	c.requests = 1
	e.count(func(n *Counters) { n.Created++ })
	e.giveUp(+1, -1)
	return c, nil
}
