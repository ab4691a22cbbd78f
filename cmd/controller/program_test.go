package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/locked"
)

// asProgram makes the test binary be the program, so that tests run it as users
// do: as a process, with arguments, signals and an exit status.
const asProgram = "SHOCKWAVE_TEST_RUNS_MAIN"

// inCluster stands for loopback in the objects of an API server: the program
// that a test runs reaches the backends of the test under it.
var inCluster = netip.MustParseAddr("198.18.0.1")

func dialLoopback(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	if a.Addr() == inCluster {
		a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return new(net.Dialer).DialContext(ctx, "tcp", a.String())
}

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		dial = dialLoopback
		main()
		return
	}
	os.Exit(m.Run())
}

// program is a running shockwave.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    locked.Buffer
	log    locked.Buffer
	exited chan struct{}
	status int

	http, https, admin string
}

// start runs the program. The end of the test kills it.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "KUBERNETES_SERVICE_HOST=", "KUBERNETES_SERVICE_PORT=")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := p.cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			p.status = exit.ExitCode()
		}
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("the program's log:\n%s", p.log.String())
		}
	})
	return p
}

// controllerOn runs the controller on free ports with the manifests of a
// directory, and waits until it serves.
func controllerOn(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	p := start(t, append([]string{
		"--manifests=" + dir, "--bind-address=127.0.0.1", "--healthz-host=127.0.0.1",
		"--http-port=0", "--https-port=0", "--healthz-port=0", "--log-format=json",
	}, args...)...)
	p.eventually("serves", 20*time.Second, func() bool {
		lines := bufio.NewScanner(strings.NewReader(p.log.String()))
		for lines.Scan() {
			var line struct{ Msg, HTTP, HTTPS, Healthz string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				p.http, p.https, p.admin = line.HTTP, line.HTTPS, line.Healthz
				return true
			}
		}
		return false
	})
	return p
}

// eventually waits until something is true, and returns how long it took.
func (p *program) eventually(what string, limit time.Duration, is func() bool) time.Duration {
	p.t.Helper()
	begin := time.Now()
	for !is() {
		select {
		case <-p.exited:
			p.t.Fatalf("it ended with %d before this was true: %s\n%s", p.status, what, p.log.String())
		default:
		}
		if time.Since(begin) > limit {
			p.t.Fatalf("not true within %v: %s", limit, what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begin)
}

// wait returns the exit status.
func (p *program) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.status
	case <-time.After(limit):
		p.t.Fatalf("it still runs after %v", limit)
		return 0
	}
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// get asks for a host's path over HTTP and returns the status and the body. The
// status is 0 when there is no answer.
func (p *program) get(host, path string) (status int, body string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+p.http+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Host = host
	return p.do(http.DefaultClient, req)
}

func (p *program) do(client *http.Client, req *http.Request) (status int, body string) {
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// page returns a page of the admin listener.
func (p *program) page(path string) (status int, body string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+p.admin+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(http.DefaultClient, req)
}

// raw sends a request as it is written, over a connection of its own, and returns
// the status and the body. A body that it announces is not sent.
func (p *program) raw(method, target string, fields ...string) (status int, body string) {
	p.t.Helper()
	c, err := net.Dial("tcp", p.http)
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	head := method + " " + target + " HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
	if _, err := io.WriteString(c, head); err != nil {
		p.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}
