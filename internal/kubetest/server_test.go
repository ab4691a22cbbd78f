package kubetest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// Whoever lacks the programs is told where they come from.
func TestAssets(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", dir)
	if _, err := assets(); err == nil || !strings.Contains(err.Error(), "hack/apiserver/build.sh") {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := assets(); err != nil || got != dir {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(root(), "hack", "apiserver", "build.sh")); err != nil {
		t.Error(err)
	}
}

func TestLine(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config, line := Cuttable(&rest.Config{})
	dial := func() (net.Conn, error) {
		return config.Dial(context.Background(), "tcp", listener.Addr().String())
	}
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	line.Cut()
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("a connection survived the cut")
	}
	if _, err := dial(); err == nil {
		t.Error("a connection was made over a line that is cut")
	}
	line.Restore()
	conn, err = dial()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
