package peers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	plaintext "google.golang.org/grpc/credentials/insecure"

	"github.com/shockwave-ingress/shockwave/internal/grpctest"
	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

func TestCurl(t *testing.T) {
	program(t, "curl")
	p := start(t, app{addr: tell(t)})
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, largeBody, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scheme, option, version string
	}{
		{"http", "--http1.1", "1.1"},
		{"http", "--http1.0", "1.1"}, // we answer in our version (RFC 9110, section 6.2)
		{"https", "--http1.1", "1.1"},
		{"https", "--http2", "2"},
		{"http", "--http2-prior-knowledge", "2"},
	} {
		t.Run(c.scheme+" "+c.option, func(t *testing.T) {
			at := p.HTTP
			if c.scheme == "https" {
				at = p.HTTPS
			}
			_, port, _ := net.SplitHostPort(at)
			common := []string{"-s", "-S", "-k", "-N", c.option, "--resolve", host + ":" + port + ":127.0.0.1", "-w", "\nversion: %{http_version}\nstatus: %{http_code}\n"}
			url := fmt.Sprintf("%s://%s:%s/a?b", c.scheme, host, port)
			for name, more := range map[string][]string{
				"GET":          {url},
				"PUT":          {"-T", file, url},
				"PUT and wait": {"-H", "Expect: 100-continue", "-T", file, url},
				"two":          {url, url},
			} {
				switch {
				case c.option == "--http1.0" && name == "PUT and wait":
					continue // there is no 100 in HTTP/1.0
				case c.option == "--http2-prior-knowledge" && name == "two":
					continue // curl 7.88 fails with any server then
				}
				text := run(t, "curl", append(common, more...)...)
				want := "0 <nil>"
				if strings.HasPrefix(name, "PUT") {
					want = fmt.Sprintf("%d <nil>", len(largeBody))
				}
				if line(text, "version") != c.version || line(text, "status") != "200" || line(text, "body") != want ||
					line(text, "X-Forwarded-Proto") != c.scheme || line(text, "Host") != host+":"+port {
					t.Errorf("%s:\n%s", name, text)
				}
			}
		})
	}
}

func TestNghttp(t *testing.T) {
	program(t, "nghttp")
	p := start(t, app{addr: tell(t)})
	for _, url := range []string{"http://" + p.HTTP + "/", "https://" + p.HTTPS + "/"} {
		text := run(t, "nghttp", "-v", "-m", "5", "-H", ":authority: "+host, url)
		if n := strings.Count(text, ":status: 200"); n != 5 || line(text, "Host") != host {
			t.Errorf("%s: %d answers of 5\n%s", url, n, text)
		}
		if strings.Contains(text, "RST_STREAM") {
			t.Errorf("%s: a stream was reset\n%s", url, text)
		}
	}
}

func TestH2load(t *testing.T) {
	program(t, "h2load")
	p := start(t, app{addr: tell(t)})
	for name, args := range map[string][]string{
		"HTTP/2":               {"--connect-to=" + p.HTTPS, "https://" + host + "/"},
		"HTTP/2 in clear text": {"--connect-to=" + p.HTTP, "http://" + host + "/"},
		"HTTP/1.1":             {"--h1", "--connect-to=" + p.HTTP, "http://" + host + "/"},
	} {
		text := run(t, "h2load", append([]string{"-n", "3000", "-c", "10", "-m", "10"}, args...)...)
		if !strings.Contains(text, "3000 succeeded, 0 failed, 0 errored, 0 timeout") || !strings.Contains(text, "status codes: 3000 2xx") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

func TestGRPC(t *testing.T) {
	pair := keypair.New(t, host)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	for protocol, creds := range map[string]credentials.TransportCredentials{"GRPC": nil, "GRPCS": credentials.NewServerTLSFromCert(&cert)} {
		t.Run(protocol, func(t *testing.T) {
			p := start(t, app{
				addr:        netip.MustParseAddrPort(grpctest.Start(t, creds)),
				annotations: "nginx.ingress.kubernetes.io/backend-protocol: " + protocol,
			})
			t.Run("h2c", func(t *testing.T) {
				grpctest.Check(t, p.HTTP, grpc.WithAuthority(host), grpc.WithTransportCredentials(plaintext.NewCredentials()))
			})
			t.Run("TLS", func(t *testing.T) {
				grpctest.Check(t, p.HTTPS, grpc.WithAuthority(host), grpc.WithTransportCredentials(credentials.NewTLS(insecure())))
			})
		})
	}
}

func TestWebSocket(t *testing.T) {
	echo := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(2 << 20)
		for {
			kind, data, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, data) != nil {
				return
			}
		}
	})
	p := start(t, app{addr: echo})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for scheme, at := range map[string]string{"ws": p.HTTP, "wss": p.HTTPS} {
		c, _, err := websocket.Dial(ctx, scheme+"://"+host+"/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: client(t, at, "").Transport}})
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadLimit(2 << 20)
		for _, n := range []int{0, 1, 126, 1 << 16, 1 << 20} {
			want := string(largeBody[:n])
			if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(ctx); err != nil || string(got) != want {
				t.Fatalf("%s: %d bytes came back as %d: %v", scheme, n, len(got), err)
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("%s: close: %v", scheme, err)
		}
	}
}
