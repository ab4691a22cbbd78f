package downstream

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Sizes of PROXY headers (haproxy.org/download/3.4/doc/proxy-protocol.txt, sections 2.1
// and 2.2).
const (
	longestProxyV1 = 107
	fixedProxyV2   = 16      // up to the length of what follows
	longestProxyV2 = 4 << 10 // of what follows: addresses and TLVs
	// signatureLength is how much tells the versions apart, and less than any header.
	signatureLength = 12

	proxyV1, proxyV2 = "PROXY ", "\r\n\r\n\x00\r\nQUIT\n"
)

// errProxyHeader is about a connection that begins with something else.
var errProxyHeader = errors.New("PROXY header is malformed or missing")

// behindProxy returns the connection behind the PROXY header that it must begin with,
// if it must: with the addresses that the header tells, when its sender is trusted. It
// returns nil when there is no such header.
func (c *conn) behindProxy() net.Conn {
	set := c.srv.set.Load()
	if !set.proxyProtocol {
		return c.nc
	}
	if d := set.proxyHeaderTimeout; d > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
	client, ours, err := readProxyHeader(c.nc)
	if err != nil {
		c.count.failedProxyHeaders.Add(1)
		return nil
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	if !client.IsValid() || !set.trusts(c.nc.RemoteAddr()) {
		return c.nc
	}
	return sock.WithAddrs(c.nc, ours, client)
}

// trusts tells whether PROXY headers from this peer are believed.
func (s *settings) trusts(peer net.Addr) bool {
	if s.trustedProxies == nil {
		return true
	}
	t, ok := peer.(*net.TCPAddr)
	if !ok {
		return false
	}
	addr := t.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range s.trustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// readProxyHeader reads a PROXY header and not a byte more. The addresses are those of
// the client and the one that it has connected to; both are zero when the header tells
// none, so that the socket's hold: LOCAL, UNKNOWN and what is no TCP over IP.
func readProxyHeader(r io.Reader) (client, ours netip.AddrPort, err error) {
	head, err := proxyHeaderBytes(r)
	if err != nil {
		return client, ours, err
	}
	const command, family = signatureLength, signatureLength + 1
	if head[0] == proxyV2[0] && head[command] == 0x21 && head[family] == 0 {
		// PROXY and UNSPEC: of a connection that the sender cannot describe. The
		// receiver may go by the socket (section 2.2), as it does with LOCAL.
		head[command] = 0x20
	}
	h, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(head), len(head)))
	if err != nil {
		return client, ours, err
	}
	from, to, ok := h.TCPAddrs()
	if !ok || h.Command.IsLocal() {
		return client, ours, nil
	}
	return unmapped(from), unmapped(to), nil
}

func unmapped(a *net.TCPAddr) netip.AddrPort {
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// proxyHeaderBytes reads the bytes of a PROXY header. What is behind it stays in the
// socket, which remains one that can be read without a buffer.
func proxyHeaderBytes(r io.Reader) ([]byte, error) {
	buf := make([]byte, 0, longestProxyV1)
	for len(buf) < signatureLength {
		n, err := r.Read(buf[len(buf):signatureLength])
		buf = buf[:len(buf)+n]
		switch {
		case !begins(buf, proxyV1) && !begins(buf, proxyV2):
			return nil, errProxyHeader
		case err != nil:
			return nil, err
		}
	}
	var err error
	if buf[0] == proxyV1[0] {
		for buf[len(buf)-1] != '\n' {
			if len(buf) == longestProxyV1 {
				return nil, errProxyHeader
			}
			if buf, err = readMore(r, buf, 1); err != nil {
				return nil, err
			}
		}
		return buf, nil
	}
	if buf, err = readMore(r, buf, fixedProxyV2-len(buf)); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(buf[fixedProxyV2-2:]))
	if length > longestProxyV2 {
		return nil, errProxyHeader
	}
	return readMore(r, buf, length)
}

// begins tells whether b is the beginning of a header with this signature.
func begins(b []byte, signature string) bool {
	n := min(len(b), len(signature))
	return string(b[:n]) == signature[:n]
}

// readMore appends the next n bytes to buf.
func readMore(r io.Reader, buf []byte, n int) ([]byte, error) {
	at := len(buf)
	if cap(buf) < at+n {
		buf = append(make([]byte, 0, at+n), buf...)
	}
	buf = buf[:at+n]
	_, err := io.ReadFull(r, buf[at:])
	return buf, err
}
