package sock

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
)

// A connection with other addresses is a plain socket all the same, and can be cut
// below TLS.
func TestAddressed(t *testing.T) {
	c, peer := pair(t, nil)
	local, remote := netip.MustParseAddrPort("192.0.2.1:443"), netip.MustParseAddrPort("[2001:db8::1]:5000")
	a := WithAddrs(c.NetConn(), local, remote)
	got := New(a, nil)
	if got.Local() != local || got.Remote() != remote || !got.CanWait() || got.NetConn() != net.Conn(a) {
		t.Fatalf("%v, %v, a socket: %v", got.Local(), got.Remote(), got.CanWait())
	}
	if a.LocalAddr().String() != local.String() || a.RemoteAddr().String() != remote.String() {
		t.Fatalf("%v, %v", a.LocalAddr(), a.RemoteAddr())
	}
	_, _ = got.Write([]byte("hello"))
	if err := got.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(peer); err != nil || string(b) != "hello" {
		t.Fatalf("%q, %v", b, err)
	}

	c, peer = pair(t, nil)
	over := New(tls.Server(WithAddrs(c.NetConn(), local, remote), nil), nil)
	if over.Remote() != remote || over.CanWait() {
		t.Fatalf("%v, a socket: %v", over.Remote(), over.CanWait())
	}
	_ = over.Reset()
	if _, err := peer.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Fatalf("peer read: %v, want an error that is no clean end", err)
	}
	pipe, _ := net.Pipe()
	if err := WithAddrs(pipe, local, remote).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
