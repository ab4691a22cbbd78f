package downstream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// v2 is a PROXY header of version 2 with this body.
func v2(command, family byte, body string) string {
	h := append([]byte(proxyV2), command, family)
	h = binary.BigEndian.AppendUint16(h, uint16(len(body)))
	return string(h) + body
}

var (
	addrs4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x13\x88\x01\xbb" // 192.0.2.1:5000 to 198.51.100.2:443
	addrs6 = string(netip.MustParseAddr("2001:db8::1").AsSlice()) + string(netip.MustParseAddr("2001:db8::2").AsSlice()) + "\x13\x88\x01\xbb"
	mapped = string(netip.MustParseAddr("::ffff:192.0.2.1").AsSlice()) + string(netip.MustParseAddr("::ffff:198.51.100.2").AsSlice()) + "\x13\x88\x01\xbb"
	tlvs   = "\x01\x00\x02h2" + "\x02\x00\x07a.local" + "\x04\x00\x01\x00"
)

const (
	from4, to4 = "192.0.2.1:5000", "198.51.100.2:443"
	from6, to6 = "[2001:db8::1]:5000", "[2001:db8::2]:443"
)

// proxyHeaders are headers with the addresses that they tell; empty ones are the
// socket's, and "bad" is no header.
var proxyHeaders = []struct{ name, header, client, ours string }{
	{"v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n", from4, to4},
	{"v1 TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 5000 443\r\n", from6, to6},
	{"v1 mapped", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 5000 443\r\n", from4, to4},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\n", "", ""},
	{"v1 UNKNOWN with addresses", "PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:f:f:f:f:f:f:ffff 65535 65535\r\n", "", ""},
	{"v2 TCP4", v2(0x21, 0x11, addrs4), from4, to4},
	{"v2 TCP6", v2(0x21, 0x21, addrs6), from6, to6},
	{"v2 mapped", v2(0x21, 0x21, mapped), from4, to4},
	{"v2 with TLVs", v2(0x21, 0x11, addrs4+tlvs), from4, to4},
	{"v2 with much", v2(0x21, 0x11, addrs4+"\xea\x0f\xf1"+strings.Repeat("x", 4081)), from4, to4},
	{"v2 LOCAL", v2(0x20, 0x00, ""), "", ""},
	{"v2 LOCAL with addresses", v2(0x20, 0x11, addrs4), "", ""},
	{"v2 LOCAL with a family only", v2(0x20, 0x11, ""), "", ""},
	{"v2 UNSPEC", v2(0x21, 0x00, ""), "", ""},
	{"v2 UNSPEC with more", v2(0x21, 0x00, "anything"), "", ""},
	{"v2 UDP", v2(0x21, 0x12, addrs4), "", ""},
	{"v2 Unix", v2(0x21, 0x31, strings.Repeat("/sock\x00", 36)), "", ""},

	{"nothing", "", "bad", ""},
	{"HTTP", get, "bad", ""},
	{"short HTTP", "GET /", "bad", ""},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "bad", ""},
	{"v1 cut", "PROXY TCP4 192.0.2.1", "bad", ""},
	{"v1 without addresses", "PROXY TCP4\r\n", "bad", ""},
	{"v1 without a space", "PROXYTCP4 192.0.2.1 198.51.100.2 5000 443\r\n", "bad", ""},
	{"v1 in lower case", "proxy TCP4 192.0.2.1 198.51.100.2 5000 443\r\n", "bad", ""},
	{"v1 LF only", "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\n", "bad", ""},
	{"v1 other family", "PROXY TCP4 2001:db8::1 2001:db8::2 5000 443\r\n", "bad", ""},
	{"v1 UDP", "PROXY UDP4 192.0.2.1 198.51.100.2 5000 443\r\n", "bad", ""},
	{"v1 port", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", "bad", ""},
	{"v1 port with a zero", "PROXY TCP4 192.0.2.1 198.51.100.2 05000 443\r\n", "bad", ""},
	{"v1 zone", "PROXY TCP6 fe80::1%eth0 2001:db8::2 5000 443\r\n", "bad", ""},
	{"v1 two spaces", "PROXY  TCP4 192.0.2.1 198.51.100.2 5000 443\r\n", "bad", ""},
	{"v1 too long", "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443" + strings.Repeat(" ", 100) + "\r\n", "bad", ""},
	{"v1 endless", "PROXY UNKNOWN " + strings.Repeat("x", 200), "bad", ""},
	{"v2 cut in the signature", proxyV2[:7], "bad", ""},
	{"v2 other signature", "\r\n\r\n\x00\r\nQUIZ\n\x21\x11\x00\x0c" + addrs4, "bad", ""},
	{"v2 version", v2(0x31, 0x11, addrs4), "bad", ""},
	{"v2 command", v2(0x22, 0x11, addrs4), "bad", ""},
	{"v2 family", v2(0x21, 0x13, addrs4), "bad", ""},
	{"v2 too short for its family", v2(0x21, 0x21, addrs4), "bad", ""},
	{"v2 cut", v2(0x21, 0x11, addrs4)[:20], "bad", ""},
	{"v2 too long", v2(0x21, 0x11, addrs4+strings.Repeat("x", 4096)), "bad", ""},
	{"v2 length of 65535", proxyV2 + "\x21\x11\xff\xff", "bad", ""},
}

