package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Of the library only what speaks the protocol on one connection is used. Which
// connection a request goes to, when one is made or closed and whether a request is
// sent again is decided here and by the caller. The library prefers net/http for
// that by now, whose ClientConn does not tell of GOAWAY.
type clientConn = http2.ClientConn

// Settings of HTTP/2 with endpoints.
const (
	// maxH2Conns is the most connections to an endpoint whose pool sets no limit.
	maxH2Conns = 16
	// maxH2Head bounds the head of a response, and its trailers, as decoded.
	maxH2Head = 64 << 10
	// streamWindow is how much of a response is held for a client that does not read.
	// The connection's is so large that no such client holds up other streams.
	streamWindow = 256 << 10
	connWindow   = 1000 * streamWindow
	// A connection that was silent for pingAfter is asked whether it lives, and is
	// closed after pingTimeout. Servers of gRPC close connections on which more than
	// a few such questions come in less than five minutes without a response.
	pingAfter     = 30 * time.Second
	pingAfterGRPC = 5*time.Minute + 10*time.Second
	pingTimeout   = 15 * time.Second
	// writeTimeout closes a connection that takes no byte for so long.
	writeTimeout = 30 * time.Second
	// lookAgainAfter is when streams are looked for again while requests wait: some
	// become free without notice, such as when the endpoint allows more.
	lookAgainAfter = 20 * time.Millisecond
)

// h2Pool has the connections of an endpoint that speaks HTTP/2. The endpoint's mu
// guards it.
type h2Pool struct {
	conns   []*h2Conn
	counted int // conns that have a place
	looking bool
}

// h2Conn is a connection that speaks HTTP/2. The endpoint's mu guards what changes.
type h2Conn struct {
	endpoint *Endpoint
	way      *way
	cc       *clientConn
	wire     *wire
	made     time.Duration

	idleSince time.Duration // counts while streams is 0
	requests  int
	streams   int // reserved and active
	listed    bool
	counted   bool // has a place
	leaving   bool // takes no new streams; closed when it has none
	gone      bool // was closed
	why       Reason
}

// H2Conn is one stream of a connection that speaks HTTP/2. It belongs to one
// exchange, which must call Release.
type H2Conn struct {
	conn   *h2Conn
	reused bool
	begun  time.Duration
	cancel context.CancelFunc // of the request; nil before RoundTrip
}

// H2 returns a stream for one request, on a connection that is there or a new one:
// that is made when all others have as many streams as the endpoint allows. When
// there are Pool.MaxConnections already, 16 where that is not set, H2 waits as
// Get does. A connection that takes no more streams counts no longer.
func (e *Endpoint) H2(want *Want) (*H2Conn, error) {
	for {
		var left parting
		e.lock()
		if e.queue.first == nil {
			var c *h2Conn
			if !want.Fresh || !e.roomH2() {
				c = e.takeStream(&left)
			}
			if c != nil {
				e.mu.Unlock()
				left.close()
				return e.stream(c, true), nil
			}
			if e.roomH2() {
				e.add(0, +1)
				e.mu.Unlock()
				left.close()
				return e.dialH2(want)
			}
		}
		if len(left) == 0 {
			break
		}
		e.mu.Unlock()
		left.close() // that makes room
	}
	got, err := e.wait(want, true)
	switch {
	case err != nil:
		return nil, err
	case got.stream != nil:
		return e.stream(got.stream, true), nil
	}
	return e.dialH2(want)
}

// stream is the stream that was reserved on c. reused tells that c was there before.
func (e *Endpoint) stream(c *h2Conn, reused bool) *H2Conn {
	return &H2Conn{conn: c, reused: reused}
}

// roomH2 tells whether another connection may be made now. One at a time is, since
// others that wait can most likely use it too. e.mu is held.
func (e *Endpoint) roomH2() bool {
	most := e.settings.Pool.MaxConnections
	if e.way.transport.ProxyProtocol != 0 {
		return e.room() // one for each stream
	}
	if most <= 0 {
		most = maxH2Conns
	}
	return (e.making == 0 || e.retired) && e.places() < most
}

