package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contender is a proxy that can be started.
type contender struct {
	name string
	// start starts the proxy. It fails with errNotInstalled when the machine
	// has no such program.
	start func(b *bench) (*proxy, error)
}

// contenders are all proxies, Shockwave first.
var contenders = []contender{
	{"shockwave", startShockwave},
	{"nginx", startNginx},
	{"haproxy", startHAProxy},
	{"httputil", func(b *bench) (*proxy, error) { return startRole(b, "httputil") }},
	{"fasthttp", func(b *bench) (*proxy, error) { return startRole(b, "fasthttp") }},
}

// proxy is a proxy that runs.
type proxy struct {
	*process
	name string
	addr string
	// metrics is the address of the metrics page, or empty.
	metrics string
}

// check waits until the proxy serves and checks that it does what all have to:
// it must tell the backend of the client and give each request an identifier.
func (p *proxy) check(ctx context.Context) error {
	var head string
	var err error
	for deadline := time.Now().Add(time.Minute); ; {
		if head, err = get(ctx, p.addr, hostName(0), echoTarget); err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("it does not serve: %w; its errors:\n%s", err, p.Complaint())
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, field := range []string{"x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-request-id: "} {
		if !strings.Contains(strings.ToLower(head), "\r\n"+field) {
			return fmt.Errorf("the backend does not get %q:\n%s", field, head)
		}
	}
	return nil
}

// mallocs reads how many allocations the proxy has made. The function it
// returns, called after a load, tells how many it has made since then for each
// request. It reads the metrics twice, so as to leave out what that costs.
func (p *proxy) mallocs(ctx context.Context) (perRequest func(requests int) (float64, error), err error) {
	if p.metrics == "" {
		return func(int) (float64, error) { return -1, nil }, nil
	}
	before, err := readMallocs(ctx, p.metrics)
	if err != nil {
		return nil, err
	}
	return func(requests int) (float64, error) {
		after, err := readMallocs(ctx, p.metrics)
		if err != nil {
			return 0, err
		}
		again, err := readMallocs(ctx, p.metrics)
		return max(0, after-before-(again-after)) / float64(requests), err
	}, nil
}

func readMallocs(ctx context.Context, addr string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(page)) {
		if value, ok := strings.CutPrefix(line, "go_memstats_mallocs_total "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, errors.New("the metrics do not count allocations")
}

// startRole starts a peer that is part of this program.
func startRole(b *bench, role string) (*proxy, error) {
	child, err := b.spawnRole(b.proxyCore, role, b.backend.addr)
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: child.addr}, nil
}

// startShockwave starts the controller as a user runs it, with a directory.
func startShockwave(b *bench) (*proxy, error) {
	dir := filepath.Join(b.dir, "manifests")
	if err := writeManifests(dir, b.hosts, b.backend.addr); err != nil {
		return nil, err
	}
	var addrs [3]string
	var ports [3]string
	for i := range addrs {
		var err error
		if addrs[i], err = freeAddr(); err != nil {
			return nil, err
		}
		_, ports[i], _ = strings.Cut(addrs[i], ":")
	}
	if slices.Max(ports[:]) == slices.Min(ports[:]) {
		return nil, errors.New("the system gave one port thrice")
	}
	child, err := b.spawn(b.proxyCore, nil, b.shockwave,
		fmt.Sprintf("--profiling=%t", b.profile != ""),
		"--manifests", dir,
		"--bind-address", "127.0.0.1", "--healthz-host", "127.0.0.1",
		"--http-port", ports[0], "--https-port", ports[1], "--healthz-port", ports[2],
		"--watch-ingress-without-class",
		"--access-log-path", os.DevNull)
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: addrs[0], metrics: addrs[2]}, nil
}

// ingressesPerFile is how many Ingresses one manifest holds.
const ingressesPerFile = 1000

// writeManifests writes a Service whose endpoint is the backend, and an Ingress
// for each host.
func writeManifests(dir string, hosts int, backend string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	address, port, _ := strings.Cut(backend, ":")
	service := fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: backend}
spec:
  ports: [{name: http, port: 80, targetPort: %[2]s}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: backend-1
  labels: {kubernetes.io/service-name: backend}
addressType: IPv4
ports: [{name: http, port: %[2]s}]
endpoints: [{addresses: [%[1]s]}]
`, address, port)
	if err := os.WriteFile(filepath.Join(dir, "backend.yaml"), []byte(service), 0o644); err != nil {
		return err
	}
	for first := 0; first < hosts; first += ingressesPerFile {
		var text strings.Builder
		for i := first; i < min(first+ingressesPerFile, hosts); i++ {
			fmt.Fprintf(&text, `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: host-%d}
spec:
  rules:
  - host: %s
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: backend, port: {name: http}}}}
`, i, hostName(i))
		}
		name := filepath.Join(dir, fmt.Sprintf("hosts-%d.yaml", first))
		if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// startNginx starts nginx with one worker. Its access log is buffered, which
// spares it a system call for each request.
func startNginx(b *bench) (*proxy, error) {
	program, err := find("nginx")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, "nginx")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	config := fmt.Sprintf(`%[1]s
daemon off;
worker_processes 1;
pid %[2]s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  access_log /dev/null combined buffer=64k flush=1s;
  keepalive_timeout 75s;
  upstream backend {
    server %[3]s;
    keepalive 320;
    keepalive_requests 10000;
  }
  server {
    listen %[4]s;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Request-ID $request_id;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Scheme $scheme;
      proxy_set_header X-Scheme $scheme;
    }
  }
}
`, user, dir, b.backend.addr, addr)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	child, err := b.spawn(b.proxyCore, nil, program, "-p", dir, "-c", path, "-e", "stderr")
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: addr}, nil
}

// startHAProxy starts haproxy with one thread. Its log goes to its output, which
// is discarded.
func startHAProxy(b *bench) (*proxy, error) {
	program, err := find("haproxy")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`global
  nbthread 1
  maxconn 4096
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout server 60s
frontend clients
  bind %[1]s
  unique-id-format %%[uuid]
  unique-id-header X-Request-ID
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Scheme http
  http-request set-header X-Scheme http
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  http-request set-header X-Forwarded-Port %%[dst_port]
  http-request set-header X-Real-IP %%[src]
  default_backend applications
backend applications
  server one %[2]s
`, addr, b.backend.addr)
	path := filepath.Join(b.dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	child, err := b.spawn(b.proxyCore, nil, program, "-db", "-f", path)
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: addr}, nil
}
