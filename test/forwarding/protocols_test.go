package forwarding

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shockwave-ingress/shockwave/internal/grpctest"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// gRPC works as it does without a proxy, in clear text and over TLS on either side.
func TestGRPC(t *testing.T) {
	pair := keypair.New(t, "app.test")
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		protocol model.Protocol
		creds    credentials.TransportCredentials
	}{
		{model.GRPC, nil},
		{model.GRPCS, credentials.NewServerTLSFromCert(&cert)},
	} {
		t.Run(string(c.protocol), func(t *testing.T) {
			to := netip.MustParseAddrPort(grpctest.Start(t, c.creds))
			s := newSite(t, policy(func(p *model.Policy) { p.Transport.Protocol = c.protocol }), to)
			t.Run("h2c", func(t *testing.T) {
				grpctest.Check(t, s.plain, grpc.WithAuthority("app.test"), grpc.WithTransportCredentials(insecure.NewCredentials()))
			})
			t.Run("TLS", func(t *testing.T) {
				anybody := credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
				grpctest.Check(t, s.secure, grpc.WithAuthority("app.test"), grpc.WithTransportCredentials(anybody))
			})
		})
	}
}

// appHTTP2 is app for an application that speaks HTTP/2 in clear text, too.
func appHTTP2(t *testing.T, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP1(true)
	server := &http.Server{Protocols: &protocols, Handler: handler}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// Ordinary requests work whatever version either side speaks.
func TestVersions(t *testing.T) {
	to := appHTTP2(t, func(w http.ResponseWriter, r *http.Request) {
		n, _, err := sumOf(r.Body)
		w.Header().Set("X-Proto", r.Proto)
		fmt.Fprintf(w, "%s %s %d %v", r.Method, r.URL, n, err)
	})
	for protocol, proto := range map[model.Protocol]string{model.HTTP: "HTTP/1.1", model.H2C: "HTTP/2.0"} {
		s := newSite(t, policy(func(p *model.Policy) { p.Transport.Protocol = protocol }), to)
		for _, scheme := range []string{"http", "https"} {
			for _, size := range []int{0, 100, 1 << 20} {
				method := "PUT"
				var body io.Reader = strings.NewReader(strings.Repeat("x", size))
				if size == 0 {
					method, body = "GET", nil
				}
				status, text, head := s.ask(method, scheme+"://app.test/a%2Fb/?q=%20", body)
				if want := fmt.Sprintf("%s /a%%2Fb/?q=%%20 %d <nil>", method, size); status != 200 || text != want || head.Get("X-Proto") != proto {
					t.Errorf("%s over %s: %d %q over %s, want %q", protocol, scheme, status, text, head.Get("X-Proto"), want)
				}
			}
		}
	}
}

// A WebSocket passes messages of all sizes, pings and closing codes.
func TestWebSocket(t *testing.T) {
	echo := app(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(8 << 20)
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if string(data) == "bye" {
				_ = c.Close(4001, "as you wish")
				return
			}
			if c.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	})
	s := newSite(t, nil, echo)
	for _, scheme := range []string{"ws://", "wss://"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		// A client of its own: the library speaks HTTP/1.1 only.
		plain := s.client.Transport.(*http.Transport).Clone()
		plain.ForceAttemptHTTP2, plain.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
		c, _, err := websocket.Dial(ctx, scheme+"app.test/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: plain}})
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadLimit(8 << 20)
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 4 << 20} {
			want := string(pattern(n))
			if err := c.Write(ctx, websocket.MessageBinary, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(ctx); err != nil || string(got) != want {
				t.Fatalf("%s: %d bytes came back as %d: %v", scheme, n, len(got), err)
			}
		}
		_ = c.Write(ctx, websocket.MessageText, []byte("bye"))
		if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != 4001 {
			t.Errorf("%s: %v, want the code 4001", scheme, err)
		}
		plain.CloseIdleConnections()
	}
}

// Other protocols are passed on by name, but for HTTP in another version.
func TestOtherUpgrades(t *testing.T) {
	echo := app(t, func(w http.ResponseWriter, r *http.Request) {
		to := r.Header.Get("Upgrade")
		if to == "" {
			_, _ = io.WriteString(w, "no upgrade")
			return
		}
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: %s\r\n\r\n", to)
		_ = rw.Flush()
		_, _ = io.Copy(nc, rw)
	})
	s := newSite(t, nil, echo)
	for _, c := range []struct {
		method, to string
		upgraded   bool
	}{
		{"GET", "websocket", true},
		{"POST", "SPDY/3.1", true},
		{"GET", "something", true},
		{"GET", "h2c", false},
		{"GET", "HTTP/2.0", false},
		{"GET", "TLS/1.3", false},
		{"GET", "websocket, h2c", false},
		{"GET", "h2c/1", false},
	} {
		nc, err := net.Dial("tcp", s.plain)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(nc, "%s / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nUpgrade: %s\r\n\r\n", c.method, c.to)
		r := bufio.NewReader(nc)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.to, err)
		}
		switch {
		case !c.upgraded && resp.StatusCode == 200:
		case c.upgraded && resp.StatusCode == 101:
			fmt.Fprint(nc, "hello")
			got := make([]byte, 5)
			if _, err := io.ReadFull(r, got); err != nil || string(got) != "hello" {
				t.Errorf("%s: %q %v", c.to, got, err)
			}
		default:
			t.Errorf("%s: %d, upgraded should be %t", c.to, resp.StatusCode, c.upgraded)
		}
		_ = nc.Close()
	}
}