// takeStream reserves a stream on the first connection that has one. e.mu is held.
func (e *Endpoint) takeStream(left *parting) *h2Conn {
	for _, c := range e.h2.conns {
		if c.take(left) {
			return c
		}
	}
	return nil
}

// take reserves a stream of c, if there is one. The endpoint's mu is held.
func (c *h2Conn) take(left *parting) bool {
	if c.leaving || c.gone {
		return false
	}
	pool := &c.endpoint.settings.Pool
	if why, old := c.expired(pool, c.endpoint.now()); old {
		left.part(c, why)
		return false
	}
	if !c.cc.ReserveNewRequest() {
		return false
	}
	if c.requests > 0 {
		c.endpoint.counters.Reused++
	}
	c.streams++
	c.requests++
	return true
}

// expired tells whether c has outlived the pool's limits.
func (c *h2Conn) expired(pool *model.Pool, now time.Duration) (Reason, bool) {
	switch {
	case c.streams == 0 && pool.IdleTimeout > 0 && now-c.idleSince >= pool.IdleTimeout:
		return ClosedIdle, true
	case pool.MaxAge > 0 && now-c.made >= pool.MaxAge:
		return ClosedMaxAge, true
	case pool.MaxRequests > 0 && c.requests >= pool.MaxRequests:
		return ClosedMaxRequests, true
	}
	return 0, false
}

// parting are connections to be closed once the endpoint's mu is free.
type parting []*h2Conn

// part makes c take no new streams. It is closed when it has none; until then its
// place is for another one. The endpoint's mu is held.
func (p *parting) part(c *h2Conn, why Reason) {
	if !c.leaving {
		c.leaving, c.why = true, why
	}
	if c.streams > 0 {
		c.uncount()
	} else if !c.gone {
		*p = append(*p, c)
	}
}

func (p parting) close() {
	for _, c := range p {
		c.wire.hurry.Store(true)
		_ = c.cc.Close()
	}
}

// uncount gives the place of c up. The endpoint's mu is held.
func (c *h2Conn) uncount() {
	if c.counted {
		c.counted = false
		c.endpoint.h2.counted--
	}
}

// partAll parts with all connections. e.mu is held.
func (e *Endpoint) partAll(why Reason, left *parting) {
	for _, c := range e.h2.conns {
		left.part(c, why)
	}
}

// sweepH2 parts with connections that have outlived the pool's limits. e.mu is held.
func (e *Endpoint) sweepH2(pool *model.Pool, now time.Duration, left *parting) {
	for _, c := range e.h2.conns {
		if why, old := c.expired(pool, now); old || c.leaving {
			left.part(c, why)
		}
	}
}

// lookAgain makes those that wait be served again soon. e.mu is held.
func (e *Endpoint) lookAgain() {
	if e.h2.looking || len(e.h2.conns) == 0 {
		return
	}
	e.h2.looking = true
	time.AfterFunc(lookAgainAfter, func() {
		var left parting
		e.mu.Lock()
		e.h2.looking = false
		e.serve(&left)
		e.mu.Unlock()
		left.close()
	})
}

// errNoStream is returned for a new connection that the endpoint wants no requests
// on.
var errNoStream = errors.New("endpoint takes no requests on a new connection")

// dialH2 makes a connection for an exchange that has a place for it.
func (e *Endpoint) dialH2(want *Want) (*H2Conn, error) {
	made := false
	defer func() {
		if !made { // also when it panicked
			e.count(func(n *Counters) { n.Failed++ })
			e.giveUp(0, -1)
		}
	}()
	c, err := e.newH2(context.Background(), want)
	if err != nil {
		return nil, err
	}
	made = true
	e.join(c)
	return e.stream(c, false), nil
}

