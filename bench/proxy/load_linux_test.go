package main

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/pkg/manifests"
)

func TestRequestIsLikeABrowsers(t *testing.T) {
	r := string(requestFor(hostName(1234)))
	if n := len(r); n < 370 || n > 420 {
		t.Errorf("it has %d bytes", n)
	}
	if n := strings.Count(r, "\r\n") - 2; n != 10 {
		t.Errorf("it has %d fields", n)
	}
}

// serveAlone starts the backend, without proxies.
func serveAlone(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- serveBackend(ln.(*net.TCPListener), stop) }()
	t.Cleanup(func() {
		close(stop)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return addr
}

func TestClosedLoop(t *testing.T) {
	addr := serveAlone(t)
	r, err := load.Generate((&loadOptions{addr, 4, 10, 0, 20 * time.Millisecond, 100 * time.Millisecond, os.Getpid()}).generator())
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.Requests < 10 || r.Total < r.Requests {
		t.Errorf("%+v", r)
	}
	if r.Elapsed < 100*time.Millisecond || r.P50 <= 0 || r.P99 < r.P50 || r.CPU.User+r.CPU.System <= 0 {
		t.Errorf("%+v", r)
	}
	body, err := get(context.Background(), addr, "backend", statsTarget)
	if err != nil {
		t.Fatal(err)
	}
	// Those in flight at the end are answered and not counted.
	requests := r.Total
	if !strings.HasPrefix(body, "4 ") {
		t.Errorf("connections and requests %s, want 4 and about %d", body, requests)
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	r, err := load.Generate((&loadOptions{addr: serveAlone(t), connections: 8, hosts: 8, rate: 500, window: 400 * time.Millisecond}).generator())
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed > 0 || r.Throughput() < 300 || r.Throughput() > 600 {
		t.Errorf("%.0f requests per second, want 500; %+v", r.Throughput(), r)
	}
}

func TestLoadOptionsReachTheChild(t *testing.T) {
	want := loadOptions{"127.0.0.1:80", 64, 10000, 12345.678, time.Second, 4 * time.Second, 42}
	var got loadOptions
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	got.register(flags)
	if err := flags.Parse(want.args()); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBackendAnswersHeadsInParts(t *testing.T) {
	conn, err := net.Dial("tcp", serveAlone(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	for _, part := range []string{"GET / HTTP/1.1\r\n", "Host: a\r\n\r", "\nGET / HT", "TP/1.1\r\n\r\n"} {
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	got := make([]byte, 2*len(backendAnswer))
	for n := 0; n < len(got); {
		m, err := conn.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if string(got) != string(backendAnswer)+string(backendAnswer) {
		t.Errorf("got %q", got)
	}
}

// TestManifests reads what is written as the controller does.
func TestManifests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	if err := writeManifests(dir, 1001, "127.0.0.1:4711"); err != nil {
		t.Fatal(err)
	}
	objs, err := manifests.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(objs.Problems) > 0 || len(objs.Ingresses) != 1001 || len(objs.Services) != 1 || len(objs.EndpointSlices) != 1 {
		t.Errorf("%d Ingresses, %d Services, %d slices; problems %v",
			len(objs.Ingresses), len(objs.Services), len(objs.EndpointSlices), objs.Problems)
	}
}
