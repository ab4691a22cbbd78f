// Package binary runs the real shockwave program for tests: it builds it once
// per test process and starts it on free loopback ports.
package binary

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/locked"
)

// dir is where build puts the program. Main removes it.
var dir string

// build makes the program, once.
var build = sync.OnceValues(func() (path string, err error) {
	if dir, err = os.MkdirTemp("", "shockwave-test"); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "shockwave")
	out, err := exec.Command("go", "build", "-o", path, "github.com/shockwave-ingress/shockwave/cmd/controller").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build shockwave: %w\n%s", err, out)
	}
	return path, nil
})

// Main runs the tests of a package that uses Start and cleans up after them.
// Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// Process is a running shockwave.
type Process struct {
	t *testing.T
	// HTTP, HTTPS and Admin are the addresses that it listens on.
	HTTP, HTTPS, Admin string
	// Pid is its process id.
	Pid int

	log    locked.Buffer
	cmd    *exec.Cmd
	exited chan error
}

// Start runs the program with flags besides those for addresses. The test's end
// kills it.
func Start(t *testing.T, flags ...string) *Process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, exited: make(chan error, 1)}
	ports := freePorts(t, 3)
	p.HTTP, p.HTTPS, p.Admin = loopback(ports[0]), loopback(ports[1]), loopback(ports[2])
	p.cmd = exec.Command(path, append([]string{
		"--bind-address=127.0.0.1",
		fmt.Sprint("--http-port=", ports[0]), fmt.Sprint("--https-port=", ports[1]), fmt.Sprint("--healthz-port=", ports[2]),
	}, flags...)...)
	p.cmd.Stderr = &p.log
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.Pid = p.cmd.Process.Pid
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("last lines of shockwave's log:\n%s", p.tail(60))
		}
	})
	return p
}

// Log is what the program has logged so far.
func (p *Process) Log() string { return p.log.String() }

func (p *Process) tail(lines int) string {
	all := strings.Split(p.Log(), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Ready waits until /readyz answers 200.
func (p *Process) Ready() {
	p.t.Helper()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		if p.IsReady() {
			return
		}
	}
	p.t.Fatal("shockwave did not become ready within 20 s")
}

// IsReady tells what /readyz says.
func (p *Process) IsReady() bool {
	res, err := http.Get("http://" + p.Admin + "/readyz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Terminate sends SIGTERM and returns how the program ended: nil for exit 0.
func (p *Process) Terminate(within time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(within):
		return errors.New("still running")
	}
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// freePorts returns different ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
