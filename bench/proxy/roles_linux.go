package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// accessLog writes a line for each request to /dev/null, through a buffer.
type accessLog struct {
	mu  sync.Mutex
	out *bufio.Writer
}

func newAccessLog() (*accessLog, error) {
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &accessLog{out: bufio.NewWriterSize(file, 64<<10)}, nil
}

func (l *accessLog) write(remote, method, target, agent string, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.out, "%s - - [%s] \"%s %s HTTP/1.1\" %d \"%s\"\n",
		remote, time.Now().Format("02/Jan/2006:15:04:05 -0700"), method, target, status, agent)
}

func requestID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// backendArgument is the backend's address, the only argument of these roles.
func backendArgument(args []string) (string, error) {
	if len(args) != 1 {
		return "", errors.New("want the address of the backend")
	}
	_, err := netip.ParseAddrPort(args[0])
	return args[0], err
}

// httputilRole is the standard library's proxy with a Transport that keeps as
// many connections as are used.
func httputilRole(args []string) error {
	backend, err := backendArgument(args)
	if err != nil {
		return err
	}
	lines, err := newAccessLog()
	if err != nil {
		return err
	}
	target := &url.URL{Scheme: "http", Host: backend}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Set("X-Request-ID", requestID())
		},
		Transport: &http.Transport{
			DialContext:         new(net.Dialer).DialContext,
			MaxIdleConns:        1024,
			MaxIdleConnsPerHost: 1024,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
		BufferPool: &buffers{},
		ModifyResponse: func(r *http.Response) error {
			in := r.Request
			lines.write(in.Header.Get("X-Forwarded-For"), in.Method, in.URL.RequestURI(), in.UserAgent(), r.StatusCode)
			return nil
		},
		ErrorLog: log.New(os.Stderr, "", 0),
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	load.Announce(ln.Addr())
	server := &http.Server{Handler: proxy, IdleTimeout: 75 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(ln)
}

// buffers is a pool for bodies.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }

// fasthttpRole is fasthttp's server with its client.
func fasthttpRole(args []string) error {
	backend, err := backendArgument(args)
	if err != nil {
		return err
	}
	lines, err := newAccessLog()
	if err != nil {
		return err
	}
	client := &fasthttp.HostClient{
		Addr:                          backend,
		MaxConns:                      1024,
		MaxIdleConnDuration:           time.Minute,
		ReadTimeout:                   time.Minute,
		WriteTimeout:                  time.Minute,
		NoDefaultUserAgentHeader:      true,
		DisableHeaderNamesNormalizing: true,
		DisablePathNormalizing:        true,
	}
	server := &fasthttp.Server{
		NoDefaultServerHeader:         true,
		DisableHeaderNamesNormalizing: true,
		IdleTimeout:                   75 * time.Second,
		Handler: func(ctx *fasthttp.RequestCtx) {
			req, resp := &ctx.Request, &ctx.Response
			remote := ctx.RemoteIP().String()
			req.Header.Del("Connection")
			req.Header.Set("X-Forwarded-For", remote)
			req.Header.Set("X-Forwarded-Proto", "http")
			req.Header.SetBytesV("X-Forwarded-Host", req.Header.Host())
			req.Header.Set("X-Request-ID", requestID())
			if err := client.Do(req, resp); err != nil {
				ctx.Error("no answer from the backend", fasthttp.StatusBadGateway)
			}
			resp.Header.Del("Connection")
			lines.write(remote, string(ctx.Method()), string(ctx.RequestURI()), string(ctx.UserAgent()), resp.StatusCode())
		},
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	load.Announce(ln.Addr())
	return server.Serve(ln)
}
