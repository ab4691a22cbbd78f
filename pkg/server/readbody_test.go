package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// bodyOf returns n bytes in which a byte out of place shows.
func bodyOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i*7+i/251)%26
	}
	return b
}

// unsized hides a reader's length, so that the body is sent in chunks.
type unsized struct{ io.Reader }

func TestReadBody(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		cfg.MaxRequestBodySize = -1
		cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
			skipped := 0
			if r.Query() == "part" {
				skipped, _ = io.ReadFull(r.Body(), make([]byte, 3))
			}
			body, err := r.ReadBody()
			again, errAgain := r.ReadBody()
			if err != nil || len(again) != 0 || errAgain != nil {
				t.Errorf("%v; then %d bytes, %v", err, len(again), errAgain)
			}
			_ = w.Flush() // what was read must outlive what is written
			_, _ = w.WriteString(fmt.Sprint(skipped, " "))
			_, _ = w.Write(body)
		})
		s := start(t, cfg)
		for _, size := range []int{0, 1, 5, 4000, 9000, 20_000, 300_000, 3 << 20} {
			for _, query := range []string{"", "part"} {
				want := bodyOf(size)
				for _, body := range []io.Reader{bytes.NewReader(want), unsized{bytes.NewReader(want)}} {
					resp, err := http.Post("http://"+s.addr+"/?"+query, "", body)
					if err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					skipped := 0
					if query != "" {
						skipped = min(3, size)
					}
					if err != nil || !bytes.Equal(got, append(fmt.Appendf(nil, "%d ", skipped), want[skipped:]...)) {
						t.Errorf("%d bytes, %T, %q: got %d, %v", size, body, query, len(got), err)
					}
				}
			}
		}
		http.DefaultClient.CloseIdleConnections()
	})
}

func TestReadBodyErrors(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		result := make(chan error, 1)
		cfg.MaxRequestBodySize, cfg.BodyTimeout = 10, short
		cfg.Handler = HandlerFunc(func(_ ResponseWriter, r Request) {
			_, err := r.ReadBody()
			result <- err
		})
		s := start(t, cfg)
		const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		for request, want := range map[string]error{
			chunked + "b\r\nhello world\r\n0\r\n\r\n": ErrBodyTooLarge,
			chunked + "2\r\nabc\r\n0\r\n\r\n":         ErrBodyMalformed,
			chunked + "2\r\na":                        ErrTimeout,
		} {
			c := rawconn.Dial(t, s.addr)
			c.Send(request)
			if err := <-result; err != want {
				t.Errorf("%v, want %v", err, want)
			}
			c.Close()
		}
	})
}

// Announcing a large body costs us nothing until it arrives.
func TestAnnouncedBodyTakesNoMemory(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		reading, done := make(chan struct{}), make(chan struct{})
		cfg.MaxRequestBodySize = -1
		cfg.Handler = HandlerFunc(func(_ ResponseWriter, r Request) {
			close(reading)
			_, _ = r.ReadBody()
			close(done)
		})
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		c.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n" + strings.Repeat("x", 1000))
		<-reading
		eventually(t, "the first bytes are read", func() bool { return alloc.ReadStats()[cfg.AllocationMode].BytesInUse > 0 })
		if n := alloc.ReadStats()[cfg.AllocationMode].BytesInUse; n > 200_000 {
			t.Errorf("%d bytes are in use", n)
		}
		c.Close()
		<-done
	})
}
