package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shockwave-ingress/shockwave/examples"
	"github.com/shockwave-ingress/shockwave/pkg/settings"
)

const aboutDemo = `Demo needs no cluster and no arguments. It starts two small applications in this
process, writes manifests for them to a new directory, serves them on 127.0.0.1,
and prints commands to try. Ctrl-C ends it.`

// newDemo is `shockwave demo`.
func newDemo() *cobra.Command {
	s := settings.Default()
	s.BindAddress, s.HealthzHost = "127.0.0.1", "127.0.0.1"
	s.HTTPPort, s.HTTPSPort, s.HealthzPort = 8080, 8443, 0
	s.LogLevel = "warn"
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try Shockwave on this machine, without a cluster",
		Long:  aboutDemo,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.Validate(); err != nil {
				return err
			}
			log := newLogger(os.Stderr, s)
			ctx, stop := untilSignal(cmd.Context(), log)
			defer stop()
			return demo(ctx, cmd.OutOrStdout(), s, log)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&s.HTTPPort, "http-port", s.HTTPPort, "Port for HTTP.")
	flags.IntVar(&s.HTTPSPort, "https-port", s.HTTPSPort, "Port for HTTPS.")
	flags.IntVar(&s.HealthzPort, "healthz-port", s.HealthzPort, "Port for health and metrics. 0 lets the system choose.")
	flags.StringVar(&s.LogLevel, "log-level", s.LogLevel, "What is logged at least: debug, info, warn or error.")
	return cmd
}

// demo serves the example until ctx ends.
func demo(ctx context.Context, out io.Writer, s settings.Settings, log *slog.Logger) error {
	home, err := startApplication("home")
	if err != nil {
		return err
	}
	defer home.stop()
	cart, err := startApplication("cart")
	if err != nil {
		return err
	}
	defer cart.stop()
	dir, err := os.MkdirTemp("", "shockwave-demo-")
	if err != nil {
		return err
	}
	if err := writeDemo(dir, home.address, cart.address); err != nil {
		return fmt.Errorf("write the example manifests: %w", err)
	}
	s.Manifests = dir
	err = run(ctx, s, log, func(at addresses) { welcome(out, dir, at) })
	if err == nil {
		_, err = fmt.Fprintf(out, "\nThe manifests are still in %s\n", dir)
	}
	return err
}

// writeDemo writes the example's manifests to dir: those of package examples, and
// what is only known now.
func writeDemo(dir string, home, cart *net.TCPAddr) error {
	files, err := examples.Demo.ReadDir("demo")
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := examples.Demo.ReadFile("demo/" + f.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600); err != nil {
			return err
		}
	}
	certificate, key, err := selfSigned("shop.example")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "shop.crt"), certificate, 0o600),
		os.WriteFile(filepath.Join(dir, "certificate.yaml"), secretManifest("shop-tls", certificate, key), 0o600),
		os.WriteFile(filepath.Join(dir, "endpoints.yaml"), []byte(
			"# Where the applications of this demo listen. A cluster writes these itself.\n"+
				endpointManifest("home", home)+"---\n"+endpointManifest("cart", cart)), 0o600),
	)
}

func endpointManifest(service string, at *net.TCPAddr) string {
	return fmt.Sprintf(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %[1]s
  labels:
    kubernetes.io/service-name: %[1]s
addressType: IPv4
ports:
  - name: http
    port: %[3]d
endpoints:
  - addresses:
      - %[2]s
`, service, at.IP, at.Port)
}

func secretManifest(name string, certificate, key []byte) []byte {
	block := func(pem []byte) string {
		return "    " + strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    ") + "\n"
	}
	return []byte(`# A certificate that was made for this demo. Only shop.crt vouches for it.
apiVersion: v1
kind: Secret
metadata:
  name: ` + name + `
type: kubernetes.io/tls
stringData:
  tls.crt: |
` + block(certificate) + `  tls.key: |
` + block(key))
}

// trial is a thing to try: what it shows, and the commands.
type trial struct {
	shows    string
	commands []string
}

// trials are the things to try.
func trials(dir string, at addresses) []trial {
	http, https := at.http.String(), at.https.String()
	secure := fmt.Sprintf("curl --cacert %s/shop.crt --resolve shop.example:%s:127.0.0.1 https://shop.example:%s/",
		dir, portOf(https), portOf(https))
	return []trial{
		{"Two hosts on one port", []string{
			"curl -H 'Host: shop.example' http://" + http + "/",
			"curl -H 'Host: cart.example' http://" + http + "/",
		}},
		{"The same host, by path", []string{
			"curl -H 'Host: shop.example' http://" + http + "/cart/7",
		}},
		{"HTTPS, with the certificate of a Secret", []string{secure}},
		{"A change of a manifest, served a moment later: /cart goes to the other application", []string{
			"sed -i.bak 's/name: cart/name: home/' " + dir + "/shop.yaml && sleep 0.2",
			"curl -H 'Host: shop.example' http://" + http + "/cart/7",
		}},
		{"Metrics, and the configuration in use", []string{
			"curl http://" + at.admin.String() + "/metrics",
			"curl http://" + at.admin.String() + "/configuration",
		}},
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// welcome prints what to try.
func welcome(out io.Writer, dir string, at addresses) {
	var b strings.Builder
	fmt.Fprintf(&b, "Shockwave serves the manifests in %s\non http://%s and https://%s\n", dir, at.http, at.https)
	for _, t := range trials(dir, at) {
		fmt.Fprintf(&b, "\n%s:\n", t.shows)
		for _, c := range t.commands {
			fmt.Fprintf(&b, "  %s\n", c)
		}
	}
	b.WriteString("\nCtrl-C ends it. Below is the access log.\n\n")
	_, _ = io.WriteString(out, b.String()) // a reader that went away
}
