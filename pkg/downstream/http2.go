package downstream

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// HTTP/2 (RFC 9113) is spoken by golang.org/x/net/http2. What it does is framing,
// HPACK, flow control and the state of streams; each request that it hands over is
// written out as the head of an HTTP/1.1 request and parsed by http11, so that the
// rules for requests are the same ones (see http2_request.go).
//
// It refuses by itself, before a handler or its observer hears of them: malformed
// frames, field names and pseudo-header fields, a Host that differs from :authority
// (RST_STREAM), fields of the connection (400), and header lists beyond twice what
// Limits allow (431). It also has the answers to the attacks known:
//
//   - Rapid reset (CVE-2023-44487), and its kin that makes us reset (CVE-2025-8671):
//     no more handlers run than there may be streams, whatever became of their
//     streams; four times as many may wait, and then the connection ends with
//     ENHANCE_YOUR_CALM (scheduleHandler).
//   - CONTINUATION flood (CVE-2023-45288) and HPACK bombs: a header block counts
//     decoded, and the connection ends when a block goes on after the limit
//     (Framer.readMetaFrame).
//   - Floods of SETTINGS, PING and resets (CVE-2019-9512 to 9515): the connection
//     ends with 10000 control frames queued that the client does not take.
//   - Buffers: those of frames are bounded by http2Frame, those of request bodies by
//     the windows below, and those of responses are one frame for each stream.
const (
	// http2Frame is the largest frame that we read: the least that RFC 9113 (section
	// 4.2) allows. The connection keeps a buffer of the largest one that has come.
	http2Frame = 16 << 10
	// Request bodies that handlers have not read yet take that much memory.
	http2ConnWindow   = 1 << 20
	http2StreamWindow = 256 << 10
	// A client that is silent for http2PingAfter is sent a PING, and its connection
	// cut when it does not answer within http2PingTimeout. This also bounds the time
	// in which the rest of a header block or of another frame may come.
	http2PingAfter   = 45 * time.Second
	http2PingTimeout = 15 * time.Second
)

// http2Conn is a connection that speaks HTTP/2. The connection's goroutine reads and
// writes frames; each stream has a goroutine of its own.
type http2Conn struct {
	c            *conn
	server       *http.Server  // exists to be told to Shutdown: see goAway
	writeTimeout time.Duration // as it was when the connection began; 0: none
	index        int           // in http2Conns.list

	mu      sync.Mutex
	streams []*cutter     // those whose handlers run
	served  int           // streams begun
	started bool          // the client's preface has come
	ended   bool          // the connection is gone: no stream begins
	empty   chan struct{} // closed when ended and streams is empty; nil until waited for
}

// serveHTTP2 speaks HTTP/2 until the connection ends, and waits for its streams. read
// is what was read of the connection already.
func (c *conn) serveHTTP2(read []byte) {
	set := c.srv.set.Load()
	h := &http2Conn{c: c, writeTimeout: max(0, set.writeTimeout)}
	h.server = &http.Server{
		MaxHeaderBytes: 2*set.limits.Head + 32*set.limits.Fields, // a field counts 32 bytes more than it has
		WriteTimeout:   lifetime(h.writeTimeout),                 // see cutter.renew
		ConnState:      h.stateChanged,
		ErrorLog:       slog.NewLogLogger(c.srv.log.Handler(), slog.LevelDebug),
	}
	// net/http serves HTTP/2 only to connections that it accepts itself.
	server := &http2.Server{
		MaxConcurrentStreams:         set.http2Streams,
		MaxReadFrameSize:             http2Frame,
		IdleTimeout:                  max(0, set.keepAliveTimeout),
		ReadIdleTimeout:              http2PingAfter,
		PingTimeout:                  http2PingTimeout,
		MaxUploadBufferPerConnection: http2ConnWindow,
		MaxUploadBufferPerStream:     http2StreamWindow,
	}
	if err := http2.ConfigureServer(h.server, server); err != nil {
		c.srv.log.Error("HTTP/2 cannot be configured", "err", err)
		return
	}

	c.idleSince.Store(int64(c.srv.reaper.Now()))
	c.state.Store(idle)
	c.http2.Store(h)
	c.srv.http2.add(h)
	defer h.wait()
	var nc net.Conn = &http2Socket{c: c, read: read, writeTimeout: h.writeTimeout}
	if c.tls != nil {
		nc = &http2TLSSocket{nc.(*http2Socket)}
	}
	server.ServeConn(nc, &http2.ServeConnOpts{Handler: h, BaseConfig: h.server})
}

// stateChanged is told by x/net that the client has begun to speak, and more that is
// not looked at.
func (h *http2Conn) stateChanged(net.Conn, http.ConnState) {
	h.mu.Lock()
	h.started = true
	h.mu.Unlock()
}

// enter counts a stream in, whose number it returns, unless the connection is gone.
func (h *http2Conn) enter(s *cutter) (number int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return 0, false
	}
	s.index = len(h.streams)
	h.streams = append(h.streams, s)
	h.c.state.Store(active)
	h.served++
	return h.served, true
}

// exit is the end of enter.
func (h *http2Conn) exit(s *cutter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.streams) - 1
	h.streams[s.index] = h.streams[last]
	h.streams[s.index].index = s.index
	h.streams[last] = nil
	h.streams = h.streams[:last]
	if last > 0 {
		return
	}
	if h.ended {
		close(h.empty)
		return
	}
	h.c.idleSince.Store(int64(h.c.srv.reaper.Now()))
	h.c.state.Store(idle)
}

// wait waits for the streams of a connection that is gone, and lets none begin.
func (h *http2Conn) wait() {
	h.c.srv.http2.remove(h)
	h.mu.Lock()
	h.ended = true
	h.empty = make(chan struct{})
	if len(h.streams) == 0 {
		close(h.empty)
	}
	h.mu.Unlock()
	<-h.empty
}

// goAway sends GOAWAY: streams that have begun go on, others do not begin, and the
// connection ends a second after the last one. It tells whether the client has begun
// to speak, and does nothing otherwise.
func (h *http2Conn) goAway() bool {
	h.mu.Lock()
	started := h.started
	h.mu.Unlock()
	if started {
		// The server has neither listeners nor connections of its own, so this returns
		// at once. It is what x/net offers to end connections that it serves.
		_ = h.server.Shutdown(context.Background())
	}
	return started
}

// leave asks an idle connection to end.
func (h *http2Conn) leave() {
	if !h.goAway() {
		_ = h.c.nc.SetReadDeadline(time.Unix(1, 0)) // nothing was asked yet
	}
}

// http2Conns are the connections of a server that speak HTTP/2.
type http2Conns struct {
	mu   sync.Mutex // not taken by requests
	list []*http2Conn
}

func (s *http2Conns) add(h *http2Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.index = len(s.list)
	s.list = append(s.list, h)
}

func (s *http2Conns) remove(h *http2Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.list) - 1
	s.list[h.index] = s.list[last]
	s.list[h.index].index = h.index
	s.list[last] = nil
	s.list = s.list[:last]
}

// appendTo appends the connections to dst.
func (s *http2Conns) appendTo(dst []*http2Conn) []*http2Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(dst, s.list...)
}

// goAway sends GOAWAY on all connections. Those that have not begun to speak learn it
// from their first response.
func (s *http2Conns) goAway() {
	for _, h := range s.appendTo(nil) {
		h.goAway()
	}
}
