package downstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// byPath serves each path with a function.
func byPath(m map[string]func(*message.Exchange)) funcs {
	return funcs{serve: func(ex *message.Exchange) {
		if f := m[string(ex.Request.Path)]; f != nil {
			f(ex)
			return
		}
		greet(ex)
	}}
}

// A stream that fails ends alone.
func TestHTTP2StreamsFailAlone(t *testing.T) {
	release := make(chan struct{})
	handler := byPath(map[string]func(*message.Exchange){
		"/slow":  func(ex *message.Exchange) { <-release; greet(ex) },
		"/panic": func(*message.Exchange) { panic("asked for") },
		"/panic-later": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, message.Chunked
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			_ = ex.Flush()
			panic("asked for")
		},
		"/goexit": func(ex *message.Exchange) { runtime.Goexit() },
		"/silent": func(*message.Exchange) {},
		"/abort": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, 10
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			_ = ex.Flush()
			ex.Abort()
			if err := ex.WriteBody(helloBody); err == nil {
				t.Error("written after Abort")
			}
		},
		"/short": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, 10
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			_ = ex.Flush()
			if err := ex.Finish(nil); err == nil {
				t.Error("finished too early")
			}
		},
		"/unfinished": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, message.Chunked
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			_ = ex.Flush()
		},
		"/long": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, 5
			_ = ex.WriteHead()
			if err := ex.WriteBody([]byte("hello!")); err != message.ErrBodyLength {
				t.Errorf("a longer body: %v", err)
			}
			_ = ex.WriteBody(helloBody)
			_ = ex.Finish(nil)
		},
	})
	var observed atomic.Int32
	handler.observe = func(*message.Exchange) { observed.Add(1) }
	s := startHTTP2(t, Config{Handler: handler})
	c := dialFrames(t, s.addr)
	slow := c.get("/slow")
	for _, tc := range []struct {
		path, status, body string
		cut                bool
	}{
		{"/panic", "500", "Internal Server Error\n", false},
		{"/panic-later", "200", "hello", true},
		{"/goexit", "", "", true},
		{"/silent", "500", "Internal Server Error\n", false},
		{"/abort", "200", "hello", true},
		{"/short", "200", "hello", true},
		{"/unfinished", "200", "hello", true},
		{"/long", "200", "hello", false},
	} {
		a := c.wait(c.get(tc.path))
		if a.status != tc.status || a.body != tc.body || a.reset != tc.cut || a.ended == tc.cut {
			t.Errorf("%s: %+v", tc.path, a)
		}
		if a.reset && a.code != http2.ErrCodeInternal {
			t.Errorf("%s: %v", tc.path, a.code)
		}
	}
	close(release)
	if a := c.wait(slow); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	eventually(t, "all have ended", func() bool { return s.Stats().Idle == 1 })
	if n, st := observed.Load(), s.Stats(); n != 8 || st.Requests != 8 || st.Panics != 2 {
		t.Errorf("%d observed, %+v", n, st)
	}
	if n := strings.Count(s.log.String(), "handler panicked"); n != 2 {
		t.Errorf("%d panics in the log:\n%s", n, s.log)
	}
}

