package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lines that the demo prints work when they are pasted into a shell.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "demo", "--http-port=0", "--https-port=0")
	p.eventually("it prints what to try", 20*time.Second, func() bool { return strings.Contains(p.out.String(), "Ctrl-C ends it.") })
	said := p.out.String()
	dir := regexp.MustCompile(`manifests in (\S+)\n`).FindStringSubmatch(said)
	if dir == nil {
		t.Fatalf("it does not say where the manifests are:\n%s", said)
	}
	lines := regexp.MustCompile(`(?m)^  (curl|sed) .*$`).FindAllString(said, -1)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("this test pastes the demo's lines into a shell and needs curl: install it")
	}
	// What each line shows, in order.
	want := []string{
		"This is home.\nGET / for shop.example",
		"This is cart.\nGET / for cart.example",
		"This is cart.\nGET /cart/7 for shop.example",
		"over https",
		"", // the edit
		"This is home.\nGET /cart/7 for shop.example",
		"nginx_ingress_controller_requests",
		"host shop.example",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines to paste, want %d:\n%s", len(lines), len(want), said)
	}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		var out []byte
		var err error
		// The edit may take a moment to be served.
		for range 200 {
			out, err = exec.Command("sh", "-c", strings.Replace(line, "curl ", "curl -sS --max-time 10 ", 1)).CombinedOutput()
			if err != nil || strings.Contains(string(out), want[i]) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil || !strings.Contains(string(out), want[i]) {
			t.Errorf("%s\n%v\nsays %q\nwant %q", line, err, out, want[i])
		}
	}
	p.signal(syscall.SIGINT)
	if status := p.wait(10 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if _, err := os.Stat(dir[1] + "/shop.yaml"); err != nil {
		t.Errorf("the manifests are gone: %v", err)
	}
	if strings.Contains(p.log.String(), "level=") {
		t.Errorf("the demo complains:\n%s", p.log.String())
	}
}
