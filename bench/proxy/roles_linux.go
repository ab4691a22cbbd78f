package main

import (
	"bufio"
	"crypto/tls"
	"expvar"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	proxies "net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
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

// peerOptions say what the peers that are part of this program do.
type peerOptions struct {
	backend                 string
	addr, tlsAddr, profiles string
	certFile, keyFile       string
}

func (o *peerOptions) register(flags *flag.FlagSet) {
	flags.StringVar(&o.backend, "backend", "", "")
	flags.StringVar(&o.addr, "addr", "", "")
	flags.StringVar(&o.tlsAddr, "tls-addr", "", "")
	flags.StringVar(&o.profiles, "profiles", "", "")
	flags.StringVar(&o.certFile, "cert", "", "")
	flags.StringVar(&o.keyFile, "key", "", "")
}

// args is o as register reads it.
func (o *peerOptions) args() []string {
	return []string{
		"-backend", o.backend, "-addr", o.addr, "-tls-addr", o.tlsAddr, "-profiles", o.profiles,
		"-cert", o.certFile, "-key", o.keyFile,
	}
}

// servePeer serves as o says: plain, over TLS, and the number of allocations.
func servePeer(o *peerOptions, serve func(net.Listener) error) error {
	config, err := serverTLS(o.certFile, o.keyFile)
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp4", o.addr)
	if err != nil {
		return err
	}
	defer plain.Close()
	over, err := net.Listen("tcp4", o.tlsAddr)
	if err != nil {
		return err
	}
	defer over.Close()
	count := &http.Server{Addr: o.profiles, Handler: expvar.Handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 3)
	go func() { failed <- serve(plain) }()
	go func() { failed <- serve(tls.NewListener(over, config)) }()
	go func() { failed <- count.ListenAndServe() }()
	return <-failed
}

func parsePeer(args []string) (o peerOptions, err error) {
	flags := flag.NewFlagSet("peer", flag.ContinueOnError)
	o.register(flags)
	err = flags.Parse(args)
	return o, err
}

// httputilRole is the standard library's proxy with a Transport that keeps as
// many connections as are used.
func httputilRole(args []string) error {
	o, err := parsePeer(args)
	if err != nil {
		return err
	}
	lines, err := newAccessLog()
	if err != nil {
		return err
	}
	target := &url.URL{Scheme: "http", Host: o.backend}
	proxy := &proxies.ReverseProxy{
		Rewrite: func(r *proxies.ProxyRequest) {
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
	server := &http.Server{Handler: proxy, IdleTimeout: 75 * time.Second, ReadHeaderTimeout: 10 * time.Second}
	return servePeer(&o, server.Serve)
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
	o, err := parsePeer(args)
	if err != nil {
		return err
	}
	lines, err := newAccessLog()
	if err != nil {
		return err
	}
	client := &fasthttp.HostClient{
		Addr:                          o.backend,
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
			scheme := "http"
			if ctx.IsTLS() {
				scheme = "https"
			}
			req.Header.Set("X-Forwarded-Proto", scheme)
			if ctx.IsTLS() {
				req.URI().SetScheme("http") // the client is for that only
			}
			req.Header.SetBytesV("X-Forwarded-Host", req.Header.Host())
			req.Header.Set("X-Request-ID", requestID())
			if err := client.Do(req, resp); err != nil {
				ctx.Error("no answer from the backend", fasthttp.StatusBadGateway)
			}
			resp.Header.Del("Connection")
			lines.write(remote, string(ctx.Method()), string(ctx.RequestURI()), string(ctx.UserAgent()), resp.StatusCode())
		},
	}
	return servePeer(&o, server.Serve)
}