// A client learns from its library that a response is not whole.
func TestHTTP2CutResponseIsAnError(t *testing.T) {
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		_ = ex.WriteBody(helloBody)
		_ = ex.Flush()
		ex.Abort()
	}}})
	resp, err := usual(t).Get("http://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

// The handler hears of a client that resets the stream or leaves, and not of one that
// reads to the end.
func TestHTTP2Watch(t *testing.T) {
	gone, begun, ended := make(chan string, 10), make(chan struct{}, 10), make(chan struct{}, 10)
	var over atomic.Bool
	s := startHTTP2(t, Config{Handler: byPath(map[string]func(*message.Exchange){
		"/watch": func(ex *message.Exchange) {
			defer func() { ended <- struct{}{} }()
			left := make(chan struct{})
			ex.Watch(func() { gone <- "first"; close(left) })
			ex.Watch(func() { gone <- "second" })
			begun <- struct{}{}
			<-left
			ex.Response.Status, ex.Response.Body = 200, message.Chunked
			_ = ex.WriteHead()
			_ = ex.WriteBody(helloBody)
			if err := ex.Flush(); err != message.ErrClientGone {
				t.Errorf("Flush: %v", err)
			}
			if _, err := ex.NextBody(); err != message.ErrClientGone {
				t.Errorf("NextBody: %v", err)
			}
			ex.Abort()
		},
		"/": func(ex *message.Exchange) {
			ex.Watch(func() {
				if over.Load() {
					t.Error("a client that has its response is gone")
				}
			})
			greet(ex)
		},
	})})
	c := dialFrames(t, s.addr)
	id := c.post("/watch")
	<-begun
	_ = c.fr.WriteRSTStream(id, http2.ErrCodeCancel)
	if who := <-gone; who != "first" {
		t.Error(who)
	}
	<-ended
	over.Store(true)
	if a := c.wait(c.get("/")); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	c.post("/watch")
	<-begun
	_ = c.nc.Close()
	<-gone
	<-ended
	eventually(t, "the connection is gone", func() bool { return s.Stats().Open == 0 })
	if len(gone) > 0 {
		t.Error("told twice")
	}
}

// Whoever reads the body in another goroutine is freed when the response ends, and the
// client is told to stop.
func TestHTTP2EarlyResponse(t *testing.T) {
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		pumped := make(chan error, 1)
		first := make(chan struct{})
		go func() {
			data, err := ex.NextBody()
			if string(data) != "abc" || err != nil {
				t.Errorf("%q, %v", data, err)
			}
			close(first)
			for err == nil {
				_, err = ex.NextBody()
			}
			pumped <- err
		}()
		<-first
		if string(ex.Request.Path) == "/abort" {
			ex.Abort()
		} else {
			greet(ex)
		}
		if err := <-pumped; err == io.EOF || err == message.ErrBodyMalformed {
			t.Errorf("%v", err)
		}
	}}})
	c := dialFrames(t, s.addr)
	for range 2 {
		id := c.post("/", "content-length", "6")
		c.data(id, false, "abc")
		a := c.wait(id)
		if a.status != "200" || a.body != "hello" || a.reset {
			t.Errorf("%+v", a)
		}
		c.until("the client may stop", func() bool { return a.reset })
		if a.code != http2.ErrCodeNo {
			t.Errorf("%+v", a)
		}
		c.data(id, true, "def") // was on its way
	}
	id := c.post("/abort")
	c.data(id, false, "abc")
	if a := c.wait(id); !a.reset || a.code != http2.ErrCodeInternal {
		t.Errorf("%+v", a)
	}
}

// Drain lets streams that run finish, and no others begin; clients try those again on
// another connection, where they are served one by one.
func TestHTTP2Drain(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 1)
	s := startHTTP2(t, Config{Handler: byPath(map[string]func(*message.Exchange){
		"/slow": func(ex *message.Exchange) { begun <- struct{}{}; <-release; greet(ex) },
	})})
	quiet, busy := dialFrames(t, s.addr), dialFrames(t, s.addr)
	if a := quiet.wait(quiet.get("/")); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	slow := busy.get("/slow")
	<-begun
	s.Drain()
	quiet.until("GOAWAY", func() bool { return quiet.goAway != nil })
	busy.until("GOAWAY", func() bool { return busy.goAway != nil })
	if g := busy.goAway; g.ErrCode != http2.ErrCodeNo || g.LastStreamID != slow {
		t.Errorf("%+v", g)
	}
	late := busy.get("/") // is not served
	close(release)
	if a := busy.wait(slow); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	busy.ping()
	if a := busy.streams[late]; a.status != "" || a.over() {
		t.Errorf("%+v", a)
	}
	_, _ = quiet.nc.Close(), busy.nc.Close() // as clients do
	again := dialFrames(t, s.addr)
	if a := again.wait(again.get("/")); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	again.until("GOAWAY", func() bool { return again.goAway != nil })
	again.end()
	eventually(t, "all are gone", func() bool { return s.Stats().Open == 0 })
}

