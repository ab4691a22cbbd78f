package forwarding

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// bodyFiles is how many temporary files are open, which have no name any more.
func bodyFiles(t *testing.T) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors cannot be listed here")
	}
	for _, e := range list {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.Contains(to, "shockwave-body-") {
			n++
		}
	}
	return n
}

// However an exchange ends whose body is in a file, the file is gone.
func TestFilesAreGone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	seen := make(chan struct{}, 1)
	silent := app(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- struct{}{}
		<-r.Context().Done()
	})
	for _, c := range []struct {
		name string
		sent int // of 1 MiB, in chunks
		end  func(t *testing.T, s *site, nc net.Conn)
	}{
		{"the client leaves while it is collected", 500 << 10, func(_ *testing.T, _ *site, nc net.Conn) { _ = nc.Close() }},
		{"the client leaves while the endpoint is silent", 1 << 20, func(_ *testing.T, _ *site, nc net.Conn) {
			<-seen
			_ = nc.Close()
		}},
		{"it is too large", 900 << 10, func(t *testing.T, s *site, nc net.Conn) {
			_, _ = nc.Write([]byte("100000\r\n"))
			_, _ = nc.Write(pattern(1 << 20))
			if resp, err := http.ReadResponse(bufio.NewReader(nc), nil); err != nil || resp.StatusCode != 413 {
				t.Errorf("%v %v, want 413", resp, err)
			}
			_ = nc.Close()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, route(func(o *model.Options) { o.Buffering.Request, o.MaxBodyBytes = true, 1<<20 }), silent)
			nc, err := net.Dial("tcp", s.plain)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(nc, "PUT / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", c.sent, pattern(c.sent))
			if c.sent == 1<<20 {
				_, _ = io.WriteString(nc, "0\r\n\r\n")
			}
			s.until("there is a file", func() bool { return bodyFiles(t) == 1 })
			c.end(t, s, nc)
			s.until("the file is gone", func() bool { return bodyFiles(t) == 0 && s.stats().Exchanges == 0 })
		})
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("names are left: %v %v", left, err)
	}
}

// A body that cannot be kept is refused; a response that cannot be kept is passed on as
// the client takes it.
func TestNoPlaceForFiles(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	const n = 16 << 20
	body := pattern(n)
	large := app(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(body)
	})
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Request, o.Buffering.Response = true, true }), large)
	if status, _, _ := s.ask("PUT", url, bytes.NewReader(body[:1<<20])); status != 503 {
		t.Errorf("%d for a body without a place, want 503", status)
	}
	if st := s.stats(); st.Created != 0 {
		t.Errorf("the endpoint was connected to: %+v", st.Counters)
	}
	_, rest := s.slowly("/")
	got, err := rest()
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Without room in files none is made, and what is held stays within its memory.
func TestResponseWithoutFiles(t *testing.T) {
	const n = 16 << 20
	body := pattern(n)
	large := app(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	s := newSite(t, route(func(o *model.Options) {
		o.Buffering.Response, o.Buffering.ResponseMemory, o.Buffering.ResponseFile = true, 100<<10, 0
	}), large)
	resp, rest := s.slowly("/")
	_, _ = io.ReadFull(resp.Body, make([]byte, 1<<20)) // it has been full more than once
	if files := bodyFiles(t); files != 0 {
		t.Errorf("%d files", files)
	}
	got, err := rest()
	if err != nil || !bytes.Equal(got, body[1<<20:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// An endpoint that answers before it has read a body from a file is heard.
func TestEarlyAnswerToACollectedBody(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	early := app(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(403)
		_, _ = io.WriteString(w, "no")
	})
	s := newSite(t, route(func(o *model.Options) { o.Buffering.Request = true }), early)
	for range 3 {
		if status, text, _ := s.ask("PUT", url, bytes.NewReader(pattern(8<<20))); status != 403 || text != "no" {
			t.Errorf("%d %q", status, text)
		}
	}
	s.until("nothing is left", func() bool {
		idle, active := s.pool()
		return idle == 0 && active == 0 && bodyFiles(t) == 0
	})
}
