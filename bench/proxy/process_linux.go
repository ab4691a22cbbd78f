package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// process is a child on a core of its own.
type process struct {
	*load.Process
	addr string // where it listens, if it has announced that
}

// spawnRole starts this program in one of its roles, which announces where it
// listens.
func (b *bench) spawnRole(core int, role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := b.spawn(core, w, self, append([]string{role}, args...)...)
	w.Close()
	if err != nil {
		return nil, err
	}
	if p.addr, err = load.ReadAnnounced(r); err != nil {
		return nil, fmt.Errorf("%s: %w; its errors:\n%s", role, err, p.Complaint())
	}
	return p, nil
}

// spawn starts a program on a core. It ends with the bench. Its output is
// discarded if stdout is nil.
func (b *bench) spawn(core int, stdout *os.File, program string, args ...string) (*process, error) {
	started, err := load.Start(load.Command{Core: core, Dir: b.dir, Program: program, Args: args, Stdout: stdout})
	if err != nil {
		return nil, err
	}
	p := &process{Process: started}
	b.children = append(b.children, p)
	return p, nil
}

// freeAddr returns an address on which nobody listened a moment ago.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// errNotInstalled is why a peer is left out.
var errNotInstalled = errors.New("not installed")

// find looks for an installed program, also where only root's PATH leads.
func find(program string) (string, error) {
	for _, path := range []string{program, filepath.Join("/usr/sbin", program), filepath.Join("/usr/local/sbin", program)} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", errNotInstalled
}

// get makes one request on a connection of its own and returns the body of the
// answer, which must be a 200.
func get(ctx context.Context, addr, host, target string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host); err != nil {
		return "", err
	}
	var data []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return "", fmt.Errorf("after %.200q: %w", data, err)
		}
		data = append(data, buf[:n]...)
		head, body, _, err := load.ParseHead(data)
		if err != nil {
			return "", fmt.Errorf("answer %.200q: %w", data, err)
		}
		if head > 0 && len(data) >= head+body {
			return string(data[head : head+body]), nil
		}
	}
}
