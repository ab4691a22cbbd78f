package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// writeProxyHeader begins nc with a PROXY header that tells whose connection it is
// on. Without addresses it says that they are not known.
func writeProxyHeader(ctx context.Context, nc net.Conn, version uint8, w *Want) error {
	b, err := proxyHeader(version, w.Client, w.Local)
	if err != nil {
		return fmt.Errorf("make PROXY header: %w", err)
	}
	if until, ok := ctx.Deadline(); ok {
		_ = nc.SetWriteDeadline(until)
		defer func() { _ = nc.SetWriteDeadline(time.Time{}) }()
	}
	if _, err := nc.Write(b); err != nil {
		return fmt.Errorf("write PROXY header: %w", err)
	}
	return nil
}

// proxyHeader is the header for a connection from client to local. Addresses of two
// families are both told as IPv6.
func proxyHeader(version uint8, client, local netip.AddrPort) ([]byte, error) {
	var src, dst net.Addr
	if client.IsValid() && local.IsValid() {
		src, dst = tcpAddr(client), tcpAddr(local)
	}
	return proxyproto.HeaderProxyFromAddrs(version, src, dst).Format()
}

// tcpAddr drops the zone, which has no place in the header.
func tcpAddr(a netip.AddrPort) *net.TCPAddr {
	return &net.TCPAddr{IP: a.Addr().WithZone("").AsSlice(), Port: int(a.Port())}
}
