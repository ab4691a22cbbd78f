package downstream

import (
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// browserGet is what a browser sends: about 390 bytes, ten fields.
const browserGet = "GET /api/v1/items?page=2&sort=name HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: application/json, text/plain, */*\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://shop.example.com/items\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: session=0123456789abcdef\r\n" +
	"Sec-Fetch-Mode: cors\r\n" +
	"Cache-Control: no-cache\r\n\r\n"

// BenchmarkKeepAliveGet is the cost of one request on a keep-alive connection:
// the server's and that of a client that is the same for all and does no more
// than a write and a read.
func BenchmarkKeepAliveGet(b *testing.B) {
	for _, peer := range []struct {
		name  string
		start func(b *testing.B) string
	}{
		{"shockwave", func(b *testing.B) string {
			return start(b, Config{KeepAliveRequests: -1}).addr
		}},
		{"fasthttp", startFasthttp},
		{"net/http", startNetHTTP},
	} {
		b.Run(peer.name, func(b *testing.B) {
			nc := dialRaw(b, peer.start(b))
			_ = nc.SetDeadline(time.Now().Add(5 * time.Minute))
			request, buf := []byte(browserGet), make([]byte, 4096)
			if _, err := nc.Write(request); err != nil {
				b.Fatal(err)
			}
			n, err := nc.Read(buf) // the response's length, which stays the same
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				roundTrip(b, nc, request, buf[:n])
			}
		})
	}
}

func startFasthttp(b *testing.B) string {
	ln := listen(b)
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBody(helloBody) }}
	serveUntilEnd(b, func() error { return s.Serve(ln) }, s.Shutdown)
	return ln.Addr().String()
}

func startNetHTTP(b *testing.B) string {
	ln := listen(b)
	s := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(helloBody) }),
	}
	serveUntilEnd(b, func() error { return s.Serve(ln) }, s.Close)
	return ln.Addr().String()
}

func listen(b *testing.B) net.Listener {
	b.Helper()
	ln, err := Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return ln
}

func serveUntilEnd(b *testing.B, serve, stop func() error) {
	done := make(chan struct{})
	go func() { defer close(done); _ = serve() }()
	b.Cleanup(func() { _ = stop(); <-done })
}
