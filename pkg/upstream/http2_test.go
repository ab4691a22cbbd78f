package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// peers is an endpoint for HTTP/2: each connection is served by a function.
type peers struct {
	addr     netip.AddrPort
	accepted atomic.Int32
}

func newPeers(t testing.TB, serve func(number int, nc net.Conn)) *peers {
	t.Helper()
	p := new(peers)
	p.addr = rawconn.Listen(t, func(nc net.Conn) { serve(int(p.accepted.Add(1)), nc) })
	return p
}

func (p *peers) dial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", p.addr.String())
}

func (p *peers) count() int { return int(p.accepted.Load()) }

// handled serves requests of HTTP/2 without TLS.
func handled(s *http2.Server, h http.HandlerFunc) func(int, net.Conn) {
	return func(_ int, nc net.Conn) { s.ServeConn(nc, &http2.ServeConnOpts{Handler: h}) }
}

// raw is a peer that does as it likes.
type raw struct {
	*http2.Framer
	nc net.Conn
}

// rawPeer reads the preface and sends settings; then each frame that is no
// acknowledgement goes to do, until that returns false.
func rawPeer(do func(number int, r raw, f http2.Frame) bool, settings ...http2.Setting) func(int, net.Conn) {
	return func(number int, nc net.Conn) {
		if _, err := io.ReadFull(nc, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		r := raw{http2.NewFramer(nc, nc), nc}
		_ = r.WriteSettings(settings...)
		for {
			f, err := r.ReadFrame()
			if err != nil {
				return
			}
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					_ = r.WriteSettingsAck()
				}
				continue
			case *http2.PingFrame:
				if !f.IsAck() {
					_ = r.WritePing(true, f.Data)
				}
			}
			if !do(number, r, f) {
				return
			}
		}
	}
}

// answer answers a stream with this status and no body.
func (r raw) answer(stream uint32, status string) {
	var b bytes.Buffer
	_ = hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: status})
	_ = r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true})
}

func h2Registry(t testing.TB, p *peers, change func(*model.Policy)) (*Registry, *Endpoint) {
	t.Helper()
	policy := policyOf(model.H2C)
	if change != nil {
		change(&policy)
	}
	r, u := tlsRegistry(t, Config{Dial: p.dial}, policy, nil, 1)
	return r, u.endpoints()[0]
}

func newRequest(ctx context.Context, path string, body io.Reader) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop.example"+path, body)
	if err != nil {
		panic(err)
	}
	return req
}

func stream(t testing.TB, e *Endpoint) *H2Conn {
	t.Helper()
	s, err := e.H2(&Want{Connect: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exchange sends a request over a stream of e and returns the status and the body.
func exchange(t testing.TB, e *Endpoint) (int, string) {
	t.Helper()
	s := stream(t, e)
	status, body, err := over(s)
	if err != nil {
		t.Error(err)
	}
	return status, body
}

func over(s *H2Conn) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	resp, err := s.RoundTrip(newRequest(ctx, "/", nil))
	if err != nil {
		s.Release(ClosedFailed)
		return 0, "", err
	}
	b, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	s.Release(Reasons)
	return resp.StatusCode, string(b), err
}

// open is how many connections e has.
func open(e *Endpoint) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.h2.conns)
}

// waitsForH2 calls H2 in another goroutine and returns when it waits.
func waitsForH2(t *testing.T, e *Endpoint, w *Want) chan error {
	t.Helper()
	before := e.waiting()
	c := make(chan error, 1)
	go func() {
		s, err := e.H2(w)
		if err == nil {
			_, _, err = over(s)
		}
		c <- err
	}()
	eventually(t, "a request waits", func() bool { return e.waiting() > before })
	return c
}

func result(t *testing.T, c chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
		return nil
	}
}

