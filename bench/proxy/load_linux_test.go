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
	r := string(get(sizedTarget(smallSize)))
	if n := len(r); n < 350 || n > 420 {
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

// generate loads the backend with a scenario.
func generate(t *testing.T, o loadOptions) load.Result {
	t.Helper()
	o.hosts = 10
	options, err := o.generator()
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.Generate(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Every plain scenario works against the backend itself: bodies of all sizes, both
// ways.
func TestScenariosAgainstTheBackend(t *testing.T) {
	for _, s := range scenarios {
		if s.TLS || s.Idle || s.Half {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			// Latencies are known of what begins and ends in the window.
			window := 200*time.Millisecond + time.Duration(s.Size/mib)*200*time.Millisecond
			r := generate(t, loadOptions{scenario: s.Name, addr: serveAlone(t), warm: 20 * time.Millisecond, window: window, pid: os.Getpid(), otherCore: 1})
			if r.Requests < 1 || r.Total < r.Requests || r.P50 <= 0 || r.P99 < r.P50 || r.CPU.User+r.CPU.System <= 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestOpenLoopKeepsItsRate(t *testing.T) {
	r := generate(t, loadOptions{scenario: half, addr: serveAlone(t), rate: 500, window: 400 * time.Millisecond, otherCore: 1})
	if r.Throughput() < 300 || r.Throughput() > 600 {
		t.Errorf("%.0f requests per second, want 500; %+v", r.Throughput(), r)
	}
}

func TestLoadOptionsReachTheChild(t *testing.T) {
	want := loadOptions{
		scenario: get1M, addr: "127.0.0.1:80", hosts: 10000, rate: 12345.678, warm: time.Second, window: 4 * time.Second,
		pid: 42, profiles: "127.0.0.1:10254", proxyCore: 2, otherCore: 3,
	}
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
	target := sizedTarget(smallSize)
	for _, part := range []string{"GET " + target + " HTTP/1.1\r\n", "Host: a\r\n\r", "\nGET " + target + " HT", "TP/1.1\r\n\r\n"} {
		if _, err := conn.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	var got []byte
	buf := make([]byte, 4096)
	for strings.Count(string(got), string(bodyOf(smallSize))) < 2 {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, buf[:n]...)
	}
}

// The sum of a body tells whether it has arrived whole.
func TestBackendSums(t *testing.T) {
	body := bodyOf(100_000)
	got, err := client{addr: serveAlone(t)}.do(context.Background(), post(sumTarget, body))
	if err != nil || string(got) != sumOf(len(body), sum(fnvOffset, body)) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestManifests reads what is written as the controller does.
func TestManifests(t *testing.T) {
	cert, err := newCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "manifests")
	if err := writeManifests(dir, 1001, "127.0.0.1:4711", &cert); err != nil {
		t.Fatal(err)
	}
	objs, err := manifests.ReadAll([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(objs.Problems) > 0 || len(objs.Ingresses) != 1001 || len(objs.Services) != 1 || len(objs.EndpointSlices) != 1 {
		t.Errorf("%d Ingresses, %d Services, %d slices; problems %v",
			len(objs.Ingresses), len(objs.Services), len(objs.EndpointSlices), objs.Problems)
	}
}
