package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

// shockwave runs the command line in this process.
func shockwave(t *testing.T, stdin string, args ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&b)
	err = cmd.Execute()
	return b.String(), err
}

const misspelt = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec: {controller: shockwave.dev/ingress-controller}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {shockwave.dev/proxy-read-timeot: "5"}
spec:
  ingressClassName: shockwave
  rules:
  - host: shop.example
    http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}
`

func TestCheckPrintsModelAndProblems(t *testing.T) {
	out, err := shockwave(t, misspelt, "check", "-f", "-", "-o", "model", "--allocation-mode=standard")
	if err == nil || err.Error() != "there is 1 problem" {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		"host shop.example\n  /cart  prefix  default/cart:80\n",
		"\nproblems\nstandard input:11: Ingress default/shop  UnknownAnnotation  ",
		"proxy-read-timeout",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestCheckWithoutProblems(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.yaml")
	good := strings.Replace(misspelt, "timeot", "timeout", 1)
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Dir(file)} {
		out, err := shockwave(t, "", "check", "-f", path, "-o", "model")
		if err != nil || !strings.Contains(out, "proxy-read-timeout=5s") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestCheckAsJSON(t *testing.T) {
	out, err := shockwave(t, misspelt, "check", "-f", "-", "-o", "model-json")
	if err == nil {
		t.Error("problems, and no error")
	}
	var result struct {
		Config   struct{ Hosts []struct{ Name string } }
		Problems []struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(result.Config.Hosts) != 1 || result.Config.Hosts[0].Name != "shop.example" || result.Problems[0].Reason != "UnknownAnnotation" {
		t.Errorf("%+v", result)
	}
}

// Each mode comes with what chose it, and a flag is told from the default even when
// both are the same.
func TestCheckTellsWhereModesComeFrom(t *testing.T) {
	manifests := strings.Replace(misspelt, `{shockwave.dev/proxy-read-timeot: "5"}`, "{shockwave.dev/allocation-mode: greentea}", 1)
	out, err := shockwave(t, manifests, "check", "-f", "-", "-o", "model", "--allocation-mode=arena")
	const config = "listener  allocation-mode=arena (--allocation-mode)\nhost shop.example\n" +
		"  /cart  prefix  default/cart:80  allocation-mode=greentea (annotation shockwave.dev/allocation-mode of Ingress default/shop)\n"
	if err != nil || out != config {
		t.Errorf("%v\n%s\nwant\n%s", err, out, config)
	}
	def := alloc.Built().Default.String()
	for flag, from := range map[string]string{"--ingress-class=shockwave": "default", "--allocation-mode=" + def: "--allocation-mode"} {
		out, err := shockwave(t, manifests, "check", "-f", "-", "-o", "model-json", flag)
		var form struct {
			Config struct {
				Listener map[string]any
				Hosts    []struct {
					Routes []struct{ Options map[string]any }
				}
			}
		}
		if e := json.Unmarshal([]byte(out), &form); err != nil || e != nil {
			t.Fatalf("%v, %v\n%s", err, e, out)
		}
		listener, route := form.Config.Listener, form.Config.Hosts[0].Routes[0].Options
		if listener["allocation-mode"] != def || listener["allocation-mode-from"] != from {
			t.Errorf("%s: the listener has %v from %v", flag, listener["allocation-mode"], listener["allocation-mode-from"])
		}
		if route["allocation-mode"] != "greentea" || route["allocation-mode-from"] != "annotation shockwave.dev/allocation-mode of Ingress default/shop" {
			t.Errorf("%s: the route has %v from %v", flag, route["allocation-mode"], route["allocation-mode-from"])
		}
	}
}

func TestCheckOfAnotherClass(t *testing.T) {
	out, err := shockwave(t, misspelt, "check", "-f", "-", "-o", "model", "--controller-class=k8s.io/ingress-nginx", "--allocation-mode=standard")
	if err != nil || strings.Contains(out, "shop.example") || !strings.HasPrefix(out, "# nothing is served, although there are Ingresses (1): ") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCheckMistakes(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for _, c := range []struct{ args, want string }{
		{"check", "say what to check: -f FILE, -f DIR, or -f - for the standard input; or --cluster"},
		{"check -f /does/not/exist", "--filename: stat /does/not/exist: no such file or directory"},
		{"check -f - -o xml", `--output: "xml" is none of text, json, markdown, model, model-json`},
		{"check --cluster", "--cluster: there is no kubeconfig: say with --kubeconfig or KUBECONFIG where one is, or read manifests with -f"},
		{"check -f - --cluster", "--cluster: manifests are read with -f, or a cluster, not both"},
		{"check -f - --fail-on=all", `--fail-on: "all" is none of refused, changes, any, never`},
		{"check -f - --configmap=x", `--configmap: "x" is not of the form namespace/name`},
	} {
		if _, err := shockwave(t, "", strings.Fields(c.args)...); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
}

// What CI sees: 0, 1 for problems that --fail-on names, 2 for what could not be read.
func TestCheckExitCodes(t *testing.T) {
	good := strings.Replace(misspelt, `{shockwave.dev/proxy-read-timeot: "5"}`, "{}", 1)
	note := strings.Replace(misspelt, "shockwave.dev/proxy-read-timeot", "nginx.ingress.kubernetes.io/proxy-read-timeot", 1)
	refused := strings.Replace(misspelt, `shockwave.dev/proxy-read-timeot: "5"`, "nginx.ingress.kubernetes.io/server-snippet: deny all;", 1)
	for _, c := range []struct {
		manifests, args string
		want            int
	}{
		{good, "-f -", 0},
		{good + "---\nreplicas: 2\n", "-f -", 0},
		{note, "-f -", 0},
		{note, "-f - --fail-on=any", 1},
		{misspelt, "-f -", 1},
		{misspelt, "-f - -o json", 1},
		{misspelt, "-f - --fail-on=refused", 0},
		{refused, "-f - --fail-on=refused", 1},
		{refused, "-f - --fail-on=never", 0},
		{good + "---\na: [\n", "-f - --fail-on=never", 2},
		{good, "-f /does/not/exist", 2},
		{good, "-f - --unheard-of", 2},
		{good, "-f - -o xml", 2},
		{good, "--kubeconfig=/does/not/exist", 2},
	} {
		_, err := shockwave(t, c.manifests, append([]string{"check"}, strings.Fields(c.args)...)...)
		got := 0
		if err != nil {
			got = exitCode(err)
		}
		if got != c.want {
			t.Errorf("%s: %d (%v), want %d", c.args, got, err, c.want)
		}
	}
}

// Several files are one set: what one refers to may stand in another.
func TestCheckOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	for i, text := range strings.Split(misspelt, "---\n") {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := shockwave(t, "", "check", "--complete", "-f", dir+"/a.yaml", "-f", dir+"/c.yaml", "-f", dir+"/b.yaml")
	if err == nil || !strings.HasPrefix(out, dir+"/c.yaml:1: Ingress default/shop  class shockwave  CHANGES\n  path       shop.example/cart  prefix  default/cart:80\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