// newH2 makes a connection, with a stream reserved unless want is nil. That the
// endpoint has answered a PING tells that it speaks HTTP/2, and that its settings,
// such as how many streams it allows, have come.
func (e *Endpoint) newH2(ctx context.Context, want *Want) (*h2Conn, error) {
	reserve := want != nil
	if want == nil {
		want = new(Want)
	}
	w := e.current()
	c := &h2Conn{endpoint: e, way: w, why: ClosedByPeer}
	if reserve {
		c.streams, c.requests = 1, 1
	}
	err := e.attempt(ctx, want.Connect, func(ctx context.Context) error {
		l, err := w.connect(ctx, e, want, true)
		if err != nil {
			return err
		}
		c.wire = l.wire
		c.wire.closed = c.ended
		t, err := c.transport()
		if err == nil {
			c.cc, err = t.NewClientConn(l.conn)
		}
		if err != nil {
			_ = l.conn.Close()
			return err
		}
		err = c.cc.Ping(ctx)
		if err == nil && reserve && !c.cc.ReserveNewRequest() {
			err = errNoStream
		}
		if err != nil {
			c.wire.hurry.Store(true)
			_ = c.cc.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.made = e.now()
	return c, nil
}

// transport returns the settings for one connection. It is the connection's own
// since that is how the library tells which one has got a GOAWAY.
func (c *h2Conn) transport() (*http2.Transport, error) {
	after := pingAfter
	if p := c.way.transport.Protocol; p == model.GRPC || p == model.GRPCS {
		after = pingAfterGRPC
	}
	t, err := http2.ConfigureTransports(&http.Transport{HTTP2: &http.HTTP2Config{
		MaxReceiveBufferPerStream:     streamWindow,
		MaxReceiveBufferPerConnection: connWindow,
		SendPingTimeout:               after,
		PingTimeout:                   pingTimeout,
		WriteByteTimeout:              writeTimeout,
	}})
	if err != nil {
		return nil, err
	}
	t.AllowHTTP = true
	t.DisableCompression = true
	t.MaxHeaderListSize = maxH2Head
	t.ConnPool = leaver{c}
	t.CountError = c.errorCounted
	return t, nil
}

// leaver is what the library takes for a pool of connections: it learns that its
// connection takes no new requests.
type leaver struct{ c *h2Conn }

// GetClientConn implements http2.ClientConnPool. It is never called.
func (leaver) GetClientConn(*http.Request, string) (*clientConn, error) {
	return nil, http2.ErrNoCachedConn
}

// MarkDead implements http2.ClientConnPool: a GOAWAY came, or the connection ended.
func (l leaver) MarkDead(*clientConn) {
	e := l.c.endpoint
	var left parting
	e.mu.Lock()
	left.part(l.c, ClosedByPeer)
	if !l.c.listed {
		left = nil // whoever is making it will see
	}
	e.serve(&left)
	e.mu.Unlock()
	left.close()
}

// errorCounted is told of errors of the connection and of streams.
func (c *h2Conn) errorCounted(kind string) {
	if kind != "conn_close_lost_ping" && !strings.HasPrefix(kind, "read_frame_conn_error") && !strings.HasPrefix(kind, "conn_close_error") {
		return
	}
	c.endpoint.mu.Lock()
	defer c.endpoint.mu.Unlock()
	if !c.leaving {
		c.why = ClosedFailed
	}
}

// join adds c to the connections of e, in place of one that was being made.
func (e *Endpoint) join(c *h2Conn) {
	var left parting
	e.lock()
	e.add(0, -1)
	gone, why := c.gone, c.why
	if !gone {
		c.idleSince = e.now()
		c.listed, c.counted = true, true
		e.h2.conns = append(e.h2.conns, c)
		e.h2.counted++
	}
	switch {
	case e.retired:
		left.part(c, ClosedRemoved)
	case c.leaving:
		left.part(c, c.why)
	case c.way != e.way:
		left.part(c, ClosedReconfigured)
	case c.way.transport.ProxyProtocol != 0:
		c.leaving, c.why = true, ClosedUnshared // but it keeps its place
	case e.health.until.Load() != 0:
		left.part(c, ClosedUnhealthy)
	}
	e.serve(&left)
	e.mu.Unlock()
	e.count(func(n *Counters) {
		n.Created++
		if gone {
			n.Closed[why]++
		}
	})
	left.close()
}

// ended is called once, when the connection was closed by either side.
func (c *h2Conn) ended() {
	e := c.endpoint
	var left parting
	e.mu.Lock()
	c.gone = true
	c.uncount()
	listed := c.listed
	if listed {
		for i, other := range e.h2.conns {
			if other == c {
				last := len(e.h2.conns) - 1
				copy(e.h2.conns[i:], e.h2.conns[i+1:])
				e.h2.conns[last] = nil
				e.h2.conns = e.h2.conns[:last]
				break
			}
		}
	}
	why := c.why
	e.serve(&left)
	e.mu.Unlock()
	left.close()
	if listed {
		e.count(func(n *Counters) { n.Closed[why]++ })
	}
}

// Reused tells whether the connection was there before this request asked for one.
func (s *H2Conn) Reused() bool { return s.reused }

// RoundTrip sends the request and returns the head of the response, as
// http.RoundTripper does. It is called once. The request is sent as it is: without
// a User-Agent that it does not have.
func (s *H2Conn) RoundTrip(req *http.Request) (*http.Response, error) {
	s.begun = s.conn.endpoint.now()
	ctx, cancel := context.WithCancel(req.Context())
	s.cancel = cancel
	req = req.WithContext(ctx)
	if _, ok := req.Header["User-Agent"]; !ok && req.Header != nil {
		req.Header["User-Agent"] = nil // nil tells the library to leave it out
	}
	return s.conn.cc.RoundTrip(req)
}

// Release ends the exchange on its stream. What is unfinished of it is reset. why is
// Reasons when both sides have ended it whole, or what went wrong: after
// ClosedFailed, a connection on which nothing came since the request takes no
// others.
func (s *H2Conn) Release(why Reason) {
	c := s.conn
	if c == nil {
		return
	}
	s.conn = nil
	if s.cancel == nil {
		c.unreserve()
	} else {
		s.cancel()
	}
	e := c.endpoint
	var left parting
	e.lock()
	c.streams--
	if c.streams == 0 {
		c.idleSince = e.now()
	}
	switch {
	case c.gone:
	case c.leaving:
		left.part(c, c.why)
	case why == ClosedFailed && c.wire.heard.Load() < int64(s.begun):
		left.part(c, ClosedFailed)
	case c.streams == 0 && e.queue.first == nil && e.idleH2() > e.settings.Pool.IdleConnections:
		left.part(c, ClosedPoolFull)
	}
	e.serve(&left)
	e.mu.Unlock()
	left.close()
}

// unreserve gives a stream back that carried no request. The library counts one for
// each call of RoundTrip, and sends nothing for a request that is canceled.
func (c *h2Conn) unreserve() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	req := (&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "unused", Path: "/"}, Header: http.Header{}}).WithContext(ctx)
	if resp, err := c.cc.RoundTrip(req); err == nil {
		_ = resp.Body.Close()
	}
}

