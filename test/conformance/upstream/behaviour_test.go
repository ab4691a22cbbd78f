package upstream_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // most of the time they wait for a timeout
	inmodes.Main(m, func() error { return goleak.Find() })
}

// serve lets an ordinary HTTP server be the site's upstream.
func (s *site) serve(h http.HandlerFunc) {
	srv := &httptest.Server{Listener: s.ln, Config: &http.Server{Handler: h}}
	srv.Start()
	s.t.Cleanup(srv.Close)
}

// httpClient is a client of the proxy that resolves every name to it.
func (s *site) httpClient() *http.Client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", s.addr.String())
	}}
	s.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}

// However the network cuts a response into pieces, the client gets the same.
func TestResponseInTwoPieces(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	client := s.client()
	client.Send(s.text("{get}"))
	up := s.accept()
	for _, c := range []struct{ response, want string }{
		{"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nDate: @\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"},
		{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nDate: @\r\n\r\n"},
	} {
		for i := 1; i < len(c.response); i++ {
			up.Expect(s.text("{got}"))
			up.Send(c.response[:i])
			time.Sleep(200 * time.Microsecond)
			up.Send(c.response[i:])
			client.Expect(c.want)
			client.Send(s.text("{get}"))
		}
	}
	// Chunks: only what they carry is the same.
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n006\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
	up.Expect(s.text("{got}"))
	up.Send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	client.Expect("HTTP/1.1 204 No Content\r\nDate: @\r\n\r\n")
	hc := s.httpClient()
	for i := 1; i < len(chunked); i++ {
		got := make(chan string, 1)
		go func() {
			resp, err := hc.Get("http://a/a")
			if err != nil {
				got <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			got <- fmt.Sprint(string(b), err)
		}()
		if i == 1 {
			up = s.accept()
		}
		up.Until("\r\n\r\n")
		up.Send(chunked[:i])
		time.Sleep(200 * time.Microsecond)
		up.Send(chunked[i:])
		if g := <-got; g != "hello world<nil>" {
			t.Fatalf("cut at %d: %q", i, g)
		}
	}
}

// The time of the upstream does not count the time that a client took to send its
// request: a slow client is no slow application.
func TestUpstreamTimeBeginsWithTheWholeHead(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	client := s.client()
	client.Send("GET /a HTTP/1.1\r\n")
	time.Sleep(200 * time.Millisecond)
	client.Send("Host: a\r\n\r\n")
	up := s.accept()
	up.Until("\r\n\r\n")
	up.Send("HTTP/1.1 204 No Content\r\n\r\n")
	client.Expect("HTTP/1.1 204 No Content\r\nDate: @\r\n\r\n")
	s.stop()
	times := regexp.MustCompile(` ([0-9.]+) \[default-app-80\] \[\] 192\.0\.2\.1:80 0 ([0-9.]+) 204 `).FindStringSubmatch(s.log.String())
	if times == nil {
		t.Fatalf("no times in %q", s.log)
	}
	// Either may be longer on a busy machine, but not what lies between.
	total, _ := strconv.ParseFloat(times[1], 64)
	upstream, _ := strconv.ParseFloat(times[2], 64)
	if total-upstream < 0.1 {
		t.Errorf("%v s in all, %v s of them the upstream's, of a head that took 0.2 s to send", total, upstream)
	}
}

// Every exchange has an id that the upstream gets and the log shows
// (ingress-nginx: nginx.tmpl, $req_id).
func TestRequestID(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	made := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	client := s.client()
	var up *rawconn.Conn
	var ids []string
	for i, c := range []struct {
		sent string
		kept bool
	}{
		{"", false}, {"", false},
		{"X-Request-ID: 7b0f/ok:1\r\n", true},
		{"x-request-id: " + strings.Repeat("x", 128) + "\r\n", true},
		{"X-Request-ID: " + strings.Repeat("x", 129) + "\r\n", false},
		{"X-Request-ID: a b\r\n", false},
		{"X-Request-ID: a\"b\r\n", false},
		{"X-Request-ID: a\\b\r\n", false},
		{"X-Request-ID: \xc3\xa4\r\n", false},
		{"X-Request-ID:\r\n", false},
	} {
		client.Send("GET /a HTTP/1.1\r\nHost: a\r\n" + c.sent + "\r\n")
		if i == 0 {
			up = s.accept()
		}
		head := up.Until("\r\n\r\n")
		up.Send("HTTP/1.1 204 No Content\r\n\r\n")
		client.Expect("HTTP/1.1 204 No Content\r\nDate: @\r\n\r\n")
		if strings.Count(strings.ToLower(head), "x-request-id:") != 1 {
			t.Errorf("%q: not one id in %q", c.sent, head)
		}
		_, id, _ := strings.Cut(head, "X-Request-ID: ")
		id, _, _ = strings.Cut(id, "\r\n")
		if kept := c.sent != "" && strings.HasSuffix(c.sent, ": "+id+"\r\n"); kept != c.kept || !kept && !made.MatchString(id) {
			t.Errorf("%q became %q", c.sent, id)
		}
		if seen[id] {
			t.Errorf("id %q twice", id)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	// An answer of our own has one too.
	client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\nX-Request-ID: refused-1\r\n\r\n")
	expectPage(t, client, "503")
	ids = append(ids, "refused-1")
	s.stop()
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != len(ids) {
		t.Fatalf("%d lines for %d exchanges:\n%s", len(lines), len(ids), s.log)
	}
	for _, id := range ids { // lines of exchanges so close together may change places
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, " "+id) }) {
			t.Errorf("no line has id %q", id)
		}
	}
}

// The log names each endpoint that was tried.
func TestAccessLogShowsAttempts(t *testing.T) {
	s := newSite(t, scene{endpoints: 2, refuse: 1})
	s.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	resp, err := s.httpClient().Get("http://a/a")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.httpClient().CloseIdleConnections()
	time.Sleep(50 * time.Millisecond)
	s.stop()
	want := regexp.MustCompile(`"GET /a HTTP/1.1" 200 5 .* \[default-app-80\] \[\] 192\.0\.2\.[12]:80, 192\.0\.2\.[12]:80 0, 5 0\.\d{3}, 0\.\d{3} -, 200 [0-9a-f]{32}\n$`)
	if !want.MatchString(s.log.String()) {
		t.Errorf("got %s", s.log)
	}
}

// A client that leaves before it has sent its body is logged as nginx logs it.
func TestAccessLogOfClientThatLeaves(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	client := s.client()
	client.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nhello")
	up := s.accept()
	up.Until("hello")
	client.Close()
	up.Rest()
	time.Sleep(50 * time.Millisecond)
	s.stop()
	if log := s.log.String(); !strings.Contains(log, `"POST /a HTTP/1.1" 499 0 `) {
		t.Errorf("got %s", log)
	}
}

// An endpoint that does not take the request in time is a timeout, however much
// of the body the network has swallowed.
func TestUpstreamThatDoesNotRead(t *testing.T) {
	for _, framing := range []string{"Content-Length: 100000000\r\n", "Transfer-Encoding: chunked\r\n"} {
		s := newSite(t, scene{endpoints: 1})
		client := s.client()
		client.Send("POST /a HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			chunk := []byte("8000\r\n" + strings.Repeat("x", 1<<15) + "\r\n")
			for range 1000 {
				if _, err := client.NetConn().Write(chunk); err != nil {
					return
				}
			}
		}()
		s.accept()
		expectPage(t, client, "504")
		client.Close()
		<-ended
	}
}

// A request of HTTP/1.0 without Host goes to the application with the address
// that the client used.
func TestHostOfHTTP10(t *testing.T) {
	s := newSite(t, scene{endpoints: 1, catchAll: true})
	client := s.client()
	client.Send("GET /a HTTP/1.0\r\n\r\n")
	up := s.accept()
	head := up.Until("\r\n\r\n")
	if want := "GET /a HTTP/1.1\r\nHost: " + s.addr.String() + "\r\n"; !strings.HasPrefix(head, want) {
		t.Errorf("got %q, want %q first", head, want)
	}
	up.Send("HTTP/1.1 204 No Content\r\n\r\n")
	client.Expect("HTTP/1.1 204 No Content\r\nDate: @\r\nConnection: close\r\n\r\n")
}

func TestTLSIsToldToTheUpstream(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	client := s.clientTLS()
	client.Send(s.text("{get}"))
	up := s.accept()
	up.Expect(s.textTLS("{got}"))
	up.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	client.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 2\r\n\r\nok")
}

func TestWebSocketEcho(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for {
			kind, b, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, b) != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://a/echo", &websocket.DialOptions{HTTPClient: s.httpClient()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for size := 1; size <= 1<<19; size *= 8 {
		want := make([]byte, size)
		_, _ = rand.Read(want)
		if err := c.Write(ctx, websocket.MessageBinary, want); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
	// One that sends now and then outlives the timeout.
	for range 10 {
		time.Sleep(ioTimeout / 5) // a busy machine sleeps longer
		if err := c.Write(ctx, websocket.MessageText, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read(ctx); err != nil {
			t.Fatalf("a tunnel in use was cut: %v", err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestServerCloseEndsTunnels(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	client := s.client()
	client.Send(s.text(`GET /a HTTP/1.1\r\n{me}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`))
	up := s.accept()
	up.Until("\r\n\r\n")
	up.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	client.Until("\r\n\r\n")
	done := make(chan struct{})
	go func() { defer close(done); s.stop() }()
	if rest, _ := up.Rest(); rest != "" {
		t.Errorf("the upstream got %q", rest)
	}
	<-done
}

// Bodies of many sizes, both framings, in both directions at once, over few
// connections.
func TestEchoOfManyBodies(t *testing.T) {
	s := newSite(t, scene{endpoints: 2})
	s.serve(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if r.Header.Get("X-Chunked") == "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		_, _ = w.Write(body)
	})
	hc := s.httpClient()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i, size := range []int{0, 1, 100, 4095, 4096, 5000, 16383, 16384, 16385, 70000, 300000} {
				want := bytes.Repeat([]byte{byte('a' + g)}, size)
				var body io.Reader = bytes.NewReader(want)
				if i%2 == g%2 {
					body = io.MultiReader(body) // of a length that is not known
				}
				req, _ := http.NewRequest("POST", "http://a/echo", body)
				if g%2 == 0 {
					req.Header.Set("X-Chunked", "1")
				}
				resp, err := hc.Do(req)
				if err != nil {
					t.Errorf("%d bytes: %v", size, err)
					return
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes: got %d, %v", size, len(got), err)
				}
			}
		})
	}
	wg.Wait()
	if c := s.counters(); c.Created > 16 {
		t.Errorf("%d connections were made for 44 exchanges", c.Created)
	}
}

// Connections are used again and again.
func TestOneConnectionForOneClient(t *testing.T) {
	s := newSite(t, scene{endpoints: 1})
	s.serve(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") })
	hc := s.httpClient()
	for range 100 {
		resp, err := hc.Get("http://a/")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if c := s.counters(); c.Created != 1 || c.Reused != 99 {
		t.Errorf("%d made, %d reused", c.Created, c.Reused)
	}
}

// A client that reads slowly does not make the upstream's connection time out.
func TestSlowClient(t *testing.T) {
	const size = 8 << 20
	s := newSite(t, scene{endpoints: 1})
	s.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(make([]byte, size))
	})
	client := s.client()
	client.Send(s.text(`GET /a HTTP/1.1\r\n{me}Connection: close\r\n\r\n`))
	time.Sleep(3 * ioTimeout)
	client.Until("\r\n\r\n")
	if rest, err := client.Rest(); err != nil || len(rest) != size {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

// Endpoints come and go under load, and no request fails.
func TestEndpointsChangeUnderLoad(t *testing.T) {
	s := newSite(t, scene{endpoints: 3})
	s.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	hc := s.httpClient()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := hc.Post("http://a/", "text/plain", strings.NewReader("hello"))
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("request %d: %v, %v", i, resp, err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	for i := range 200 {
		s.registry.SetEndpoints(model.Endpoints{key: {{Addr: endpointAddr(i % 5)}, {Addr: endpointAddr(5 + i%3)}}})
		time.Sleep(2 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if c := s.counters(); c.Closed[upstream.ClosedFailed] != 0 {
		t.Errorf("%d connections failed", c.Closed[upstream.ClosedFailed])
	}
}
