package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// echoTCP and echoUDP are services that send back what they get, after their name.
func echoTCP(t *testing.T, name string) *net.TCPAddr {
	t.Helper()
	return net.TCPAddrFromAddrPort(rawconn.Listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, name)
		_, _ = io.Copy(c, c)
	}))
}

func echoUDP(t *testing.T, name string) *net.UDPAddr {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(append([]byte(name), buf[:n]...), from)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr)
}

func streamService(name, protocol string, port int) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {ports: [{name: main, port: 1, protocol: %[2]s}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[1]s-x, labels: {kubernetes.io/service-name: %[1]s}}
addressType: IPv4
ports: [{name: main, port: %[3]d, protocol: %[2]s}]
endpoints: [{addresses: [127.0.0.1]}]
`, name, protocol, port)
}

func streamsConfigMap(name string, entries ...string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: system}\ndata:\n" + strings.Join(entries, "")
}

// streamPorts returns ports that nobody listens on at the moment.
func streamPorts(t *testing.T) (tcp, other, udp int) {
	t.Helper()
	for _, port := range []*int{&tcp, &other} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		*port = ln.Addr().(*net.TCPAddr).Port
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return tcp, other, c.LocalAddr().(*net.UDPAddr).Port
}

func TestStreams(t *testing.T) {
	s := newSite(t)
	for name, address := range map[string]*net.TCPAddr{"one": echoTCP(t, "one "), "two": echoTCP(t, "two ")} {
		s.write(name+".yaml", streamService(name, "TCP", address.Port))
	}
	s.write("datagrams.yaml", streamService("datagrams", "UDP", echoUDP(t, "udp ").Port))
	tcp, other, udp := streamPorts(t)
	s.write("tcp.yaml", streamsConfigMap("tcp", fmt.Sprintf("  \"%d\": default/one:main\n", tcp), "  \"99999\": default/one:1\n"))
	s.write("udp.yaml", streamsConfigMap("udp", fmt.Sprintf("  \"%d\": default/datagrams:1\n", udp)))
	p := controllerOn(t, s.dir, "--tcp-services-configmap=system/tcp", "--udp-services-configmap=system/udp", "--worker-shutdown-timeout=20s")

	dial := func(port int) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
	hear := func(c net.Conn, want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); string(got) != want {
			t.Fatalf("%q (%v), want %q", got, err, want)
		}
	}
	first := dial(tcp)
	hear(first, "one ")
	_, _ = io.WriteString(first, "hello")
	hear(first, "hello")

	c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", udp))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.eventually("a datagram is answered", 20*time.Second, func() bool {
		if _, err := io.WriteString(c, "hello"); err != nil {
			return false
		}
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		got := make([]byte, 100)
		n, _ := c.Read(got)
		return string(got[:n]) == "udp hello"
	})

	// A change is live, and the connection that is open goes on.
	s.write("tcp.yaml", streamsConfigMap("tcp",
		fmt.Sprintf("  \"%d\": default/two:main\n", tcp), fmt.Sprintf("  \"%d\": default/one:1::PROXY\n", other)))
	var second net.Conn
	p.eventually("the new port is there", 20*time.Second, func() bool {
		var err error
		second, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", other))
		return err == nil
	})
	defer second.Close()
	_ = second.SetDeadline(time.Now().Add(20 * time.Second))
	hear(second, fmt.Sprintf("one PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n", second.LocalAddr().(*net.TCPAddr).Port, other))
	hear(dial(tcp), "two ")
	_, _ = io.WriteString(first, "still here")
	hear(first, "still here")

	// A port that somebody has is told as long as that is so.
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	number := busy.Addr().(*net.TCPAddr).Port
	s.write("tcp.yaml", streamsConfigMap("tcp",
		fmt.Sprintf("  \"%d\": default/two:main\n", tcp), fmt.Sprintf("  \"%d\": default/one:1\n", number)))
	conflict := fmt.Sprintf("ConfigMap system/tcp  PortConflict  tcp/%d cannot be listened on: ", number)
	p.eventually("the conflict is told", 20*time.Second, func() bool {
		_, page := p.page("/configuration")
		return strings.Contains(page, conflict) && strings.Contains(page, fmt.Sprintf("stream tcp/%d  default/two:1\n", tcp))
	})
	_ = busy.Close()
	p.eventually("the port is served", 20*time.Second, func() bool {
		_, page := p.page("/configuration")
		return !strings.Contains(page, "PortConflict")
	})
	hear(dial(number), "one ")

	// The end waits for connections, and for nothing else.
	p.signal(syscall.SIGTERM)
	p.eventually("the port is closed", 20*time.Second, func() bool {
		nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", tcp))
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	_, _ = io.WriteString(first, "bye")
	hear(first, "bye")
}

// TLS connections to a host that is passed through meet the certificate of its
// application, others ours.
func TestPassthrough(t *testing.T) {
	certificate, key, err := selfSigned("through.example")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	through := rawconn.Serve(t, ln, func(c net.Conn) { _, _ = io.Copy(c, c) })
	s := newSite(t)
	s.write("through.yaml", streamService("through", "TCP", int(through.Port()))+`---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: through, annotations: {nginx.ingress.kubernetes.io/ssl-passthrough: "true"}}
spec:
  rules:
  - host: through.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: through, port: {number: 1}}}}]}
`)
	p := controllerOn(t, s.dir, "--enable-ssl-passthrough", "--watch-ingress-without-class")
	c, err := tls.Dial("tcp", p.https, &tls.Config{ServerName: "through.example", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(mustLeaf(t, pair)) {
		t.Errorf("the certificate of %v is shown", got.Subject)
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if name := p.shown("shop.example").Subject.CommonName; name != "shop.example" {
		t.Errorf("the certificate of %s is shown for shop.example", name)
	}
}

func mustLeaf(t *testing.T, pair tls.Certificate) *x509.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func TestCheckOfStreams(t *testing.T) {
	dir := t.TempDir()
	s := &site{t: t, dir: dir}
	s.write("tcp.yaml", streamsConfigMap("tcp", "  \"5432\": default/one:main\n", "  \"443\": default/one:main\n"))
	s.write("one.yaml", streamService("one", "TCP", 1))
	p := start(t, "check", "-f", dir, "--tcp-services-configmap=system/tcp")
	if status := p.wait(20 * time.Second); status != 1 {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{
		"stream tcp/5432  default/one:1\n",
		"ConfigMap system/tcp  PortConflict: port 443 is not served: the process itself listens on it",
	} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("%s\ndoes not say %s", p.out.String(), want)
		}
	}
}
