package rawconn

import (
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Listen serves each connection to an address of its own: see Serve.
func Listen(t testing.TB, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, ln, serve)
}

// Serve serves each connection of a listener with a function in a goroutine of its
// own, and closes it then. When the test ends the listener and all connections are
// closed, and the functions have returned.
func Serve(t testing.TB, ln net.Listener, serve func(net.Conn)) netip.AddrPort {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns = make(map[net.Conn]bool)
	)
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[nc] = true
			mu.Unlock()
			wg.Go(func() {
				defer func() {
					_ = nc.Close()
					mu.Lock()
					delete(conns, nc)
					mu.Unlock()
				}()
				serve(nc)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for nc := range conns {
			_ = nc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().(*net.TCPAddr).AddrPort()
}
