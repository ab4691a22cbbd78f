package stream

import (
	"io"
	"net"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// pair returns both ends of a TCP connection.
func pair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return a, b
}

// Bytes allocate nothing on their way.
func TestMovingDoesNotAllocate(t *testing.T) {
	if race.Enabled {
		t.Skip("pools forget under the race detector")
	}
	client, in := pair(t)
	out, service := pair(t)
	src, dst := sock.New(in, nil), sock.New(out, nil)
	x := new(tunnel)
	text, got := make([]byte, 1000), make([]byte, 1000)
	for name, step := range map[string]func(dst, src *sock.Conn) (int64, error, error){
		"copied":  x.copyPart,
		"spliced": x.splicePart,
	} {
		n := testing.AllocsPerRun(100, func() {
			if _, err := client.Write(text); err != nil {
				t.Fatal(err)
			}
			for moved := int64(0); moved < int64(len(text)); {
				n, readErr, writeErr := step(dst, src)
				if readErr == sock.ErrWouldBlock {
					readErr = src.WaitRead()
				}
				if readErr != nil || writeErr != nil {
					t.Fatal(readErr, writeErr)
				}
				moved += n
			}
			if _, err := io.ReadFull(service, got); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
