package http11

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// browserGET is a request as browsers send it: about 390 bytes in ten fields.
const browserGET = "GET /assets/app/main.js?v=20260114 HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/143.0\r\n" +
	"Accept: */*\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: no-cors\r\n" +
	"Referer: https://shop.example.com/cart\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"Cookie: session=2f7c5a0e4b\r\n" +
	"\r\n"

// BenchmarkRequestHead reads one request head: where it ends, and what it says.
func BenchmarkRequestHead(b *testing.B) {
	head := []byte(browserGET)
	b.Run("shockwave", func(b *testing.B) {
		lim := DefaultLimits()
		var req message.Request
		var s HeadScanner
		b.ReportAllocs()
		b.SetBytes(int64(len(head)))
		for b.Loop() {
			s.Reset()
			end, err := s.Scan(head, &lim)
			if err == nil {
				err = ParseRequest(&req, head[s.Start():end], &lim)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		var req fasthttp.RequestHeader
		r := bytes.NewReader(head)
		br := bufio.NewReader(r)
		b.ReportAllocs()
		b.SetBytes(int64(len(head)))
		for b.Loop() {
			r.Reset(head)
			br.Reset(r)
			if err := req.Read(br); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		r := bytes.NewReader(head)
		br := bufio.NewReader(r)
		b.ReportAllocs()
		b.SetBytes(int64(len(head)))
		for b.Loop() {
			r.Reset(head)
			br.Reset(r)
			if _, err := http.ReadRequest(br); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	head, lim := []byte(browserGET), DefaultLimits()
	var s HeadScanner
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		s.Reset()
		if _, err := s.Scan(head, &lim); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResponseHead(b *testing.B) {
	head := []byte("HTTP/1.1 200 OK\r\n" +
		"Server: nginx\r\nDate: Mon, 02 Feb 2026 10:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n" +
		"Content-Length: 128\r\nCache-Control: max-age=60\r\nX-Request-ID: 2f7c5a0e4b\r\n\r\n")
	lim := ResponseLimits()
	var resp message.Response
	var s HeadScanner
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		s.Reset()
		end, err := s.Scan(head, &lim)
		if err == nil {
			err = ParseResponse(&resp, head[:end], message.GET, &lim)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStripRequest(b *testing.B) {
	head, lim := []byte(browserGET), DefaultLimits()
	var req message.Request
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseRequest(&req, head, &lim); err != nil {
			b.Fatal(err)
		}
		if err := StripRequest(&req.Fields); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNormalizePath(b *testing.B) {
	for _, path := range []string{"/assets/app/main.js", "/docs/a%20b/index.html", "/a/./b/%7euser/../c"} {
		b.Run(path[1:4], func(b *testing.B) {
			p, dst := []byte(path), make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NormalizePath(dst, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkChunked(b *testing.B) {
	body := bytes.Repeat([]byte("400\r\n"+string(bytes.Repeat([]byte("x"), 0x400))+"\r\n"), 16)
	body = append(body, "0\r\n\r\n"...)
	lim := DefaultLimits()
	var c ChunkedReader
	var trailers message.Fields
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		c.Reset(&lim)
		for rest := body; ; {
			_, n, err := c.Next(rest, &trailers)
			if err != nil {
				break
			}
			rest = rest[n:]
		}
	}
}
