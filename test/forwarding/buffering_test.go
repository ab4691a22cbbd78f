package forwarding

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// slowly asks for a path and reads the head of the response, and nothing more until
// the rest is asked for.
func (s *site) slowly(path string) (resp *http.Response, rest func() ([]byte, error)) {
	s.t.Helper()
	nc, err := net.Dial("tcp", s.plain)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = nc.(*net.TCPConn).SetReadBuffer(128 << 10)
	s.t.Cleanup(func() { _ = nc.Close() })
	fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n", path)
	resp, err = http.ReadResponse(bufio.NewReaderSize(nc, 512), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, func() ([]byte, error) {
		defer nc.Close()
		return io.ReadAll(resp.Body)
	}
}

// A response that is buffered frees its endpoint although the client does not read,
// however it is framed.
func TestSlowClientDoesNotHoldTheEndpoint(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const n = 16 << 20 // more than sockets hold
	body := pattern(n)
	large := app(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		_, _ = w.Write(body)
	})
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Response = true }), large)
	for _, path := range []string{"/length", "/chunks"} {
		_, rest := s.slowly(path)
		s.until("the endpoint is free", func() bool { idle, active := s.pool(); return idle == 1 && active == 0 })
		got, err := rest()
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, sum %08x, %v", path, len(got), crc32.ChecksumIEEE(got), err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

// What is held is bounded, and all of it arrives.
func TestBufferIsBounded(t *testing.T) {
	const n = 16 << 20
	body := pattern(n)
	large := app(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	s := newSite(t, route(func(o *model.Options) {
		o.Buffering.Response, o.Buffering.ResponseMemory, o.Buffering.ResponseFile = true, 8<<10, 0
	}), large)
	_, rest := s.slowly("/")
	if idle, active := s.pool(); idle != 0 || active != 1 {
		t.Errorf("idle %d, active %d: 16 MiB do not fit", idle, active)
	}
	got, err := rest()
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A buffered response that was cut short is seen as cut short, and a client that
// leaves leaves nothing behind.
func TestBufferedResponsesThatDoNotEnd(t *testing.T) {
	cut := app(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(pattern(1 << 20))
		w.(http.Flusher).Flush()
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	})
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Response = true }), cut)
	_, rest := s.slowly("/cut")
	if got, err := rest(); err == nil {
		t.Errorf("%d bytes end well", len(got))
	}
	resp, _ := s.slowly("/silent")
	_, _ = io.CopyN(io.Discard, resp.Body, 1000)
	s.client.CloseIdleConnections()
	nothing := func() bool { idle, active := s.pool(); return idle == 0 && active == 0 && s.stats().Exchanges == 0 }
	nc, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(nc, "GET /silent HTTP/1.1\r\nHost: app.test\r\n\r\n")
	_, _ = io.ReadFull(nc, make([]byte, 1000))
	_ = nc.Close()
	s.until("one exchange is left, whose client is there", func() bool { return s.stats().Exchanges == 1 })
	if nothing() {
		t.Error("the exchange whose client is there has gone")
	}
}

// The application hears of a request only when its body is whole.
func TestRequestIsCollectedFirst(t *testing.T) {
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Request = true }), checksum(t))
	nc, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	half := strings.Repeat("x", 20<<10)
	fmt.Fprintf(nc, "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n%s", 2*len(half), half)
	s.until("the proxy has read a part", func() bool { return s.stats().Exchanges == 1 })
	if st := s.stats(); st.Created != 0 {
		t.Errorf("the endpoint was connected to: %+v", st.Counters)
	}
	_, _ = io.WriteString(nc, half)
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
}

func TestCollectedBodyTooLarge(t *testing.T) {
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Request, o.MaxBodyBytes = true, 1000 }), checksum(t))
	body := struct{ io.Reader }{bytes.NewReader(pattern(40 << 10))} // in chunks
	if status, _, _ := s.ask("POST", url, body); status != 413 {
		t.Errorf("%d, want 413", status)
	}
	if st := s.stats(); st.Created != 0 {
		t.Errorf("the endpoint was connected to: %+v", st.Counters)
	}
}
