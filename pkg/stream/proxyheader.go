package stream

import (
	"bufio"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// headerBuffer is what is read at most of a client before its PROXY header is known.
// The header itself may be longer, by proxyproto.MaxV2HeaderSize.
const headerBuffer = 1 << 10

// readProxyHeader reads the header that the connection must begin with, within a
// time, and makes the address that it tells that of the client, where it is to be
// believed. rest are bytes that came with it.
func readProxyHeader(c *sock.Conn, limit time.Duration, believe bool) (rest []byte, err error) {
	r := bufio.NewReaderSize(c, headerBuffer)
	c.ReadWithin(limit)
	h, err := proxyproto.Read(r)
	c.ReadWithin(0)
	if err != nil {
		return nil, err
	}
	// A LOCAL header, such as that of a health check, tells no address.
	if source, _, ok := h.TCPAddrs(); believe && ok && h.Command.IsProxy() {
		a := source.AddrPort()
		c.SetRemote(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	}
	rest, _ = r.Peek(r.Buffered())
	return rest, nil
}

// proxyHeader is the header that is sent to an endpoint, with the client's address
// and the one that it connected to (as by nginx's directive proxy_protocol).
func proxyHeader(c *sock.Conn, version uint8) ([]byte, error) {
	h := &proxyproto.Header{Version: version, Command: proxyproto.LOCAL}
	if c.Remote().IsValid() && c.Local().IsValid() {
		h = proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(c.Remote()), net.TCPAddrFromAddrPort(c.Local()))
	}
	return h.Format()
}
