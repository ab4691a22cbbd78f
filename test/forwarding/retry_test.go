package forwarding

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// A response with an unwanted status is dropped for another endpoint's, where the
// method may be repeated.
func TestRetryOnStatus(t *testing.T) {
	const on503 = model.RetryError | model.Retry503
	for _, c := range []struct {
		name, method string
		on           model.RetryOn
		tries        int
		good         bool
	}{
		{"GET", "GET", on503, 3, true},
		{"PUT", "PUT", on503, 3, true},
		{"another status", "GET", model.RetryError | model.Retry502, 3, false},
		{"off", "GET", 0, 3, false},
		{"one try", "GET", on503, 1, false},
		{"any number of tries", "GET", on503, 0, true},
		{"POST", "POST", on503, 3, false},
		{"POST, where that is allowed", "POST", on503 | model.RetryNonIdempotent, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			bad := app(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(503)
				_, _ = io.WriteString(w, "its own 503")
			})
			s := newSite(t, route(func(o *model.Options) { o.Retry.On, o.Retry.Tries = c.on, c.tries }), bad, answer(t, 200, "well"))
			for range 8 { // whichever comes first in turn
				status, text, _ := s.ask(c.method, url, strings.NewReader("body"))
				switch {
				case status == 200 && text == "well":
				case status == 503 && text == "its own 503" && !c.good:
				default:
					t.Fatalf("%d %q", status, text)
				}
			}
			if n := asked.Load(); n < 4 {
				t.Errorf("the endpoint that fails was asked %d times of 8, want 4 at least", n)
			}
		})
	}
}

// When no endpoint does better the client gets what the last one said.
func TestLastResponseIsPassedOn(t *testing.T) {
	s := newSite(t, route(func(o *model.Options) { o.Retry.On = model.Retry500 }),
		answer(t, 500, "one"), answer(t, 500, "two"), answer(t, 500, "three"))
	status, text, _ := s.ask("GET", url, nil)
	if status != 500 || text != "one" && text != "two" && text != "three" {
		t.Errorf("%d %q", status, text)
	}
	if st := s.stats(); st.Retries != 2 {
		t.Errorf("%d retries, want 2", st.Retries)
	}
}

// A budget bounds retries, whatever tries allow.
func TestRetryBudget(t *testing.T) {
	s := newSite(t, both(
		route(func(o *model.Options) { o.Retry.On = model.Retry500 }),
		policy(func(p *model.Policy) { p.Health.RetryBudget = 1 }),
	), answer(t, 500, ""), answer(t, 500, ""))
	for range 100 {
		s.ask("GET", url, nil)
	}
	if st := s.stats(); st.Retries == 0 || st.Retries > 50 || st.RetriesRefused < 50 {
		t.Errorf("%d retries, %d refused, of 100", st.Retries, st.RetriesRefused)
	}
}

// deaf is an endpoint that reads a request and closes without an answer.
func deaf(t *testing.T, read func(*http.Request)) netip.AddrPort {
	t.Helper()
	return rawconn.Listen(t, func(nc net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(nc))
		if err == nil {
			read(req)
		}
	})
}

// checksum is an application that tells how long a body is, its sum, and how it was
// framed.
func checksum(t *testing.T) netip.AddrPort {
	return app(t, func(w http.ResponseWriter, r *http.Request) {
		sum := crc32.NewIEEE()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %08x %d %v", n, sum.Sum32(), r.ContentLength, err)
	})
}

func pattern(n int) []byte {
	return bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]
}

// A body that was collected is sent whole to the next endpoint: from memory, and from
// a file.
func TestBodyIsSentAgain(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, n := range []int{100, 10 << 10, 100 << 10, 3 << 20} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(n, chunked), func(t *testing.T) {
				var dropped atomic.Int64
				bad := deaf(t, func(r *http.Request) {
					k, _ := io.Copy(io.Discard, r.Body)
					dropped.Add(k)
				})
				s := newSite(t, route(func(o *model.Options) {
					o.Buffering.Request, o.Buffering.RequestMemory = true, 32<<10
				}), bad, checksum(t))
				body := pattern(n)
				want := fmt.Sprintf("%d %08x %d <nil>", n, crc32.ChecksumIEEE(body), n)
				for range 2 {
					var r io.Reader = bytes.NewReader(body)
					if chunked {
						r = struct{ io.Reader }{r}
					}
					if status, text, _ := s.ask("PUT", url, r); status != 200 || text != want {
						t.Fatalf("%d %q, want %q", status, text, want)
					}
				}
				if dropped.Load() != int64(n) {
					t.Errorf("the endpoint that fails has read %d bytes, want %d", dropped.Load(), n)
				}
			})
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

// The same over HTTP/2, where the endpoint that fails answers before it has read all.
func TestBodyIsSentAgainOverHTTP2(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	bad := appHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 10)
		w.WriteHeader(503)
	})
	good := appHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
		n, sum, err := sumOf(r.Body)
		fmt.Fprintf(w, "%d %08x %d %v", n, sum, r.ContentLength, err)
	})
	s := newSite(t, both(
		policy(func(p *model.Policy) { p.Transport.Protocol = model.H2C }),
		route(func(o *model.Options) {
			o.Buffering.Request, o.Buffering.RequestMemory = true, 32<<10
			o.Retry.On |= model.Retry503
		}),
	), bad, good)
	for _, n := range []int{100, 10 << 10, 3 << 20} {
		body := pattern(n)
		want := fmt.Sprintf("%d %08x %d <nil>", n, crc32.ChecksumIEEE(body), n)
		for range 4 {
			if status, text, _ := s.ask("PUT", url, bytes.NewReader(body)); status != 200 || text != want {
				t.Fatalf("%d %q, want %q", status, text, want)
			}
		}
	}
	if s.stats().Retries == 0 {
		t.Error("the endpoint that fails was never asked")
	}
	s.until("the files are gone", func() bool { return bodyFiles(t) == 0 })
}

// An endpoint that answers before it was asked, as one that is too busy may do, is heard
// at once.
func TestEndpointThatSpeaksFirst(t *testing.T) {
	addr := rawconn.Listen(t, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy")
		_, _ = io.Copy(io.Discard, nc)
	})
	s := newSite(t, nil, addr)
	for range 50 {
		if status, text, _ := s.ask("POST", url, strings.NewReader("body")); status != 503 || text != "busy" {
			t.Fatalf("%d %q", status, text)
		}
	}
}

// Without that a POST that an endpoint may have seen is sent once.
func TestPostIsSentOnce(t *testing.T) {
	var seen atomic.Int32
	bad := deaf(t, func(r *http.Request) {
		seen.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	s := newSite(t, nil, bad, bad, bad)
	if status, _, _ := s.ask("POST", url, strings.NewReader("body")); status != 502 || seen.Load() != 1 {
		t.Errorf("%d, seen %d times", status, seen.Load())
	}
}

func TestRequestTimeout(t *testing.T) {
	stop := make(chan struct{})
	slow := app(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begin")
			w.(http.Flusher).Flush()
		}
		<-stop
	})
	defer close(stop)
	s := newSite(t, route(func(o *model.Options) { o.RequestTimeout = 300 * time.Millisecond }), slow)
	if status, _, _ := s.ask("GET", url, nil); status != 504 {
		t.Errorf("%d before the head, want 504", status)
	}
	resp, err := s.client.Get("http://app.test/body")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a response that took too long ends well, after %q", text)
	}
}
