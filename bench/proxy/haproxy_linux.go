package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// startHAProxy starts haproxy with one thread. Its log goes to its output, which
// is discarded.
func startHAProxy(b *bench) (*proxy, error) {
	program, err := lookUp(haproxy)
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(2)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`global
  nbthread 1
  maxconn 16384
  no strict-limits
  tune.ssl.cachesize 0
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
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
  bind %[3]s ssl crt %[4]s alpn http/1.1 no-tls-tickets
  unique-id-format %%[uuid]
  unique-id-header X-Request-ID
  http-request set-var(txn.scheme) str(http) unless { ssl_fc }
  http-request set-var(txn.scheme) str(https) if { ssl_fc }
  http-request set-header X-Forwarded-Proto %%[var(txn.scheme)]
  http-request set-header X-Forwarded-Scheme %%[var(txn.scheme)]
  http-request set-header X-Scheme %%[var(txn.scheme)]
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  http-request set-header X-Forwarded-Port %%[dst_port]
  http-request set-header X-Real-IP %%[src]
  default_backend applications
backend applications
  server one %[2]s
`, addrs[0], b.backend.addr, addrs[1], b.cert.bothFile)
	path := filepath.Join(b.dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	child, err := b.spawn(b.proxyCore, nil, program, "-db", "-f", path)
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: addrs[0], tlsAddr: addrs[1]}, nil
}
