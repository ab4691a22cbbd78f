package main

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/cases"
	"github.com/shockwave-ingress/shockwave/bench/load"
	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/server"
)

func mixedSet(t *testing.T) []weighted {
	t.Helper()
	set, err := readRequests(requestsFile)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestMixedSetIsWide checks that the set has what it is said to have.
func TestMixedSetIsWide(t *testing.T) {
	set := mixedSet(t)
	if len(set) < 40 {
		t.Errorf("there are %d requests", len(set))
	}
	sum, large, bodies := 0, 0, 0
	for _, r := range set {
		head, body, _ := strings.Cut(string(r.request.Bytes), "\r\n\r\n")
		sum += r.weight
		switch {
		case len(head) > 16<<10 || len(body) > 2000:
			t.Errorf("%s: a head of %d bytes and a body of %d", r.name, len(head), len(body))
		case len(head) > 4<<10:
			large += r.weight
		}
		if body != "" {
			bodies += r.weight
		}
		if strings.Contains(head, "\n\n") || strings.Count(head, "\r") != strings.Count(head, "\n") {
			t.Errorf("%s: line ends", r.name)
		}
	}
	if share := float64(large) / float64(sum); share < .005 || share > .05 {
		t.Errorf("a part of %.3f has a head above 4 KB", share)
	}
	if share := float64(bodies) / float64(sum); share < .1 || share > .4 {
		t.Errorf("a part of %.3f has a body", share)
	}
	if got := len(sequence(set)); got != sum {
		t.Errorf("the sequence has %d requests, want %d", got, sum)
	}
}

func TestUnreadableRequestsAreTold(t *testing.T) {
	for _, file := range []string{
		"",
		"-- a --\nGET / HTTP/1.1\nHost: a\n\n",
		"-- a 0 --\nGET / HTTP/1.1\nHost: a\n\n",
		"-- a 1 --\nGET / HTTP/1.1\nHost: a\n",
		"-- a 1 --\nPOST / HTTP/1.1\nHost: a\n\nbody\n",
		"-- a 1 --\nPOST / HTTP/1.1\nHost: a\nContent-Length: *\n\n",
	} {
		if _, err := readRequests([]byte(file)); err == nil {
			t.Errorf("%q was accepted", file)
		}
	}
	got, err := readRequests([]byte("-- a 2 --\nPOST / HTTP/1.1\nHost: a\nContent-Length: *\n\nsome body\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome body"; string(got[0].request.Bytes) != want {
		t.Errorf("got %q", got[0].request.Bytes)
	}
}

// TestMixedSetFitsIntoSlabs replays the mixed set on a greentea server, as often
// as the weights say. Nearly all exchanges must be served wholly from their slab,
// and next to nothing be allocated beside it.
func TestMixedSetFitsIntoSlabs(t *testing.T) {
	all := sequence(mixedSet(t))
	cfg := server.DefaultConfig()
	cfg.AllocationMode = server.GreenTea
	cfg.Handler = cases.Shockwave(cases.Mixed)
	conn := dial(t, serve(t, cfg))

	const warm, times = 1, 5
	buf := make([]byte, 4096)
	replay := func() {
		for _, r := range all {
			roundTrip(t, conn, r, buf)
		}
	}
	for range warm {
		replay()
	}
	var before, after runtime.MemStats
	statsBefore := alloc.ReadStats()[alloc.GreenTea]
	runtime.ReadMemStats(&before)
	for range times {
		replay()
	}
	runtime.ReadMemStats(&after)
	statsAfter := alloc.ReadStats()[alloc.GreenTea]

	exchanges := statsAfter.Exchanges - statsBefore.Exchanges
	if want := uint64(times * len(all)); exchanges < want-1 || exchanges > want+1 { // one may not be over yet
		t.Errorf("%d exchanges were counted, want %d", exchanges, want)
	}
	hits := 1 - float64(statsAfter.Misses-statsBefore.Misses)/float64(exchanges)
	perRequest := float64(after.TotalAlloc-before.TotalAlloc) / float64(times*len(all))
	t.Logf("%.2f %% of %d exchanges fitted into their slab; %.1f B per request", 100*hits, exchanges, perRequest)
	if hits <= .95 {
		t.Errorf("%.2f %% of exchanges fitted into their slab, want more than 95 %%", 100*hits)
	}
	if race.Enabled || alloc.Built().Debug {
		return // memory cannot be counted
	}
	if perRequest > 100 {
		t.Errorf("%.1f B were allocated per request, want at most 100", perRequest)
	}
}

func serve(t *testing.T, cfg server.Config) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.NewServer(cfg)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-done
	})
	return ln.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// roundTrip sends a request and reads its answer into buf.
func roundTrip(t *testing.T, conn net.Conn, r *load.Request, buf []byte) {
	t.Helper()
	if _, err := conn.Write(r.Bytes); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; {
		m, err := conn.Read(buf[n:])
		if err != nil {
			t.Fatalf("after %q: %v", buf[:n], err)
		}
		n += m
		head, body, ends, err := load.ParseHead(buf[:n])
		switch {
		case err != nil || ends:
			t.Fatalf("to %.100q: answer %q: ends %v, %v", r.Bytes, buf[:n], ends, err)
		case head > 0 && n >= head+body:
			if !bytes.Equal(buf[head:n], r.Want.Body) {
				t.Fatalf("answer %q", buf[:n])
			}
			return
		}
	}
}