// Each header is read alike whatever pieces it comes in, and nothing behind it is.
func TestReadProxyHeader(t *testing.T) {
	const behind = "GET /"
	for _, c := range proxyHeaders {
		full := c.header
		if c.client != "bad" {
			full += behind
		}
		readers := []io.Reader{strings.NewReader(full), iotest.OneByteReader(strings.NewReader(full)), iotest.DataErrReader(strings.NewReader(full))}
		for i := range min(len(full), 150) {
			readers = append(readers, io.MultiReader(strings.NewReader(full[:i]), strings.NewReader(full[i:])))
		}
		for i, r := range readers {
			client, ours, err := readProxyHeader(r)
			if (err != nil) != (c.client == "bad") {
				t.Fatalf("%s, %d: %v", c.name, i, err)
			}
			if err != nil {
				continue
			}
			if want := addrOrZero(c.client); client != want {
				t.Errorf("%s, %d: client %v, want %v", c.name, i, client, want)
			}
			if want := addrOrZero(c.ours); ours != want {
				t.Errorf("%s, %d: ours %v, want %v", c.name, i, ours, want)
			}
			if rest, _ := io.ReadAll(r); string(rest) != behind {
				t.Errorf("%s, %d: %q is left", c.name, i, rest)
			}
		}
	}
}

func addrOrZero(s string) netip.AddrPort {
	if s == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(s)
}

