package peers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/locked"
)

// patience is how long anything may take on a busy machine.
const patience = 30 * time.Second

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func dialTo(d *net.Dialer, addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addr)
	}
}

// program finds a program, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// run runs a program to its end and returns what it wrote.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// freeAddr is an address of loopback at which nobody listens.
func freeAddr(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// daemon runs a program with a configuration until the test ends, once it listens at
// addr.
func daemon(t *testing.T, addr netip.AddrPort, config, name string, args ...string) {
	t.Helper()
	path := program(t, name)
	file := filepath.Join(t.TempDir(), name+".conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", file)
	}
	var log locked.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Dir = filepath.Dir(file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("%s has logged:\n%s", name, log.String())
		}
	})
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		nc, err := net.Dial("tcp", addr.String())
		if err == nil {
			_ = nc.Close()
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s has ended:\n%s", name, log.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen: %v\n%s", name, err, log.String())
		}
	}
}

// nginx starts nginx with one server, of which config is the rest.
func nginx(t *testing.T, config string) netip.AddrPort {
	t.Helper()
	addr, dir := freeAddr(t), t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	daemon(t, addr, fmt.Sprintf(`
%[4]s
daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server { listen %[2]s; client_max_body_size 0; %[3]s }
}`, dir, addr, config, user), "nginx", "-p", dir, "-e", "stderr", "-c", "FILE")
	return addr
}

// haproxy starts HAProxy with a frontend, of which front is the rest, and more sections.
func haproxy(t *testing.T, mode, front, more string) netip.AddrPort {
	t.Helper()
	addr := freeAddr(t)
	daemon(t, addr, fmt.Sprintf(`
defaults
	mode %s
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend front
	bind %s
	%s
%s
`, mode, addr, front, more), "haproxy", "-db", "-f", "FILE")
	return addr
}
