package http11_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmemory"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
)

// FuzzConversation feeds a connection with any bytes, first whole and then cut
// in two. Both must give the same responses, the responses must be well formed,
// and nothing may follow one that ends the connection.
func FuzzConversation(f *testing.F) {
	for _, c := range readCases(f) {
		if c.steps[0].kind == send && !bytes.Contains([]byte(c.steps[0].text), []byte("/switch")) {
			f.Add([]byte(c.steps[0].text), len(c.steps[0].text)/2)
		}
	}
	mem := inmemory.NewListener()
	start(f, downstream.Config{}, mem)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		if bytes.Contains(data, []byte("/switch")) || bytes.Contains(data, []byte("Expect")) {
			t.Skip() // what a tunnel sends, and 100, depend on what arrives together
		}
		whole := converse(t, mem, data)
		checkResponses(t, whole)
		if at <= 0 || at >= len(data) {
			return
		}
		if cut := converse(t, mem, data[:at], data[at:]); !bytes.Equal(whole, cut) {
			t.Errorf("whole: %q\ncut:   %q", whole, cut)
		}
	})
}

// converse returns what the server answers to the pieces, followed by the end.
func converse(t *testing.T, mem *inmemory.Listener, pieces ...[]byte) []byte {
	c := &scripted{pieces: pieces, closed: make(chan struct{})}
	mem.Offer(c)
	select {
	case <-c.closed:
	case <-time.After(5 * time.Second):
		t.Fatalf("still open after %q", pieces)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return rawconn.NormalizeDate(c.out.Bytes())
}

// checkResponses reads the responses as net/http does.
func checkResponses(t *testing.T, out []byte) {
	r := bufio.NewReader(bytes.NewReader(out))
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return
		}
		// HEAD keeps net/http from reading a body that is not there: the
		// method is not known here, so a body that is there is skipped below.
		resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		if next, _ := r.Peek(5); len(next) > 0 && string(next) != "HTTP/" {
			if resp.ContentLength > 0 {
				_, _ = r.Discard(int(resp.ContentLength))
			} else {
				return // chunked, or cut on purpose
			}
		}
		if resp.Close {
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Fatalf("%q follows the last response in %q", rest, out)
			}
			return
		}
	}
}

// scripted is a client that sends its pieces, one for each Read, and then ends
// its direction.
type scripted struct {
	pieces [][]byte
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	out bytes.Buffer
}

func (c *scripted) Read(p []byte) (int, error) {
	for len(c.pieces) > 0 && len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	c.pieces[0] = c.pieces[0][n:]
	return n, nil
}

func (c *scripted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *scripted) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (*scripted) CloseWrite() error                { return nil }
func (*scripted) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (*scripted) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }
