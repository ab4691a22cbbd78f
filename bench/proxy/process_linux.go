package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a child on a core of its own.
type process struct {
	cmd    *exec.Cmd
	addr   string // where it listens, if it has announced that
	errors string // the file of its standard error
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
	if p.addr, err = readAnnounced(r); err != nil {
		return nil, fmt.Errorf("%s: %w; its errors:\n%s", role, err, p.complaint())
	}
	return p, nil
}

// spawn starts a program on a core, with a single thread of Go code. It ends
// with the bench. Its output is discarded if stdout is nil.
func (b *bench) spawn(core int, stdout *os.File, program string, args ...string) (*process, error) {
	cmd := exec.Command("taskset", append([]string{"-c", strconv.Itoa(core), program}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Dir = b.dir
	// A group of its own: an interrupt from the terminal is for the bench, which
	// ends its children itself.
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	if stdout != nil {
		cmd.Stdout = stdout
	}
	stderr, err := os.CreateTemp(b.dir, "stderr-")
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, errors: stderr.Name()}
	b.children = append(b.children, p)
	return p, nil
}

// complaint is the end of what a program wrote to its standard error.
func (p *process) complaint() string {
	text, _ := os.ReadFile(p.errors) // no text, no complaint
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// stop asks the process to end, and makes it after two seconds.
func (p *process) stop() {
	kill := time.AfterFunc(2*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Process.Signal(unix.SIGTERM)
	_ = p.cmd.Wait()
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
		length, _, err := answerLength(data)
		if err != nil {
			return "", fmt.Errorf("answer %.200q: %w", data, err)
		}
		if length > 0 && len(data) >= length {
			_, body, _ := strings.Cut(string(data[:length]), "\r\n\r\n")
			return body, nil
		}
	}
}
