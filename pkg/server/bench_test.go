package server_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/pkg/server"
)

// The benchmarks are the cost of one request on a keep-alive connection: the
// server's and that of a client that is the same for all and does no more than a
// write and reads. bench/alloc compares the same cases by processes of their own.

func BenchmarkKeepAlive(b *testing.B)   { benchmark(b, "KeepAlive") }
func BenchmarkJSON(b *testing.B)        { benchmark(b, "JSON") }
func BenchmarkHeaders20(b *testing.B)   { benchmark(b, "Headers20") }
func BenchmarkPOST4K(b *testing.B)      { benchmark(b, "POST4K") }
func BenchmarkPipelined16(b *testing.B) { benchmark(b, "Pipelined16") } // an operation is 16 requests

// peers are ours in each mode and the others. bench/micro compares with the first.
var peers = []struct {
	name  string
	start func(b *testing.B, kind cases.Kind) (addr string)
}{
	{"shockwave", startMode(server.Standard)},
	{"shockwave/arena", startMode(server.Arena)},
	{"shockwave/greentea", startMode(server.GreenTea)},
	{"fasthttp", startFastHTTP},
	{"net/http", startNetHTTP},
}

func benchmark(b *testing.B, name string) {
	c, ok := cases.Find(name)
	if !ok {
		b.Fatalf("there is no case %s", name)
	}
	for _, peer := range peers {
		b.Run(peer.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", peer.start(b, c.Kind))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Minute))
			answer := make([]byte, firstAnswer(b, conn, &c))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(c.Request.Bytes); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// firstAnswer checks what is answered and returns its length, which stays the same.
func firstAnswer(b *testing.B, conn net.Conn, c *cases.Case) (length int) {
	if _, err := conn.Write(c.Request.Bytes); err != nil {
		b.Fatal(err)
	}
	var data []byte
	buf := make([]byte, 4096)
	for answers := 0; answers < c.Batch; {
		n, err := conn.Read(buf)
		if err != nil {
			b.Fatalf("after %q: %v", data, err)
		}
		data = append(data, buf[:n]...)
		for {
			head, body, _, err := load.ParseHead(data[length:])
			if err != nil {
				b.Fatalf("answer %q: %v", data[length:], err)
			}
			if head == 0 || len(data) < length+head+body {
				break
			}
			if got := string(data[length+head : length+head+body]); got != string(c.Request.Want.Body) {
				b.Fatalf("body %q, want %q", got, c.Request.Want.Body)
			}
			length += head + body
			answers++
		}
	}
	return length
}

func startMode(mode server.AllocationMode) func(*testing.B, cases.Kind) string {
	return func(b *testing.B, kind cases.Kind) string {
		cfg := server.DefaultConfig()
		cfg.AllocationMode = mode
		cfg.BatchPipelined = true // handlers here do not wait
		cfg.Handler = cases.Shockwave(kind)
		s := server.NewServer(cfg)
		return serveUntilEnd(b, s.Serve, s.Close)
	}
}

func startFastHTTP(b *testing.B, kind cases.Kind) string {
	s := &fasthttp.Server{Handler: cases.FastHTTP(kind), NoDefaultServerHeader: true, IdleTimeout: 75 * time.Second}
	return serveUntilEnd(b, s.Serve, s.Shutdown)
}

func startNetHTTP(b *testing.B, kind cases.Kind) string {
	s := &http.Server{
		Handler: cases.NetHTTP(kind), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return serveUntilEnd(b, s.Serve, s.Close)
}

func serveUntilEnd(b *testing.B, serve func(net.Listener) error, stop func() error) (addr string) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = serve(ln) }()
	b.Cleanup(func() { _ = stop(); <-done })
	return ln.Addr().String()
}
