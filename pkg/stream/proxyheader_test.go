package stream

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// quoting sends back what it gets, in quotes.
func quoting(c *net.TCPConn) {
	b, _ := io.ReadAll(c)
	_, _ = fmt.Fprintf(c, "%q", b)
}

func (b *bench) ask(c *net.TCPConn, text string) string {
	b.t.Helper()
	b.say(c, text)
	_ = c.CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(got)
}

func TestSendProxy(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	st := tcpStream(port, b.upstreamAt("quoting", tcpService(t, quoting).Addr()))
	st.SendProxy = true
	b.set(st)
	c := b.dialTCP(port)
	want := fmt.Sprintf(`"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nhello"`, c.LocalAddr().(*net.TCPAddr).Port, port)
	if got := b.ask(c, "hello"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The header goes out at once, also when the client has nothing to say yet.
func TestSendProxyToAServiceThatSpeaksFirst(t *testing.T) {
	b := newBench(t, Config{})
	port := freePort(t, "tcp")
	service := tcpService(t, func(c *net.TCPConn) {
		head := make([]byte, 6)
		_, _ = io.ReadFull(c, head)
		_, _ = c.Write(head)
	})
	st := tcpStream(port, b.upstreamAt("smtp", service.Addr()))
	st.SendProxy = true
	b.set(st)
	b.hear(b.dialTCP(port), "PROXY ")
}

func TestAcceptProxy(t *testing.T) {
	b := newBench(t, Config{ProxyHeaderTimeout: 300 * time.Millisecond})
	plain, both := freePort(t, "tcp"), freePort(t, "tcp")
	key := b.upstreamAt("quoting", tcpService(t, quoting).Addr())
	st := tcpStream(plain, key)
	st.AcceptProxy = true
	sending := tcpStream(both, key)
	sending.AcceptProxy, sending.SendProxy = true, true
	b.set(st, sending)

	v2 := func(source string) string {
		h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP(source), Port: 7}, &net.TCPAddr{IP: net.ParseIP("203.0.113.9"), Port: 9})
		text, err := h.Format()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	local := "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	for _, c := range []struct{ header, want string }{
		{"PROXY TCP4 198.51.100.7 203.0.113.9 4711 25\r\n", "TCP4 198.51.100.7 127.0.0.1 4711"},
		{"PROXY TCP6 2001:db8::1 2001:db8::2 4711 25\r\n", "TCP6 2001:db8::1 ::ffff:127.0.0.1 4711"},
		{"PROXY UNKNOWN\r\n", "TCP4 127.0.0.1 127.0.0.1 "},
		{v2("198.51.100.8"), "TCP4 198.51.100.8 127.0.0.1 7"},
		{local, "TCP4 127.0.0.1 127.0.0.1 "},
	} {
		if got := b.ask(b.dialTCP(plain), c.header+"hello"); got != `"hello"` {
			t.Errorf("%q: the service gets %s", c.header, got)
		}
		if got := b.ask(b.dialTCP(both), c.header+"hello"); !strings.HasPrefix(got, `"PROXY `+c.want) || !strings.HasSuffix(got, `\r\nhello"`) {
			t.Errorf("%q: the service gets %s, want %s", c.header, got, c.want)
		}
	}

	// Only some peers are believed.
	const header = "PROXY TCP4 198.51.100.7 203.0.113.9 4711 25\r\n"
	for network, want := range map[string]string{"127.0.0.0/8": "198.51.100.7", "10.0.0.0/8": "127.0.0.1"} {
		b.srv.Trust([]netip.Prefix{netip.MustParsePrefix(network)})
		if got := b.ask(b.dialTCP(both), header+"hello"); !strings.HasPrefix(got, `"PROXY TCP4 `+want+" ") || !strings.HasSuffix(got, `\r\nhello"`) {
			t.Errorf("with trust in %s the service gets %s, want %s", network, got, want)
		}
	}
	b.srv.Trust([]netip.Prefix{})
	if got := b.ask(b.dialTCP(both), header+"hello"); !strings.HasPrefix(got, `"PROXY TCP4 127.0.0.1 `) {
		t.Errorf("with trust in nobody the service gets %s", got)
	}
	b.srv.Trust(nil)

	// Without a header, or with a wrong one, nothing reaches the service.
	before := b.registry.Stats()[0].Created
	bad := []string{
		"GET / HTTP/1.1\r\n\r\n",
		"PROXY TCP4 198.51.100.7 203.0.113.9 4711\r\n",
		"PROXY TCP4 1.2.3 203.0.113.9 4711 25\r\n",
		"PROXY " + strings.Repeat("x", 200),
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + strings.Repeat("x", 100),
		"", // until the time is over
	}
	for _, text := range bad {
		c := b.dialTCP(plain)
		b.say(c, text)
		if got, _ := io.ReadAll(c); len(got) > 0 {
			t.Errorf("%q is answered with %q", text, got)
		}
	}
	b.eventually("all are over", func() bool { return b.stats(st.Name()).Open == 0 })
	if s := b.stats(st.Name()); int(s.Refused) != len(bad) {
		t.Errorf("%d of %d are refused", s.Refused, len(bad))
	}
	if after := b.registry.Stats()[0].Created; after != before {
		t.Errorf("%d connections to the service", after-before)
	}
}