// Shutdown waits for streams, and for connections that have not asked for anything no
// longer than Config says.
func TestHTTP2Shutdown(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 1)
	s := startHTTP2(t, Config{ShutdownIdle: -1, Handler: byPath(map[string]func(*message.Exchange){
		"/slow": func(ex *message.Exchange) { begun <- struct{}{}; <-release; greet(ex) },
	})})
	sealed := startTLS(t, Config{ShutdownIdle: -1, HTTP2: true})
	silent, err := tls.Dial("tcp", sealed.addr, trusting) // agrees on h2 and says no more
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	busy := dialFrames(t, s.addr)
	slow := busy.get("/slow")
	<-begun
	done := make(chan error, 2)
	go func() { done <- s.Shutdown(context.Background()) }()
	go func() { done <- sealed.Shutdown(context.Background()) }()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := silent.Read(make([]byte, 100)); err == nil {
		_, err = io.Copy(io.Discard, silent) // its SETTINGS
		_ = err
	}
	busy.until("GOAWAY", func() bool { return busy.goAway != nil })
	select {
	case err := <-done:
		t.Errorf("Shutdown has not waited: %v", err)
	default:
	}
	close(release)
	if a := busy.wait(slow); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Close cuts connections and frees handlers that watch.
func TestHTTP2Close(t *testing.T) {
	begun := make(chan struct{}, 2)
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		gone := make(chan struct{})
		ex.Watch(func() { close(gone) })
		begun <- struct{}{}
		if string(ex.Request.Path) == "/read" {
			if _, err := ex.NextBody(); err != message.ErrClientGone {
				t.Errorf("%v", err)
			}
		}
		<-gone
	}}})
	c := dialFrames(t, s.addr)
	c.post("/read")
	c.get("/wait")
	<-begun
	<-begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	c.end()
	if n := s.Stats().Open; n != 0 {
		t.Errorf("%d connections are open", n)
	}
}

// A connection carries so many requests, and then says GOAWAY.
func TestHTTP2KeepAliveRequests(t *testing.T) {
	s := startHTTP2(t, Config{KeepAliveRequests: 3})
	c := dialFrames(t, s.addr)
	for i := range 3 {
		if a := c.wait(c.get("/")); a.body != "hello" || c.goAway != nil && i < 2 {
			t.Errorf("%d: %+v, %v", i, a, c.goAway)
		}
	}
	c.until("GOAWAY", func() bool { return c.goAway != nil })

	client := usual(t)
	for range 10 {
		if _, body := fetch(t, client, request(t, "GET", "http://"+s.addr, "")); body != "hello" {
			t.Error(body)
		}
	}
}

func TestHTTP2IdleTimeout(t *testing.T) {
	s := startHTTP2(t, Config{KeepAliveTimeout: 50 * time.Millisecond})
	c := dialFrames(t, s.addr)
	if a := c.wait(c.get("/")); a.body != "hello" {
		t.Errorf("%+v", a)
	}
	c.until("GOAWAY", func() bool { return c.goAway != nil })
}