// Requests share one connection, also those that come while it is being made; what
// is sent is what the caller gave, no more.
func TestStreamsShareAConnection(t *testing.T) {
	var inside atomic.Int32
	all, gate := make(chan struct{}), make(chan struct{})
	p := newPeers(t, handled(&http2.Server{}, func(w http.ResponseWriter, r *http.Request) {
		if inside.Add(1) == 30 {
			close(all)
		}
		<-gate
		fmt.Fprint(w, r.Header["User-Agent"], r.Header["Accept-Encoding"], r.Header["X-Odd"], r.ProtoMajor)
	}))
	r, e := h2Registry(t, p, nil)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if status, body := exchange(t, e); status != 200 || body != "[] [] [] 2" {
				t.Errorf("%d %q", status, body)
			}
		})
	}
	<-all
	if s := r.Stats()[0].Endpoints[0]; s.Streams != 30 || s.Active != 1 || s.Idle != 0 {
		t.Errorf("stats while all run: %+v", s)
	}
	close(gate)
	wg.Wait()
	if s := r.Stats()[0].Endpoints[0]; s.Streams != 0 || s.Active != 0 || s.Idle != 1 || s.Created != 1 || s.Reused != 29 || p.count() != 1 {
		t.Errorf("%d connections, stats: %+v", p.count(), s)
	}
}