// idleH2 is how many connections have no stream. e.mu is held.
func (e *Endpoint) idleH2() int {
	n := 0
	for _, c := range e.h2.conns {
		if c.streams == 0 {
			n++
		}
	}
	return n
}

// streams is how many streams are reserved or active. e.mu is held.
func (e *Endpoint) streams() int {
	n := 0
	for _, c := range e.h2.conns {
		n += c.streams
	}
	return n
}

// Unprocessed tells whether an error of RoundTrip means that the endpoint has not
// processed the request and never will, so that another one may (RFC 9113, section
// 8.7): it was never sent, or the endpoint has refused the stream or gone away
// before it. What was read of the request's body is gone all the same.
func Unprocessed(err error) bool {
	if err == nil {
		return false
	}
	var stream http2.StreamError
	if errors.As(err, &stream) {
		return stream.Code == http2.ErrCodeRefusedStream
	}
	text := err.Error()
	for _, prefix := range unprocessed {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// unprocessed is how the errors of the library begin, which does not export them,
// for requests that were not sent, or that a GOAWAY says are not processed. Those
// that a GOAWAY leaves open are another error.
var unprocessed = []string{
	"http2: client conn not usable",
	"http2: client conn could not be established",
	"http2: Transport received Server's graceful shutdown GOAWAY",
	"http2: Transport received GOAWAY from server ErrCode:",
}
