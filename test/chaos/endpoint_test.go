package chaos

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// endpoint is an application that can be killed, brought back and stalled. It
// keeps its address.
type endpoint struct {
	addr netip.AddrPort

	mu      sync.Mutex
	ln      net.Listener // nil: killed
	conns   map[net.Conn]bool
	stalled chan struct{} // closed when it goes on; nil: not stalled
	wg      sync.WaitGroup
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{addr: ln.Addr().(*net.TCPAddr).AddrPort(), conns: make(map[net.Conn]bool)}
	e.serve(ln)
	return e
}

func (e *endpoint) serve(ln net.Listener) {
	e.ln = ln
	e.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			e.mu.Lock()
			if e.ln != ln { // killed meanwhile
				e.mu.Unlock()
				_ = nc.Close()
				continue
			}
			e.conns[nc] = true
			e.mu.Unlock()
			e.wg.Go(func() { e.answer(nc) })
		}
	})
}

// answer echoes method, path and length of each request.
func (e *endpoint) answer(nc net.Conn) {
	defer func() {
		e.mu.Lock()
		delete(e.conns, nc)
		e.mu.Unlock()
		_ = nc.Close()
	}()
	r := bufio.NewReader(nc)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, req.Body)
		if err != nil {
			return
		}
		e.mu.Lock()
		stalled := e.stalled
		e.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		body := fmt.Sprintf("%s %s %d\n", req.Method, req.URL.Path, n)
		if _, err := fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
	}
}

// kill closes the listener and resets all connections.
func (e *endpoint) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ln == nil {
		return
	}
	_ = e.ln.Close()
	e.ln = nil
	for nc := range e.conns {
		_ = nc.(*net.TCPConn).SetLinger(0)
		_ = nc.Close()
	}
}

// revive listens again on the same address.
func (e *endpoint) revive() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ln != nil {
		return nil
	}
	ln, err := net.Listen("tcp", e.addr.String())
	if err != nil {
		return err
	}
	e.serve(ln)
	return nil
}

// stall keeps the endpoint from answering, and goOn ends that.
func (e *endpoint) stall() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stalled == nil {
		e.stalled = make(chan struct{})
	}
}

func (e *endpoint) goOn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stalled != nil {
		close(e.stalled)
		e.stalled = nil
	}
}

// stop ends the endpoint for good.
func (e *endpoint) stop(t *testing.T) {
	e.goOn()
	e.kill()
	ended := make(chan struct{})
	go func() { e.wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("an endpoint does not end")
	}
}
