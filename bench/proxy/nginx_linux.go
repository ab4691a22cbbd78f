package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// startNginx starts nginx with one worker. Its access log is buffered, which
// spares it a system call for each request. It passes bodies of requests on as they
// come, and writes none to a file, as the others do.
func startNginx(b *bench) (*proxy, error) {
	program, err := lookUp(nginx)
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(2)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, "nginx")
	if err := os.MkdirAll(dir, 0o755); err != nil {
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
worker_rlimit_nofile %[8]d;
events { worker_connections 16384; }
http {
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  access_log /dev/null combined buffer=64k flush=1s;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  ssl_certificate %[6]s;
  ssl_certificate_key %[7]s;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_tickets off;
  ssl_session_cache off;
  upstream backend {
    server %[3]s;
    keepalive 320;
    keepalive_requests 10000;
  }
  server {
    listen %[4]s;
    listen %[5]s ssl;
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
`, user, dir, b.backend.addr, addrs[0], addrs[1], b.cert.certFile, b.cert.keyFile, openFiles)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	child, err := b.spawn(b.proxyCore, nil, program, "-p", dir, "-c", path, "-e", "stderr")
	if err != nil {
		return nil, err
	}
	return &proxy{process: child, addr: addrs[0], tlsAddr: addrs[1]}, nil
}