func FuzzReadProxyHeader(f *testing.F) {
	for _, c := range proxyHeaders {
		f.Add([]byte(c.header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := bytes.NewReader(b)
		client, ours, err := readProxyHeader(whole)
		if read := len(b) - whole.Len(); read > fixedProxyV2+longestProxyV2 {
			t.Fatalf("%d bytes were read", read)
		}
		if err == nil && client.IsValid() != ours.IsValid() {
			t.Fatalf("%v, %v", client, ours)
		}
		pieces := bytes.NewReader(b)
		client2, ours2, err2 := readProxyHeader(iotest.OneByteReader(pieces))
		if client2 != client || ours2 != ours || (err2 == nil) != (err == nil) {
			t.Fatalf("in pieces %v, %v, %v; whole %v, %v, %v", client2, ours2, err2, client, ours, err)
		}
		if err == nil && pieces.Len() != whole.Len() {
			t.Fatal("in pieces another number of bytes was read")
		}
	})
}

// tellAddrs answers with the addresses of the exchange.
var tellAddrs = funcs{serve: func(ex *message.Exchange) {
	respond(ex, fmt.Appendf(nil, "%v %v", ex.Remote, ex.Local))
}}

func expectAddrs(c *rawconn.Conn, client, ours string) {
	c.Send(get)
	body := client + " " + ours
	c.Expect(fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// The addresses of an exchange are those of the PROXY header, or else the socket's, and
// what is no header ends the connection without a word.
func TestProxyProtocol(t *testing.T) {
	s := start(t, Config{ProxyProtocol: true, Handler: tellAddrs})
	failed := uint64(0)
	for _, h := range proxyHeaders {
		c := rawconn.Dial(t, s.addr)
		c.Send(h.header)
		if h.client == "bad" {
			_ = c.NetConn().(*net.TCPConn).CloseWrite() // unless it was cut already
			if rest, _ := c.Rest(); rest != "" {
				t.Errorf("%s: answered %q", h.name, rest)
			}
			failed++
			eventually(t, h.name+" is counted", func() bool { return s.Stats().FailedProxyHeaders == failed })
			continue
		}
		client, ours := h.client, h.ours
		if client == "" {
			client, ours = c.NetConn().LocalAddr().String(), s.addr
		}
		expectAddrs(c, client, ours)
		expectAddrs(c, client, ours)
		c.Close()
	}
}

// A header behind which a request waits is read in no matter what pieces.
func TestProxyProtocolInPieces(t *testing.T) {
	s := start(t, Config{ProxyProtocol: true, Handler: tellAddrs})
	for _, header := range []string{"PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n", v2(0x21, 0x11, addrs4+tlvs)} {
		c := rawconn.Dial(t, s.addr)
		for i := range header {
			c.Send(header[i : i+1])
		}
		expectAddrs(c, from4, to4)
		c = rawconn.Dial(t, s.addr)
		c.Send(header + get[:10])
		c.Send(get[10:])
		c.Until(from4 + " " + to4)
	}
}

// The header of a peer that is not trusted is read, and not believed.
func TestProxyProtocolFromStrangers(t *testing.T) {
	const header = "PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n"
	cfg := Config{ProxyProtocol: true, Handler: tellAddrs, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	s := start(t, cfg)
	c := rawconn.Dial(t, s.addr)
	c.Send(header)
	expectAddrs(c, c.NetConn().LocalAddr().String(), s.addr)
	c = rawconn.Dial(t, s.addr)
	c.Send(get)
	if rest, _ := c.Rest(); rest != "" {
		t.Errorf("a stranger without a header got %q", rest)
	}

	cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix("127.0.0.0/8"))
	s.SetConfig(cfg)
	c = rawconn.Dial(t, s.addr)
	c.Send(header)
	expectAddrs(c, from4, to4)

	cfg.ProxyProtocol = false // for connections from now on
	s.SetConfig(cfg)
	expectAddrs(c, from4, to4)
	c = rawconn.Dial(t, s.addr)
	expectAddrs(c, c.NetConn().LocalAddr().String(), s.addr)
}

func TestTrusts(t *testing.T) {
	set := &settings{}
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	if !set.trusts(tcp("192.0.2.1:1")) || !set.trusts(&net.UnixAddr{}) {
		t.Error("without a list somebody is not trusted")
	}
	set.trustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("fe80::/10")}
	for addr, want := range map[string]bool{
		"192.0.2.1:1": true, "[::ffff:192.0.2.1]:1": true, "192.0.3.1:1": false, "[2001:db8::1]:1": false, "[fe80::1%lo]:1": true,
	} {
		if got := set.trusts(tcp(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if set.trusts(&net.UnixAddr{}) {
		t.Error("what has no address is trusted")
	}
}

// A header that does not come in time ends the connection.
func TestSlowProxyHeaderIsCut(t *testing.T) {
	s := start(t, Config{ProxyProtocol: true, ProxyHeaderTimeout: 100 * time.Millisecond, KeepAliveTimeout: time.Minute})
	for _, beginning := range []string{"", "PROXY TCP4 ", v2(0x21, 0x11, addrs4)[:20]} {
		c := rawconn.Dial(t, s.addr)
		c.Send(beginning)
		if rest, _ := c.Rest(); rest != "" {
			t.Errorf("%q: answered %q", beginning, rest)
		}
	}
	eventually(t, "all are counted", func() bool { return s.Stats().FailedProxyHeaders == 3 })
	c := rawconn.Dial(t, s.addr)
	c.Send("PROXY UNKNOWN\r\n")
	time.Sleep(200 * time.Millisecond) // the time is for the header only
	c.Send(get)
	c.Expect(hello)
}

// In front of TLS a header does what it does elsewhere, also when the two come together.
func TestProxyProtocolBeforeTLS(t *testing.T) {
	s := startTLS(t, Config{ProxyProtocol: true, Handler: tellAddrs})
	nc := dialRaw(t, s.addr)
	_, _ = io.WriteString(nc, v2(0x21, 0x21, addrs6+tlvs))
	c := rawconn.New(t, tlsClient(nc, "a.test"))
	expectAddrs(c, from6, to6)
}
