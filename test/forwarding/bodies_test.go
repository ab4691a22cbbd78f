package forwarding

import (
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// endless is so many bytes of the pattern, without holding them.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	for i := range n {
		p[i] = byte(e.left - int64(i))
	}
	e.left -= int64(n)
	return n, nil
}

// sumOf is the checksum of what a reader gives.
func sumOf(r io.Reader) (n int64, sum uint32, err error) {
	h := crc32.NewIEEE()
	n, err = io.Copy(h, r)
	return n, h.Sum32(), err
}

// Large bodies arrive as they are, both ways, and do not pass through our memory.
func TestLargeBodies(t *testing.T) {
	n := int64(1 << 30)
	if race.Enabled || testing.Short() {
		n = 32 << 20
	}
	app := app(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
			_, _ = io.Copy(w, &endless{n})
			return
		}
		got, sum, err := sumOf(r.Body)
		fmt.Fprintf(w, "%d %08x %v", got, sum, err)
	})
	s := newSite(t, nil, app)
	_, want, _ := sumOf(&endless{n})
	for _, scheme := range []string{"http", "https"} {
		if scheme == "https" {
			n = 16 << 20 // TLS costs a copy
			_, want, _ = sumOf(&endless{n})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, err := s.client.Get(scheme + "://app.test/")
		if err != nil {
			t.Fatal(err)
		}
		if got, sum, err := sumOf(resp.Body); got != n || sum != want || err != nil {
			t.Errorf("%s down: %d bytes, %08x, %v", scheme, got, sum, err)
		}
		resp.Body.Close()
		req, _ := http.NewRequest(http.MethodPut, scheme+"://app.test/", &endless{n})
		req.ContentLength = n
		if resp, err = s.client.Do(req); err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(text) != fmt.Sprintf("%d %08x <nil>", n, want) {
			t.Errorf("%s up: %s, want %d %08x", scheme, text, n, want)
		}
		runtime.ReadMemStats(&after)
		// The clients and the application have buffers, too.
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32<<20 {
			t.Errorf("%s: the heap has grown by %d MiB for bodies of %d MiB", scheme, grown>>20, n>>20)
		}
	}
}

// A large response that is cut short is seen as cut short, and one whose client
// leaves ends.
func TestLargeBodyThatEnds(t *testing.T) {
	app := app(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000000")
		_, _ = io.Copy(w, &endless{5 << 20})
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(w, &endless{100000000 - 5<<20})
	})
	s := newSite(t, nil, app)
	resp, err := s.client.Get("http://app.test/cut")
	if err != nil {
		t.Fatal(err)
	}
	if n, _, err := sumOf(resp.Body); err == nil {
		t.Errorf("%d bytes end well", n)
	}
	resp.Body.Close()
	if resp, err = s.client.Get("http://app.test/"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	resp.Body.Close() // the client resets the connection
	s.until("nothing is left", func() bool {
		idle, active := s.pool()
		return idle == 0 && active == 0 && s.stats().Exchanges == 0
	})
}

// An endpoint that answers before it has read a body is heard.
func TestEarlyAnswerToALargeBody(t *testing.T) {
	addr := rawconn.Listen(t, func(nc net.Conn) {
		_, _ = nc.Read(make([]byte, 1000))
		_, _ = io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		_, _ = io.Copy(io.Discard, io.LimitReader(nc, 64<<20)) // so that no reset overtakes it
	})
	s := newSite(t, nil, addr)
	nc, err := net.Dial("tcp", s.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n", 50<<20)
	go func() { _, _ = io.Copy(nc, &endless{50 << 20}) }()
	answer := make([]byte, 12)
	if _, err := io.ReadFull(nc, answer); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 403") {
		t.Errorf("%q %v", answer, err)
	}
}
