package kubetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
)

// Server is a running API server with our CustomResourceDefinitions.
type Server struct {
	// Config reaches it as an administrator.
	Config *rest.Config
	// Client is an administrator's.
	Client client.Client

	env *envtest.Environment
}

var shared *Server

// Main runs a package's tests with an API server and returns the exit status.
func Main(m *testing.M) int {
	server, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = server
	status := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the API server:", err)
		return 1
	}
	return status
}

// Cluster returns the API server that Main started.
func Cluster(t testing.TB) *Server {
	t.Helper()
	if shared == nil {
		t.Fatal("kubetest.Main has not run: call it from TestMain")
	}
	return shared
}

// root is the repository's directory.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// assets returns the directory of etcd and kube-apiserver.
func assets() (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		dir = filepath.Join(root(), "bin", "kubebuilder")
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("these tests run against a real API server, and %s has no %s: "+
				"run hack/apiserver/build.sh, which builds both once, or set KUBEBUILDER_ASSETS to a directory that has them", dir, name)
		}
	}
	return dir, nil
}

// quiet sends what the Kubernetes libraries log to the error output only if
// KUBETEST_LOG is set.
var quiet = sync.OnceFunc(func() {
	h := slog.DiscardHandler
	if os.Getenv("KUBETEST_LOG") != "" {
		h = slog.NewTextHandler(os.Stderr, nil)
	}
	log.SetLogger(logr.FromSlogHandler(h))
	klog.SetSlogLogger(slog.New(h))
})

// Start starts an API server, which asks for authorization by RBAC. Whoever
// starts it must Stop it.
func Start() (*Server, error) {
	quiet()
	dir, err := assets()
	if err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme.Scheme); err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory:    dir,
		CRDDirectoryPaths:        []string{filepath.Join(root(), "config", "crd")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	env.ControlPlane.GetAPIServer().Configure().
		Set("authorization-mode", "RBAC").
		// quicker: nothing here uses them
		Set("profiling", "false")
	config, err := env.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the API server: %w", err), env.Stop())
	}
	s := &Server{Config: config, env: env}
	if s.Client, err = client.New(config, client.Options{}); err != nil {
		return nil, errors.Join(fmt.Errorf("API server client: %w", err), env.Stop())
	}
	return s, nil
}

// Stop ends the API server and removes its data.
func (s *Server) Stop() error { return s.env.Stop() }

// Kubeconfig is a kubeconfig file's content for an administrator.
func (s *Server) Kubeconfig() []byte { return s.env.KubeConfig }

// Line is a way to the API server that can be cut.
type Line struct {
	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
}

// Cuttable returns a config whose connections line cuts and restores.
func Cuttable(config *rest.Config) (*rest.Config, *Line) {
	line := &Line{conns: make(map[net.Conn]struct{})}
	config = rest.CopyConfig(config)
	config.Dial = line.dial
	return config, line
}

func (l *Line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		conn.Close() // that is the point
		return nil, errors.New("the line is cut")
	}
	l.conns[conn] = struct{}{}
	return conn, nil
}

// Cut closes all connections and lets none be made until Restore.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for conn := range l.conns {
		conn.Close() // that is the point
		delete(l.conns, conn)
	}
}

// Restore lets connections be made again.
func (l *Line) Restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}