// A client has so many streams at a time, and the others go on when it wants more.
func TestHTTP2Streams(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 10)
	s := startHTTP2(t, Config{HTTP2Streams: 3, Handler: funcs{serve: func(ex *message.Exchange) {
		begun <- struct{}{}
		<-release
		greet(ex)
	}}})
	c := dialFrames(t, s.addr)
	var ids []uint32
	for range 3 {
		ids = append(ids, c.get("/"))
		<-begun
	}
	c.until("SETTINGS", func() bool { return c.settings != nil })
	if n := c.settings[http2.SettingMaxConcurrentStreams]; n != 3 {
		t.Errorf("%d streams", n)
	}
	if a := c.wait(c.get("/")); !a.reset || a.code != http2.ErrCodeProtocol && a.code != http2.ErrCodeRefusedStream {
		t.Errorf("%+v", a)
	}
	if st := s.Stats(); st.Active != 1 || st.Idle != 0 {
		t.Errorf("%+v", st)
	}
	close(release)
	for _, id := range ids {
		if a := c.wait(id); a.body != "hello" {
			t.Errorf("%+v", a)
		}
	}
	if a := c.wait(c.get("/")); a.body != "hello" {
		t.Errorf("%+v", a)
	}

	d := startHTTP2(t, Config{})
	c = dialFrames(t, d.addr)
	c.until("SETTINGS", func() bool { return c.settings != nil })
	if n := c.settings[http2.SettingMaxConcurrentStreams]; n != 128 {
		t.Errorf("%d streams", n)
	}
	if _, ok := c.settings[http2.SettingEnableConnectProtocol]; ok {
		t.Error("extended CONNECT is offered")
	}
}

// Streams that are reset as soon as they begin have no more handlers at a time, and end
// the connection when there are too many.
func TestHTTP2RapidReset(t *testing.T) {
	release := make(chan struct{})
	var now, most atomic.Int32
	s := startHTTP2(t, Config{HTTP2Streams: 5, Handler: funcs{serve: func(ex *message.Exchange) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		<-release
		greet(ex)
	}}})
	c := dialFrames(t, s.addr)
	for range 100 {
		_ = c.fr.WriteRSTStream(c.get("/"), http2.ErrCodeCancel)
	}
	c.until("GOAWAY", func() bool { return c.goAway != nil })
	if c.goAway.ErrCode != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("%v", c.goAway)
	}
	close(release)
	_ = c.nc.Close()
	if n := most.Load(); n > 6 { // two may count at once
		t.Errorf("%d handlers at a time", n)
	}
	eventually(t, "the connection is gone", func() bool { return s.Stats().Open == 0 })
}