func TestHTTP2OverTLS(t *testing.T) {
	a := newAuthority(t)
	server := a.server(t, "shop.example", "h2")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{TLSConfig: server, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	dial := func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
	}
	for _, protocol := range []model.Protocol{model.H2, model.GRPCS} {
		_, u := tlsRegistry(t, Config{Dial: dial}, policyOf(protocol), a.client(), 1)
		e := u.Pick(&Choice{})
		conn := stream(t, e)
		body := strings.Repeat("x", 1<<20) // more than a window
		resp, err := conn.RoundTrip(newRequest(context.Background(), "/", strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != body || resp.TLS == nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		_ = resp.Body.Close()
		conn.Release(Reasons)
	}
}

// Neither what speaks another protocol nor what says nothing is an endpoint.
func TestEndpointThatDoesNotSpeakHTTP2(t *testing.T) {
	a := newAuthority(t)
	http1 := newTLSNetwork(t, a.server(t, "shop.example", "http/1.1"))
	nothing := newTLSNetwork(t, a.server(t, "shop.example"))
	answers := newPeers(t, func(_ int, nc net.Conn) {
		_, _ = nc.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
		_, _ = io.Copy(io.Discard, nc)
	})
	silent := newPeers(t, func(_ int, nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	closes := newPeers(t, func(int, net.Conn) {})
	for _, c := range []struct {
		name     string
		protocol model.Protocol
		dial     func(context.Context, netip.AddrPort) (net.Conn, error)
		want     error
	}{
		{"another protocol in ALPN", model.H2, http1.dial, nil},
		{"no ALPN", model.GRPCS, nothing.dial, errNoH2},
		{"HTTP/1.1", model.H2C, answers.dial, nil},
		{"silence", model.GRPC, silent.dial, ErrConnectTimeout},
		{"an end", model.H2C, closes.dial, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, u := tlsRegistry(t, Config{Dial: c.dial}, policyOf(c.protocol), a.client(), 1)
			e := u.Pick(&Choice{})
			limit := 20 * time.Second
			if c.want == ErrConnectTimeout {
				limit = 50 * time.Millisecond
			}
			_, err := e.H2(&Want{Connect: limit})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("H2: %v, want %v", err, c.want)
			}
			if s := r.Stats()[0].Endpoints[0]; s.Failed != 1 || s.Created != 0 || !s.Out || s.Active != 0 || e.making != 0 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// The endpoint allows one stream at a time: there is a connection for each, up to
// the limit, and the others wait their turn.
func TestEndpointWithOneStream(t *testing.T) {
	gate := make(chan struct{})
	p := newPeers(t, handled(&http2.Server{MaxConcurrentStreams: 1}, func(http.ResponseWriter, *http.Request) { <-gate }))
	r, e := h2Registry(t, p, func(p *model.Policy) {
		p.Pool.MaxConnections, p.Pool.MaxPending, p.Pool.PendingTimeout = 2, 3, time.Minute
	})
	running := make(chan error, 2)
	for range 2 {
		s := stream(t, e)
		go func() { _, _, err := over(s); running <- err }()
	}
	cancel := make(chan struct{})
	canceled := waitsForH2(t, e, &Want{Cancel: cancel})
	second, third := waitsForH2(t, e, &Want{}), waitsForH2(t, e, &Want{})
	if !e.full() {
		t.Error("not full while requests wait")
	}
	if _, err := e.H2(&Want{}); !errors.Is(err, ErrQueueFull) {
		t.Errorf("%v, want ErrQueueFull", err)
	}
	close(cancel)
	if err := result(t, canceled); !errors.Is(err, ErrCanceled) {
		t.Errorf("%v, want ErrCanceled", err)
	}
	close(gate)
	for _, c := range []chan error{running, running, second, third} {
		if err := result(t, c); err != nil {
			t.Error(err)
		}
	}
	if s := r.Stats()[0].Endpoints[0]; p.count() != 2 || s.Created != 2 || s.Reused != 2 || s.Idle != 2 || s.Queued != 3 || s.QueueFull != 1 {
		t.Errorf("%d connections, stats: %+v", p.count(), s)
	}
}

// Streams that end without notice, and settings that change, are found.
func TestStreamsAreLookedForAgain(t *testing.T) {
	p := newPeers(t, rawPeer(func(_ int, r raw, f http2.Frame) bool {
		if f, ok := f.(*http2.HeadersFrame); ok && f.StreamID == 1 {
			_ = r.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2})
		} else if ok {
			r.answer(f.StreamID, "204")
		}
		return true
	}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}))
	_, e := h2Registry(t, p, func(p *model.Policy) { p.Pool.MaxConnections = 1 })
	first := stream(t, e)
	second := waitsForH2(t, e, &Want{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { _, err := first.RoundTrip(newRequest(ctx, "/", nil)); ended <- err }()
	if err := result(t, second); err != nil { // since it may have two now
		t.Error(err)
	}
	cancel()
	<-ended
	first.Release(ClosedUnfinished)
}

// Streams are given back that no request was sent on.
func TestStreamThatIsNotUsed(t *testing.T) {
	p := newPeers(t, handled(&http2.Server{MaxConcurrentStreams: 1}, func(http.ResponseWriter, *http.Request) {}))
	r, e := h2Registry(t, p, func(p *model.Policy) { p.Pool.MaxConnections = 1 })
	for range 5 {
		stream(t, e).Release(Reasons)
	}
	if status, _ := exchange(t, e); status != 200 {
		t.Errorf("status %d", status)
	}
	if s := r.Stats()[0].Endpoints[0]; p.count() != 1 || s.Streams != 0 {
		t.Errorf("%d connections, stats: %+v", p.count(), s)
	}
}

// A GOAWAY ends the use of a connection. What it says is not processed may be sent
// again; what is, goes on.
func TestGoAway(t *testing.T) {
	arrived, replaced := make(chan struct{}), make(chan struct{})
	p := newPeers(t, rawPeer(func(number int, r raw, f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		switch {
		case !ok:
		case number == 1 && h.StreamID == 1:
			close(arrived)
		case number > 1:
			r.answer(h.StreamID, "200")
			close(replaced)
		case h.StreamID == 3:
			_ = r.WriteGoAway(1, http2.ErrCodeNo, nil)
			select {
			case <-replaced:
			case <-time.After(10 * time.Second):
			}
			r.answer(1, "204")
		}
		return true
	}))
	r, e := h2Registry(t, p, func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 1, time.Second })
	first, second := stream(t, e), stream(t, e)
	ended := make(chan int, 1)
	go func() {
		status, _, err := over(first)
		if err != nil {
			t.Error(err)
		}
		ended <- status
	}()
	<-arrived
	_, _, err := over(second)
	if !Unprocessed(err) {
		t.Errorf("after GOAWAY: %v", err)
	}
	// It takes no place any more, even while a stream runs on it.
	if status, _ := exchange(t, e); status != 200 {
		t.Errorf("status %d", status)
	}
	if status := <-ended; status != 204 {
		t.Errorf("the stream that was processed: %d", status)
	}
	eventually(t, "the connection is closed", func() bool { return open(e) == 1 })
	if s := r.Stats()[0].Endpoints[0]; s.Created != 2 || s.Closed[ClosedByPeer] != 1 || s.Out {
		t.Errorf("stats: %+v", s)
	}
}

// Whatever an endpoint does that refuses all, a request ends.
func TestEndpointThatRefuses(t *testing.T) {
	for _, c := range []struct {
		name        string
		unprocessed bool
		do          func(r raw, f http2.Frame) bool
	}{
		{"refused stream", true, func(r raw, f http2.Frame) bool {
			if f, ok := f.(*http2.HeadersFrame); ok {
				_ = r.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream)
			}
			return true
		}},
		{"reset", false, func(r raw, f http2.Frame) bool {
			if f, ok := f.(*http2.HeadersFrame); ok {
				_ = r.WriteRSTStream(f.StreamID, http2.ErrCodeInternal)
			}
			return true
		}},
		{"GOAWAY with an error", true, func(r raw, f http2.Frame) bool {
			if _, ok := f.(*http2.HeadersFrame); ok {
				_ = r.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil)
			}
			return true
		}},
		{"GOAWAY for what is processed, then an end", false, func(r raw, f http2.Frame) bool {
			if f, ok := f.(*http2.HeadersFrame); ok {
				_ = r.WriteGoAway(f.StreamID, http2.ErrCodeNo, nil)
				return false
			}
			return true
		}},
		{"an end", false, func(_ raw, f http2.Frame) bool {
			_, ok := f.(*http2.HeadersFrame)
			return !ok
		}},
		{"no frame", false, func(r raw, f http2.Frame) bool {
			if _, ok := f.(*http2.HeadersFrame); ok {
				_, _ = r.nc.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
			}
			return true
		}},
		{"a head that is too large", false, func(r raw, f http2.Frame) bool {
			if f, ok := f.(*http2.HeadersFrame); ok {
				var b bytes.Buffer
				enc := hpack.NewEncoder(&b)
				_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
				for i := range 200 {
					_ = enc.WriteField(hpack.HeaderField{Name: fmt.Sprintf("x-%d", i), Value: strings.Repeat("v", 400), Sensitive: true})
				}
				rest := b.Bytes()
				_ = r.WriteHeaders(http2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: rest[:16000]})
				for rest = rest[16000:]; len(rest) > 0; {
					n := min(len(rest), 16000)
					_ = r.WriteContinuation(f.StreamID, n == len(rest), rest[:n])
					rest = rest[n:]
				}
			}
			return true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeers(t, rawPeer(func(_ int, r raw, f http2.Frame) bool { return c.do(r, f) }))
			r, e := h2Registry(t, p, nil)
			for range 3 {
				s := stream(t, e)
				ended := make(chan error, 1)
				go func() { _, _, err := over(s); ended <- err }()
				if err := result(t, ended); err == nil || Unprocessed(err) != c.unprocessed {
					t.Errorf("%v: unprocessed is %v", err, Unprocessed(err))
				}
			}
			eventually(t, "all streams are over", func() bool { return r.Stats()[0].Endpoints[0].Streams == 0 })
		})
	}
}

// An endpoint that says GOAWAY to each connection at once.
func TestGoAwayAtOnce(t *testing.T) {
	p := newPeers(t, func(number int, nc net.Conn) {
		rawPeer(func(_ int, r raw, f http2.Frame) bool {
			if _, ok := f.(*http2.PingFrame); ok {
				_ = r.WriteGoAway(0, http2.ErrCodeNo, nil)
			}
			return true
		})(number, nc)
	})
	r, e := h2Registry(t, p, nil)
	for range 5 {
		s, err := e.H2(&Want{Connect: 20 * time.Second})
		if err != nil {
			continue
		}
		if _, _, err := over(s); !Unprocessed(err) {
			t.Errorf("%v", err)
		}
	}
	eventually(t, "no connection is left", func() bool { return open(e) == 0 && e.making == 0 })
	if s := r.Stats()[0].Endpoints[0]; s.Streams != 0 || s.Waiting != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// An endpoint that has fallen silent gets no more requests on that connection.
func TestSilentConnectionIsLeft(t *testing.T) {
	p := newPeers(t, rawPeer(func(number int, r raw, f http2.Frame) bool {
		h, ok := f.(*http2.HeadersFrame)
		switch {
		case !ok:
		case number == 1:
			_, _ = io.Copy(io.Discard, r.nc) // not even a PING is answered
		default:
			r.answer(h.StreamID, "200")
		}
		return true
	}))
	r, e := h2Registry(t, p, nil)
	run(t, r) // for its clock
	s := stream(t, e)
	eventually(t, "time has passed since the endpoint was heard", func() bool { return int64(e.now()) > s.conn.wire.heard.Load() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.RoundTrip(newRequest(ctx, "/", nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("RoundTrip: %v", err)
	}
	s.Release(ClosedFailed)
	if status, _ := exchange(t, e); status != 200 || p.count() != 2 {
		t.Errorf("status %d, %d connections", status, p.count())
	}
	eventually(t, "the silent one is closed", func() bool { return r.Stats()[0].Closed[ClosedFailed] == 1 })
}

func TestConnectionsOfHTTP2WearOut(t *testing.T) {
	p := newPeers(t, handled(&http2.Server{}, func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		name string
		pool func(*model.Pool)
		why  Reason
		use  int
	}{
		{"requests", func(p *model.Pool) { p.MaxRequests = 2 }, ClosedMaxRequests, 3},
		{"age", func(p *model.Pool) { p.MaxAge = 100 * time.Millisecond }, ClosedMaxAge, 1},
		{"idle", func(p *model.Pool) { p.IdleTimeout = 100 * time.Millisecond }, ClosedIdle, 1},
		{"none kept", func(p *model.Pool) { p.IdleConnections = 0 }, ClosedPoolFull, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, e := h2Registry(t, p, func(p *model.Policy) { c.pool(&p.Pool) })
			run(t, r)
			for range c.use {
				exchange(t, e)
			}
			eventually(t, "it is closed", func() bool { return r.Stats()[0].Closed[c.why] >= 1 })
			exchange(t, e)
		})
	}
}

// A removed endpoint takes no new streams on a connection that it has; those that
// run end in peace. So it is with one that is left out, or has new settings.
func TestRetiredConnectionFinishesItsStreams(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *Registry, e *Endpoint)
		why  Reason
	}{
		{"removed", func(r *Registry, _ *Endpoint) { r.SetEndpoints(nil) }, ClosedRemoved},
		{"left out", func(r *Registry, e *Endpoint) { e.leaveOut(r.clock(), errRefused) }, ClosedUnhealthy},
		{"new settings", func(r *Registry, _ *Endpoint) {
			r.Upstream(Spec{Upstream: model.Upstream{Key: shop, Policy: policyOf(model.GRPC)}})
		}, ClosedReconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			gate := make(chan struct{})
			p := newPeers(t, handled(&http2.Server{}, func(w http.ResponseWriter, r *http.Request) {
				w.(http.Flusher).Flush()
				if r.URL.Path == "/long" {
					<-gate
				}
				fmt.Fprint(w, "whole")
			}))
			r, e := h2Registry(t, p, nil)
			s := stream(t, e)
			resp, err := s.RoundTrip(newRequest(context.Background(), "/long", nil))
			if err != nil {
				t.Fatal(err)
			}
			c.do(r, e)
			if status, body := exchange(t, e); status != 200 || body != "whole" || p.count() != 2 {
				t.Errorf("%d %q on %d connections", status, body, p.count())
			}
			close(gate)
			if b, err := io.ReadAll(resp.Body); string(b) != "whole" || err != nil {
				t.Errorf("%q, %v", b, err)
			}
			_ = resp.Body.Close()
			s.Release(Reasons)
			eventually(t, "it is closed", func() bool { return r.Stats()[0].Closed[c.why] >= 1 })
		})
	}
}

// Those that wait for a connection go elsewhere when it cannot be made.
func TestFailureOfHTTP2EndsTheWait(t *testing.T) {
	release := make(chan struct{})
	p := newPeers(t, func(_ int, nc net.Conn) { <-release })
	r, e := h2Registry(t, p, nil)
	first := make(chan error, 1)
	go func() { _, err := e.H2(&Want{Connect: 20 * time.Second}); first <- err }()
	eventually(t, "a connection is being made", func() bool { e.mu.Lock(); defer e.mu.Unlock(); return e.making == 1 })
	second := waitsForH2(t, e, &Want{})
	close(release)
	if err := result(t, first); err == nil {
		t.Error("no error")
	}
	if err := result(t, second); !errors.Is(err, ErrRetired) {
		t.Errorf("%v, want ErrRetired", err)
	}
	if s := r.Stats()[0].Endpoints[0]; s.Failed != 1 || !s.Out || p.count() != 1 {
		t.Errorf("stats: %+v", s)
	}
}

// With a PROXY header each request has a connection.
func TestProxyHeaderOfHTTP2(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	server := &http2.Server{}
	p := newPeers(t, func(_ int, nc net.Conn) {
		var line []byte
		for b := make([]byte, 1); !bytes.HasSuffix(line, []byte("\r\n")); line = append(line, b...) {
			if _, err := nc.Read(b); err != nil {
				return
			}
		}
		mu.Lock()
		lines = append(lines, string(line))
		mu.Unlock()
		server.ServeConn(nc, &http2.ServeConnOpts{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	})
	r, e := h2Registry(t, p, func(p *model.Policy) { p.Transport.ProxyProtocol = 1 })
	for i := range 2 {
		s, err := e.H2(&Want{Client: netip.AddrPortFrom(addr(i+1).Addr(), 1000), Local: addr(9)})
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := over(s); status != 200 {
			t.Errorf("status %d, %v", status, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "PROXY TCP4 192.0.2.1 192.0.2.9 1000 80\r\n|PROXY TCP4 192.0.2.2 192.0.2.9 1000 80\r\n"; strings.Join(lines, "|") != want {
		t.Errorf("%q", lines)
	}
	eventually(t, "both are closed", func() bool { return r.Stats()[0].Closed[ClosedUnshared] == 2 })
}

// Streams under load with limits on all sides: no more connections than allowed,
// nothing lost.
func TestLimitHoldsForHTTP2(t *testing.T) {
	var now, most atomic.Int64
	server := &http2.Server{MaxConcurrentStreams: 2}
	p := newPeers(t, func(_ int, nc net.Conn) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		server.ServeConn(nc, &http2.ServeConnOpts{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })})
	})
	r, e := h2Registry(t, p, func(p *model.Policy) { p.Pool.MaxConnections, p.Pool.PendingTimeout = 3, time.Minute })
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range 15 {
				if i%5 == 4 {
					stream(t, e).Release(Reasons)
				} else if status, body := exchange(t, e); status != 200 || body != "ok" {
					t.Errorf("%d %q", status, body)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d connections at a time", most.Load())
	}
	if s := r.Stats()[0].Endpoints[0]; s.Streams != 0 || s.Waiting != 0 || s.Idle > 3 || s.Active != 0 || e.making != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// The texts by which errors of the library are known are those that it has: this
// fails when another version changes them.
func TestUnprocessedKnowsTheLibrary(t *testing.T) {
	p := newPeers(t, handled(&http2.Server{}, func(http.ResponseWriter, *http.Request) {}))
	_, e := h2Registry(t, p, nil)
	s := stream(t, e)
	s.conn.cc.SetDoNotReuse()
	if _, err := s.RoundTrip(newRequest(context.Background(), "/", nil)); !Unprocessed(err) {
		t.Errorf("not usable: %v", err)
	}
	s.Release(Reasons)
	for _, err := range []error{nil, io.ErrUnexpectedEOF, context.Canceled, http2.GoAwayError{}, http2.StreamError{Code: http2.ErrCodeCancel}} {
		if Unprocessed(err) {
			t.Errorf("%v counts as unprocessed", err)
		}
	}
	if !Unprocessed(fmt.Errorf("wrapped: %w", http2.StreamError{Code: http2.ErrCodeRefusedStream})) {
		t.Error("a refused stream counts as processed")
	}
}
