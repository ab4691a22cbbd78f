package manifests

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

const ingressA = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\n"

// listing prints what was read, one line for each object and Problem.
func listing(objs *translate.Objects) string {
	var b strings.Builder
	line := func(kind, namespace, name string) {
		for key, origin := range objs.Origins {
			if key.Kind == kind && key.Namespace == namespace && key.Name == name {
				fmt.Fprintf(&b, "%s %s/%s %s:%d\n", kind, namespace, name, origin.File, origin.Line)
			}
		}
	}
	for _, o := range objs.Ingresses {
		line("Ingress", o.Namespace, o.Name)
	}
	for _, o := range objs.IngressClasses {
		line("IngressClass", o.Namespace, o.Name)
	}
	for _, o := range objs.Services {
		line("Service", o.Namespace, o.Name)
	}
	for _, o := range objs.EndpointSlices {
		line("EndpointSlice", o.Namespace, o.Name)
	}
	for _, o := range objs.Secrets {
		line("Secret", o.Namespace, o.Name)
	}
	for _, o := range objs.ConfigMaps {
		line("ConfigMap", o.Namespace, o.Name)
	}
	for _, o := range objs.ListenerConfigs {
		line("ListenerConfig", o.Namespace, o.Name)
	}
	for _, p := range objs.Problems {
		fmt.Fprintf(&b, "! %s\n", p)
	}
	return b.String()
}

// single returns the objects of one file.
func single(name, text string) *translate.Objects {
	a := assemble([]*file{{name: name, content: decodeFile(name, []byte(text))}}, nil)
	a.admit(nil)
	return a.objs
}

