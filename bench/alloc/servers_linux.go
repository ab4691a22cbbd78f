package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/server"
)

// Time limits that all servers have.
const (
	headTimeout = 10 * time.Second
	idleTimeout = 75 * time.Second
)

// serveRole is a server in a process of its own: its name and the kind of work are
// its arguments. It ends with its input.
func serveRole(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("want the name of a server and a kind of work")
	}
	number, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c := newControl(newCache())
	serve, err := c.serverOf(args[0], cases.Kind(number))
	if err != nil {
		return err
	}
	runtime.GC() // of what building the cache has left behind
	runtime.GC()
	network, address := "tcp4", "127.0.0.1:0"
	if len(args) > 2 {
		network, address = "unix", args[2]
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	load.Announce(ln.Addr())
	failed := make(chan error, 1)
	go func() { failed <- serve(ln) }()
	go func() { failed <- c.serve(os.Stdin, os.Stdout) }()
	return <-failed
}

// serverOf returns what serves on a listener as the server of that name does.
func (c *control) serverOf(name string, kind cases.Kind) (serve func(net.Listener) error, err error) {
	switch name {
	case netHTTP:
		s := &http.Server{
			Handler:           cases.NetHTTP(kind),
			ReadHeaderTimeout: headTimeout,
			IdleTimeout:       idleTimeout,
			ErrorLog:          log.New(os.Stderr, "", 0),
		}
		return s.Serve, nil
	case fastHTTP:
		s := &fasthttp.Server{
			Handler:               cases.FastHTTP(kind),
			NoDefaultServerHeader: true,
			// It must hold the largest head; with less, fasthttp refuses large cookies.
			ReadBufferSize: 16 << 10,
			IdleTimeout:    idleTimeout,
		}
		return s.Serve, nil
	}
	if c.mode, err = alloc.ParseMode(name); err != nil {
		return nil, fmt.Errorf("there is no server %q", name)
	}
	c.ours = true
	cfg := server.DefaultConfig()
	cfg.AllocationMode = c.mode
	cfg.BatchPipelined = true // handlers here do not wait
	cfg.Handler = cases.Shockwave(kind)
	cfg.ReadHeaderTimeout = headTimeout
	cfg.IdleTimeout = idleTimeout
	cfg.Logger = slog.New(slog.NewTextHandler(io.Writer(os.Stderr), nil))
	return server.NewServer(cfg).Serve, nil
}
