package load

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command says what Start starts.
type Command struct {
	Core    int    // of the processor, the only one it runs on
	Dir     string // where it runs, and where a file for its errors is made
	Program string
	Args    []string
	// Stdin and Stdout are nil for nothing and for nowhere.
	Stdin, Stdout *os.File
}

// Process is a child on a core of its own.
type Process struct {
	cmd    *exec.Cmd
	errors string // the file of its standard error
}

// Start starts a program with a single thread of Go code. It ends with the thread
// that calls Start.
func Start(c Command) (*Process, error) {
	cmd := exec.Command("taskset", append([]string{"-c", strconv.Itoa(c.Core), c.Program}, c.Args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Dir = c.Dir
	// A group of its own: an interrupt from the terminal is for the parent, which
	// ends its children itself.
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	stderr, err := os.CreateTemp(c.Dir, "stderr-")
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{cmd: cmd, errors: stderr.Name()}, nil
}

// AllowFiles lets this process and those that it starts have at least so many files
// open, as far as the system allows.
func AllowFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n)
	// Package syscall, as it then leaves the limit as it is for children.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of open files (ulimit -n) must be %d: %w", n, err)
	}
	return nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Complaint is the end of what a program wrote to its standard error.
func (p *Process) Complaint() string {
	text, _ := os.ReadFile(p.errors) // no text, no complaint
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// Stop asks the process to end, and makes it after two seconds.
func (p *Process) Stop() {
	kill := time.AfterFunc(2*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Process.Signal(unix.SIGTERM)
	_ = p.cmd.Wait()
}

// Announce tells the parent where a child listens.
func Announce(addr net.Addr) {
	fmt.Fprintln(os.Stdout, "listening", addr)
}

// ReadAnnounced reads what Announce has written.
func ReadAnnounced(r io.Reader) (addr string, err error) {
	type line struct {
		addr string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		var l line
		_, l.err = fmt.Fscanf(r, "listening %s\n", &l.addr)
		got <- l
	}()
	select {
	case l := <-got:
		return l.addr, l.err
	case <-time.After(10 * time.Second):
		return "", fmt.Errorf("it does not say where it listens")
	}
}