func TestHTTP2Timeouts(t *testing.T) {
	failed := make(chan error, 10)
	large := make([]byte, 1<<20)
	s := startHTTP2(t, Config{BodyTimeout: 50 * time.Millisecond, WriteTimeout: 100 * time.Millisecond, Handler: byPath(map[string]func(*message.Exchange){
		"/read": func(ex *message.Exchange) {
			_, err := ex.NextBody()
			failed <- err
			greet(ex)
		},
		"/write": func(ex *message.Exchange) {
			ex.Response.Status, ex.Response.Body = 200, message.Chunked
			_ = ex.WriteHead()
			err := ex.WriteBody(large)
			for range 50 { // the kernel may take some of it
				if err == nil {
					err = ex.WriteBody(large)
				}
			}
			failed <- err
			if ex.WriteBody(large) == nil {
				t.Error("written after a timeout")
			}
			ex.Abort()
		},
	})})
	t.Run("a body that does not come", func(t *testing.T) {
		c := dialFrames(t, s.addr)
		a := c.wait(c.post("/read"))
		if err := <-failed; err != message.ErrTimeout || a.body != "hello" {
			t.Errorf("%v, %+v", err, a)
		}
	})
	t.Run("a response that the stream has no window for", func(t *testing.T) {
		c := dialFrames(t, s.addr)
		c.stingy = true
		a := c.wait(c.get("/write"))
		if err := <-failed; err != message.ErrTimeout || !a.reset || len(a.body) != 65535 {
			t.Errorf("%v, %v, %d bytes", err, a.code, len(a.body))
		}
	})
	t.Run("a response that is not read", func(t *testing.T) {
		c := dialFrames(t, s.addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
		_ = c.fr.WriteWindowUpdate(0, 1<<30)
		c.get("/write")
		if err := <-failed; err == nil {
			t.Errorf("all was written")
		}
		eventually(t, "the connection is cut", func() bool { return s.Stats().Open == 0 })
	})
	t.Run("the end of a response that the stream has no window for", func(t *testing.T) {
		c := dialFrames(t, s.addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		a := c.wait(c.get("/"))
		if a.status != "200" || !a.reset || a.body != "" {
			t.Errorf("%+v", a)
		}
	})
}

// Which protocol a client of TLS gets depends on the settings of the moment, and on the
// configuration of the host.
func TestHTTP2IsNegotiated(t *testing.T) {
	certs := []tls.Certificate{certificate(t)}
	chosen := map[string]*tls.Config{
		"both.test": {Certificates: certs, NextProtos: []string{"h2", "http/1.1"}},
		"none.test": {Certificates: certs},
		"out.test":  {Certificates: certs, NextProtos: []string{"http/1.1"}},
		"odd.test":  {Certificates: certs, NextProtos: []string{"acme-tls/1"}},
	}
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{HTTP2: true, Handler: funcs{serve: greet}, AllocationMode: inmodes.Mode()}
	s := startOn(t, cfg, ln, func(s *Server, ln net.Listener) error {
		return s.ServeTLSConfig(ln, &tls.Config{Certificates: certs, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			return chosen[h.ServerName], nil
		}})
	})
	check := func(want map[string]string) {
		t.Helper()
		for name, protocol := range want {
			// A transport of its own, since connections outlive settings.
			tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
				InsecureSkipVerify: true, ServerName: name, ClientSessionCache: tls.NewLRUClientSessionCache(1),
			}}
			for i := range 2 {
				resp, body := fetch(t, &http.Client{Transport: tr}, request(t, "GET", "https://"+s.addr, ""))
				if resp.Proto != protocol || body != "hello" || resp.TLS.DidResume != (i > 0) {
					t.Errorf("%s, %d: %s %q, resumed: %v", name, i, resp.Proto, body, resp.TLS.DidResume)
				}
				tr.CloseIdleConnections()
			}
		}
	}
	const one, two = "HTTP/1.1", "HTTP/2.0"
	check(map[string]string{"both.test": two, "none.test": two, "out.test": one, "odd.test": one, "other.test": two})
	cfg.HTTP2 = false
	s.SetConfig(cfg)
	check(map[string]string{"both.test": one, "none.test": one, "out.test": one, "odd.test": one, "other.test": one})
	cfg.HTTP2 = true
	s.SetConfig(cfg)
	check(map[string]string{"both.test": two, "out.test": one})
	if got := chosen["odd.test"].NextProtos; len(got) != 1 || got[0] != "acme-tls/1" {
		t.Errorf("the caller's configuration was changed: %q", got)
	}
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"spdy/3"}}); err == nil {
		t.Error("a protocol that nobody offers was agreed on")
	}
}

// Many streams at once, some of which end early, leave nothing behind.
func TestHTTP2ManyStreams(t *testing.T) {
	body := strings.Repeat("0123456789", 3000)
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		n := 0
		for {
			data, err := ex.NextBody()
			if n += len(data); err != nil {
				break
			}
		}
		ex.Watch(func() {})
		respond(ex, []byte(strconv.Itoa(n)+body))
	}}})
	client := usual(t)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 10 {
				ctx, cancel := context.WithCancel(context.Background())
				req, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.addr, io.MultiReader(strings.NewReader(body))) // of no known length
				if err != nil {
					t.Error(err)
				}
				if (i+j)%5 == 0 {
					time.AfterFunc(time.Duration(i*100)*time.Microsecond, cancel)
				}
				resp, err := client.Do(req)
				if err == nil {
					var b []byte
					b, err = io.ReadAll(resp.Body)
					if want := strconv.Itoa(len(body)) + body; err == nil && string(b) != want {
						t.Errorf("%d bytes", len(b))
					}
					_ = resp.Body.Close()
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	eventually(t, "all have ended", func() bool { st := s.Stats(); return st.Open == st.Idle })
	eventually(t, "all memory is released", func() bool { return alloc.ReadStats()[inmodes.Mode()].BytesInUse == 0 })
	if st := s.Stats(); st.Panics != 0 || strings.Contains(s.log.String(), "panicked") {
		t.Errorf("%+v\n%s", st, s.log)
	}
}
