package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"time"
)

// contender is a proxy that can be started.
type contender struct {
	name string
	// start starts the proxy. It fails with errNotInstalled when the machine
	// has no such program.
	start func(b *bench) (*proxy, error)
}

// contenders are all proxies in the order of a round, Shockwave first.
var contenders = []contender{
	{shockwave, startShockwave("standard")},
	{arena, startShockwave("arena")},
	{greentea, startShockwave("greentea")},
	{nginx, startNginx},
	{haproxy, startHAProxy},
	{httputil, startRole("httputil")},
	{fastHTTP, startRole("fasthttp")},
	{floor, startRole("relay")},
}

// proxy is a proxy that runs.
type proxy struct {
	*process
	name    string
	addr    string // where it serves plain, and over TLS
	tlsAddr string
	// profiles is the address of its profiles, or empty.
	profiles string
}

// startRole starts a peer that is part of this program.
func startRole(role string) func(b *bench) (*proxy, error) {
	return func(b *bench) (*proxy, error) {
		addrs, err := freeAddrs(3)
		if err != nil {
			return nil, err
		}
		o := peerOptions{b.backend.addr, addrs[0], addrs[1], addrs[2], b.cert.certFile, b.cert.keyFile}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		child, err := b.spawn(b.proxyCore, nil, self, append([]string{role}, o.args()...)...)
		if err != nil {
			return nil, err
		}
		return &proxy{process: child, addr: o.addr, tlsAddr: o.tlsAddr, profiles: o.profiles}, nil
	}
}

// errNotInstalled is why a peer is left out.
var errNotInstalled = errors.New("not installed")

// lookUp looks for an installed program, also where only root's PATH leads.
func lookUp(program string) (string, error) {
	for _, path := range []string{program, filepath.Join("/usr/sbin", program), filepath.Join("/usr/local/sbin", program)} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", errNotInstalled
}

// versionNumber is the first of the numbers that a program calls its version.
var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// versions are the peers that are no part of Go, each with its version.
func versions(ctx context.Context) (list []string) {
	for _, program := range []string{nginx, haproxy} {
		path, err := lookUp(program)
		if err != nil {
			continue
		}
		text, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
		if err == nil {
			list = append(list, program+" "+versionNumber.FindString(string(text)))
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/valyala/fasthttp" {
				list = append(list, fastHTTP+" "+versionNumber.FindString(m.Version))
			}
		}
	}
	return list
}

// freeAddrs returns addresses on which nobody listened a moment ago.
func freeAddrs(n int) (addrs []string, err error) {
	for range n {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close() // when all are there, so that no two are the same
		addrs = append(addrs, ln.Addr().String())
	}
	return addrs, nil
}

// fetch gets a page.
func fetch(ctx context.Context, url string, within time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}