func TestOneFile(t *testing.T) {
	for _, test := range []struct {
		name string
		file string
		text string
		want string
	}{
		{
			name: "an empty file has no objects",
			file: "m.yaml",
		},
		{
			name: "comments and separators alone have no objects",
			file: "m.yaml",
			text: "# nothing\n---\n\n---\n# here\n...\n",
		},
		{
			name: "several documents, with the line each begins on",
			file: "m.yaml",
			text: "# first\n" + ingressA + "---\n\n# second\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\n--- # third\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
			want: "Ingress default/a m.yaml:2\nService shop/s m.yaml:8\nConfigMap default/c m.yaml:12\n",
		},
		{
			name: "a document on the line of its separator",
			file: "m.yaml",
			text: "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n---\n" + ingressA,
			want: "Ingress default/a m.yaml:3\nConfigMap default/c m.yaml:1\n",
		},
		{
			name: "line ends of Windows and a byte order mark",
			file: "m.yaml",
			text: "\ufeff" + strings.ReplaceAll(ingressA+"---\n"+strings.Replace(ingressA, "name: a", "name: b", 1), "\n", "\r\n"),
			want: "Ingress default/a m.yaml:1\nIngress default/b m.yaml:5\n",
		},
		{
			name: "a separator within a block scalar's indentation is text",
			file: "m.yaml",
			text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  text: |\n    ---\n    more\n",
			want: "ConfigMap default/c m.yaml:1\n",
		},
		{
			name: "a List, with the lines of its items",
			file: "m.yaml",
			text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: s}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: x}\n",
			want: "Service default/s m.yaml:4\nSecret default/x m.yaml:7\n",
		},
		{
			name: "a typed list, whose items may lack their kind",
			file: "m.yaml",
			text: "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
			want: "Ingress default/a m.yaml:4\nIngress default/b m.yaml:5\n",
		},
		{
			name: "a List in JSON",
			file: "m.json",
			text: "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}}]}",
			want: "Service default/s m.json:2\n",
		},
		{
			name: "several JSON values in a file",
			file: "m.json",
			text: "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}}\n\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"}}\n",
			want: "Service default/s m.json:1\nSecret default/x m.json:3\n",
		},
		{
			name: "broken JSON after a good value",
			file: "m.json",
			text: "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}}\n{\"apiVersion\": oops}\n",
			want: "Service default/s m.json:1\n! m.json:2: File m.json  ParseError  not valid JSON: invalid character 'o' looking for beginning of value.\n",
		},
		{
			name: "kinds that the controller does not use are passed over",
			file: "m.yaml",
			text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: k}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: e}\n",
		},
		{
			name: "an Ingress of an old version is a mistake",
			file: "m.yaml",
			text: "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n",
			want: "! m.yaml:1: File m.yaml  ParseError  Ingress of extensions/v1beta1 is not served by Kubernetes any more: write apiVersion networking.k8s.io/v1.\n",
		},
		{
			name: "a syntax error in the second document costs that document",
			file: "m.yaml",
			text: ingressA + "---\napiVersion: v1\nkind: Service\nmetadata: name: s\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n",
			want: "Ingress default/a m.yaml:1\nSecret default/x m.yaml:9\n! m.yaml:7: File m.yaml  ParseError  not valid YAML: mapping values are not allowed in this context.\n",
		},
		{
			name: "a parser's error has its line too",
			file: "m.yaml",
			text: "---\napiVersion: v1\nkind: Service\nmetadata: {name: s\nspec: {}\n",
			want: "! m.yaml:5: File m.yaml  ParseError  not valid YAML: did not find expected ',' or '}'.\n",
		},
		{
			name: "a duplicate key has its line",
			file: "m.yaml",
			text: "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nkind: Secret\n",
			want: "! m.yaml:4: File m.yaml  ParseError  not valid YAML: key \"kind\" already set in map.\n",
		},
		{
			name: "a value of the wrong type",
			file: "m.yaml",
			text: "\n" + ingressA + "spec: {rules: 7}\n",
			want: "! m.yaml:2: File m.yaml  ParseError  Ingress: json: cannot unmarshal number into Go struct field IngressSpec.spec.rules of type []v1.IngressRule.\n",
		},
		{
			name: "no apiVersion",
			file: "m.yaml",
			text: "kind: Ingress\n",
			want: "! m.yaml:1: File m.yaml  ParseError  the document has no apiVersion.\n",
		},
		{
			name: "the values of a chart",
			file: "m.yaml",
			text: "replicas: 2\n---\n" + ingressA,
			want: "Ingress default/a m.yaml:3\n! m.yaml:1: File m.yaml  NotAnObject  the document is not an object with apiVersion and kind.\n",
		},
		{
			name: "not an object",
			file: "m.yaml",
			text: "- a\n- b\n",
			want: "! m.yaml:1: File m.yaml  NotAnObject  the document is not an object with apiVersion and kind.\n",
		},
		{
			name: "no name",
			file: "m.yaml",
			text: "apiVersion: v1\nkind: Service\n",
			want: "! m.yaml:1: File m.yaml  ParseError  Service: metadata.name is missing.\n",
		},
		{
			name: "a name that no API server would take",
			file: "m.yaml",
			text: "apiVersion: v1\nkind: Service\nmetadata: {name: ../../x}\n",
			want: "! m.yaml:1: File m.yaml  ParseError  Service: metadata.name \"../../x\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*').\n",
		},
		{
			name: "an unknown field is told, and the object used",
			file: "m.yaml",
			text: ingressA + "spec: {ingresClassName: x}\n",
			want: "Ingress default/a m.yaml:1\n! m.yaml:1: Ingress default/a  UnknownField  the object is used, but a part of it has no effect: unknown field \"spec.ingresClassName\".\n",
		},
		{
			name: "of two definitions of one object the first counts",
			file: "m.yaml",
			text: ingressA + "---\n" + ingressA,
			want: "Ingress default/a m.yaml:1\n! m.yaml:5: Ingress default/a  DuplicateObject  The object is already defined in m.yaml:1; this document is not used.\n",
		},
		{
			name: "cluster-scoped kinds lose a namespace",
			file: "m.yaml",
			text: "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c, namespace: ns}\n---\napiVersion: shockwave.dev/v1alpha1\nkind: ListenerConfig\nmetadata: {name: l}\nspec: {keepAliveTimeout: 75s}\n",
			want: "IngressClass /c m.yaml:1\nListenerConfig /l m.yaml:5\n",
		},
		{
			name: "lists in lists have an end",
			file: "m.yaml",
			text: strings.Repeat("{apiVersion: v1, kind: List, items: [", 10) + strings.Repeat("]}", 10),
			want: "! m.yaml:1: File m.yaml  ParseError  lists are nested too deeply.\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, listing(single(test.file, test.text))); diff != "" {
				t.Error("(-want +got)\n" + diff)
			}
		})
	}
}

func TestReadAllRefusesTooMuch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "m.yaml", strings.Repeat("#", maxFileBytes+1))
	_, err := ReadAll([]string{filepath.Join(dir, "m.yaml")}, nil)
	if err == nil || !strings.Contains(err.Error(), "10 MiB") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// An alias bomb must not take the memory of what it stands for.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	objs := single("m.yaml", b.String())
	if len(objs.Problems) != 1 || !strings.Contains(objs.Problems[0].Message, "excessive aliasing") {
		t.Errorf("got %v, want one Problem about aliases", objs.Problems)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("m.yaml", ingressA+"---\n"+ingressA)
	f.Add("m.json", `{"apiVersion":"v1","kind":"List","items":[{}]}`)
	f.Add("m.yaml", "apiVersion: v1\nkind: List\nitems: [{kind: List, apiVersion: v1, items: 3}]")
	f.Fuzz(func(t *testing.T, name, text string) {
		lines := 1 + strings.Count(text, "\n")
		c := decodeFile(name, []byte(text))
		for _, o := range c.objects {
			if o.line < 1 || o.line > lines {
				t.Errorf("object at line %d of %d", o.line, lines)
			}
		}
		for _, p := range c.problems {
			if p.Object.Line < 0 || p.Object.Line > lines+1 {
				t.Errorf("problem at line %d of %d", p.Object.Line, lines)
			}
		}
	})
}
