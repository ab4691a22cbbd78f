package main

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// startShockwave starts the controller as a user runs it, with a directory.
func startShockwave(mode string) func(b *bench) (*proxy, error) {
	return func(b *bench) (*proxy, error) {
		addrs, err := freeAddrs(3)
		if err != nil {
			return nil, err
		}
		var ports [3]string
		for i := range addrs {
			_, ports[i], _ = net.SplitHostPort(addrs[i])
		}
		child, err := b.spawn(b.proxyCore, nil, b.shockwave,
			"--profiling", // for what it has allocated
			"--manifests", b.manifests(),
			"--configmap", "default/settings",
			"--default-ssl-certificate", "default/certificate",
			"--bind-address", "127.0.0.1", "--healthz-host", "127.0.0.1",
			"--http-port", ports[0], "--https-port", ports[1], "--healthz-port", ports[2],
			"--watch-ingress-without-class",
			"--allocation-mode", mode,
			"--access-log-path", os.DevNull)
		if err != nil {
			return nil, err
		}
		return &proxy{process: child, addr: addrs[0], tlsAddr: addrs[1], profiles: addrs[2]}, nil
	}
}

// manifests is the directory that Shockwave serves.
func (b *bench) manifests() string { return filepath.Join(b.dir, "manifests") }

// ingressesPerFile is how many Ingresses one manifest holds.
const ingressesPerFile = 1000

// writeManifests writes a Service whose endpoint is the backend, an Ingress for each
// host, settings, and a Secret with the certificate of all.
func writeManifests(dir string, hosts int, backend string, cert *certificate) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	secret := fmt.Sprintf(`apiVersion: v1
kind: Secret
metadata: {name: certificate}
type: kubernetes.io/tls
data: {tls.crt: %s, tls.key: %s}
`, base64.StdEncoding.EncodeToString(cert.cert), base64.StdEncoding.EncodeToString(cert.key))
	if err := os.WriteFile(filepath.Join(dir, "certificate.yaml"), []byte(secret), 0o600); err != nil {
		return err
	}
	address, port, _ := strings.Cut(backend, ":")
	service := fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: backend}
spec:
  ports: [{name: http, port: 80, targetPort: %[2]s}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {keep-alive-requests: "1000000000"}
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
