package ingress

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
)

// Scenario is one set of objects with the requests to send at it.
type Scenario struct {
	Feature, Name string
	// Objects is YAML. Services listed in Services need not be in it.
	Objects string
	// Services are the echo Services to run, with their number of pods. Each
	// has port 8080 named http.
	Services map[string]int
	// Secrets maps the name of a TLS Secret to the host its certificate is for.
	Secrets map[string]string
	// Requests are sent in order, once the last Probe is answered.
	Requests []Request
	// NoStatus is the name of an Ingress whose status must stay empty.
	NoStatus string
}

// Request is one request with what must come back.
type Request struct {
	Method, Scheme, Host, Path string
	// Status is what must be answered, after redirects. 0 means 200.
	Status int
	// Service is the echo Service that must have answered.
	Service string
	// ValidCertificate requires a certificate that covers Host.
	ValidCertificate bool
	// Pods is how many different pods must answer when the request is sent
	// Times times. 0 means once.
	Times, Pods int
}

// Site is a running controller.
type Site interface {
	// Apply makes these objects the only ones there are.
	Apply(t *testing.T, yaml string)
	// HTTP and HTTPS are the addresses to send requests to.
	HTTP() string
	HTTPS() string
	// Endpoint returns the address that objects must carry so that the
	// controller reaches the backend at a.
	Endpoint(a netip.AddrPort) netip.AddrPort
	// CheckNoStatus fails the test when the Ingress gets a status. A site
	// without status does nothing.
	CheckNoStatus(t *testing.T, ingress string)
}

// Run plays s at a site.
func Run(t *testing.T, site Site, s Scenario) {
	t.Helper()
	var objects strings.Builder
	objects.WriteString(class)
	for name, pods := range s.Services {
		objects.WriteString(serviceObjects(t, site, name, pods))
	}
	for name, host := range s.Secrets {
		objects.WriteString(keypair.New(t, host).Secret("default", name))
	}
	objects.WriteString("---\n" + s.Objects)
	site.Apply(t, objects.String())

	for i, r := range s.Requests {
		// The first request waits for the objects to be served.
		deadline := time.Now().Add(10 * time.Second)
		for {
			err := r.send(site)
			if err == nil {
				break
			}
			if i > 0 || time.Now().After(deadline) {
				t.Errorf("%s %s://%s%s: %v", r.method(), r.scheme(), r.Host, r.Path, err)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if s.NoStatus != "" {
		site.CheckNoStatus(t, s.NoStatus)
	}
}

func (r Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func (r Request) scheme() string {
	if r.Scheme == "" {
		return "http"
	}
	return r.Scheme
}

// send sends the request as often as it says and compares the answers.
func (r Request) send(site Site) error {
	seen := map[string]bool{}
	for range max(r.Times, 1) {
		pod, err := r.once(site)
		if err != nil {
			return err
		}
		seen[pod] = true
	}
	if r.Pods > 0 && len(seen) != r.Pods {
		return fmt.Errorf("%d pods answered %d requests, want %d", len(seen), r.Times, r.Pods)
	}
	return nil
}

func (r Request) once(site Site) (pod string, err error) {
	client := r.client(site)
	defer client.CloseIdleConnections()
	host := r.Host
	if host == "" {
		host = "no-host.invalid"
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method(), r.scheme()+"://"+host+r.Path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "conformance")
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	want := r.Status
	if want == 0 {
		want = http.StatusOK
	}
	if res.StatusCode != want {
		return "", fmt.Errorf("status %d, want %d", res.StatusCode, want)
	}
	if res.StatusCode != http.StatusOK {
		return "", nil
	}
	return r.checkEcho(res, body)
}

// checkEcho compares what the echo backend received and what came back.
func (r Request) checkEcho(res *http.Response, body []byte) (pod string, err error) {
	var e Echo
	if err := json.Unmarshal(body, &e); err != nil {
		return "", fmt.Errorf("answer of no echo backend: %w", err)
	}
	path := r.Path
	if path == "" {
		path = "/"
	}
	switch {
	case r.Service != "" && e.Service != r.Service:
		return "", fmt.Errorf("answered by service %s, want %s", e.Service, r.Service)
	case e.Method != r.method():
		return "", fmt.Errorf("backend got method %s", e.Method)
	case e.Path != path:
		return "", fmt.Errorf("backend got path %s", e.Path)
	case r.Host != "" && e.Host != r.Host:
		return "", fmt.Errorf("backend got host %s", e.Host)
	case e.Proto != "HTTP/1.1" || res.Proto != "HTTP/1.1":
		return "", fmt.Errorf("protocols %s upstream, %s downstream", e.Proto, res.Proto)
	case e.Headers.Get("User-Agent") != "conformance":
		return "", fmt.Errorf("backend got User-Agent %q", e.Headers.Get("User-Agent"))
	}
	for _, name := range []string{"Content-Length", "Content-Type", "Date", "Server"} {
		if res.Header.Get(name) == "" {
			return "", fmt.Errorf("response has no %s", name)
		}
	}
	return e.Pod, nil
}

// client resolves nothing: it sends every request to the site, follows
// redirects there, and verifies a certificate only where the request says so.
func (r Request) client(site Site) *http.Client {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, site.HTTP())
			},
			DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				c, err := dialer.DialContext(ctx, network, site.HTTPS())
				if err != nil {
					return nil, err
				}
				tc := tls.Client(c, &tls.Config{ServerName: r.Host, InsecureSkipVerify: true})
				if err := tc.HandshakeContext(ctx); err != nil {
					return nil, err
				}
				if r.ValidCertificate {
					if err := tc.ConnectionState().PeerCertificates[0].VerifyHostname(r.Host); err != nil {
						return nil, err
					}
				}
				return tc, nil
			},
		},
	}
}
