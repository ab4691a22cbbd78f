package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// servePeers serves with a peer that is part of this program, in this process, until
// the tests end.
func servePeers(t *testing.T, role string) peerOptions {
	t.Helper()
	cert, err := newCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := freeAddrs(3)
	if err != nil {
		t.Fatal(err)
	}
	o := peerOptions{serveAlone(t), addrs[0], addrs[1], addrs[2], cert.certFile, cert.keyFile}
	failed := make(chan error, 1)
	go func() { failed <- roles[role](o.args()) }()
	for _, addr := range addrs {
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			conn, err := net.Dial("tcp4", addr)
			if err == nil {
				conn.Close()
				break
			}
			select {
			case err = <-failed:
				t.Fatal(err)
			default:
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
	return o
}

// TestPeersDoTheWork checks them as a run does, loads them over TLS with connections
// that stay and that do not, and counts their allocations.
func TestPeersDoTheWork(t *testing.T) {
	for _, role := range []string{httputil, fastHTTP} {
		t.Run(role, func(t *testing.T) {
			o := servePeers(t, role)
			for _, c := range []client{{addr: o.addr}, {o.tlsAddr, clientTLS()}} {
				if err := checkWork(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{tlsGet, handshake} {
				count := &mallocs{addr: o.profiles, total: -1}
				l := loadOptions{scenario: name, addr: o.tlsAddr, hosts: 10, window: 100 * time.Millisecond}
				options, err := l.generator()
				if err != nil {
					t.Fatal(err)
				}
				options.Mark, options.Connections = count.mark, 4
				options.Cores = nil
				r, err := load.Generate(options)
				if err != nil || r.Err() != nil {
					t.Fatal(err, r.Err())
				}
				if count.marks != 2 || count.total <= 0 {
					t.Errorf("%s: %d marks, %v allocations", name, count.marks, count.total)
				}
			}
		})
	}
}

// TestOtherWorkIsRefused takes the backend for a proxy: it tells nobody of the client.
func TestOtherWorkIsRefused(t *testing.T) {
	err := checkWork(t.Context(), client{addr: serveAlone(t)})
	if err == nil || !strings.Contains(err.Error(), `does not get "x-forwarded-for`) {
		t.Errorf("got %v", err)
	}
}

// TestOtherTLSIsRefused takes a cipher suite that the others do not have.
func TestOtherTLSIsRefused(t *testing.T) {
	o := servePeers(t, fastHTTP)
	config := clientTLS()
	config.CurvePreferences = []tls.CurveID{tls.CurveP256}
	if _, err := (client{o.tlsAddr, config}).do(t.Context(), get(echoTarget)); !errors.Is(err, errOtherTLS) {
		t.Errorf("got %v", err)
	}
}

// TestBackendSendsLargeBodies asks for two bodies at once that no socket takes whole.
func TestBackendSendsLargeBodies(t *testing.T) {
	conn, err := net.Dial("tcp4", serveAlone(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	const size = 12 << 20
	one := get(sizedTarget(size))
	if _, err := conn.Write(append(append([]byte{}, one...), one...)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // so that it must wait
	want, got := answer(bodyOf(size)), 0
	buf := make([]byte, 1<<20)
	for got < 2*len(want) {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		for i, x := range buf[:n] {
			if at := (got + i) % len(want); x != want[at] {
				t.Fatalf("byte %d is another", got+i)
			}
		}
		got += n
	}
}

// TestBackendRefusesWhatItCannotAnswer ends the connection.
func TestBackendRefusesWhatItCannotAnswer(t *testing.T) {
	addr := serveAlone(t)
	for _, request := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		"GET /size/ten HTTP/1.1\r\n\r\n",
		"GET /size/99999999999 HTTP/1.1\r\n\r\n",
		"POST /size/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		if body, err := (client{addr: addr}).do(t.Context(), []byte(request)); err == nil {
			t.Errorf("%q was answered with %q", request, body)
		}
	}
}

// TestBackendCounts asks for what it has counted, which is not counted.
func TestBackendCounts(t *testing.T) {
	addr := serveAlone(t)
	for range 3 {
		if _, err := (client{addr: addr}).do(t.Context(), post(sizedTarget(10), bodyOf(300<<10))); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := askBackend(context.Background(), addr); err != nil || got != (backendStats{3, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestParse wants what goes together.
func TestParse(t *testing.T) {
	o, err := parse(strings.Fields("-shockwave x -cases get,get-half -peers nginx -rounds 1"))
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 1 || !o.cases.wants(half) || o.cases.wants(idle) || !o.peers.wants(nginx) || o.peers.wants(haproxy) {
		t.Errorf("%+v", o)
	}
	if o, err = parse(strings.Fields("-shockwave x")); err != nil || !o.cases.wants(idle) || o.rounds != 5 || o.window != 3*time.Second {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := parse(strings.Fields("-shockwave x -merge a -cases idle -page b")); err != nil {
		t.Error(err)
	}
	for _, args := range []string{
		"", "-shockwave x -cases nothing", "-shockwave x -peers shockwave", "-shockwave x -rounds 0", "-shockwave x rest",
		"-shockwave x -cases get-half", "-shockwave x -page a -cases idle", "-shockwave x -page a -peers nginx",
	} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestCosts(t *testing.T) {
	s, _ := find(post1M)
	r := loaded{Mallocs: 50}
	r.Requests, r.Elapsed = 100, 2*time.Second
	r.Sent, r.Received = 100*mib, 100*smallSize
	r.CPU = load.CPUTime{User: 10 * time.Millisecond, System: 30 * time.Millisecond}
	r.Busy = []float64{.5, .9}
	want := figures{Rate: 50, User: 100, System: 300, MiB: 400, Allocs: .5, Core: .5, Other: .9}
	if got := costs(&s, &r); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
