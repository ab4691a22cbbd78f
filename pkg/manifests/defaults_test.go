package manifests

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

func read(t *testing.T, text string) *translate.Objects {
	t.Helper()
	objs := single("m.yaml", text)
	if len(objs.Problems) > 0 {
		t.Fatal(objs.Problems)
	}
	return objs
}

func TestServiceDefaults(t *testing.T) {
	s := read(t, serviceS).Services[0]
	port := s.Spec.Ports[0]
	if s.Spec.Type != corev1.ServiceTypeClusterIP || port.Protocol != corev1.ProtocolTCP || port.TargetPort.IntValue() != 80 {
		t.Errorf("got type %q, protocol %q, target port %v", s.Spec.Type, port.Protocol, port.TargetPort)
	}
}

func TestEndpointSliceDefaults(t *testing.T) {
	s := read(t, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv4\nports: [{port: 8080}]\nendpoints: [{addresses: [127.0.0.1]}]\n").EndpointSlices[0]
	if port := s.Ports[0]; *port.Name != "" || *port.Protocol != corev1.ProtocolTCP {
		t.Errorf("got name %q, protocol %q", *port.Name, *port.Protocol)
	}
}

func TestSecretStringData(t *testing.T) {
	s := read(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: b2xk, b: a2VwdA==}\nstringData: {a: new}\n").Secrets[0]
	if string(s.Data["a"]) != "new" || string(s.Data["b"]) != "kept" || s.StringData != nil || s.Type != corev1.SecretTypeOpaque {
		t.Errorf("got %q, %v, type %q", s.Data, s.StringData, s.Type)
	}
}

func TestDefaultClass(t *testing.T) {
	const class = "---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: NAME, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}, creationTimestamp: TIME}\nspec: {controller: x/y}\n"
	classes := strings.NewReplacer("NAME", "old", "TIME", `"2020-01-01T00:00:00Z"`).Replace(class) +
		strings.NewReplacer("NAME", "young", "TIME", `"2024-01-01T00:00:00Z"`).Replace(class)
	for name, test := range map[string]struct{ ingress, want string }{
		"without a class it gets the youngest default": {ingressA, "young"},
		"its own class stays":                          {ingressA + "spec: {ingressClassName: own}\n", "own"},
		"the annotation is a class too":                {strings.Replace(ingressA, "{name: a}", "{name: a, annotations: {kubernetes.io/ingress.class: own}}", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if c := read(t, test.ingress+classes).Ingresses[0].Spec.IngressClassName; c != nil {
				got = *c
			}
			if got != test.want {
				t.Errorf("got class %q, want %q", got, test.want)
			}
		})
	}
}

// Of two Ingresses without a creation time the one that stands first is older.
func TestAgeWithoutCreationTime(t *testing.T) {
	ing := read(t, strings.Replace(ingressA, "name: a", "name: z", 1)+"---\n"+ingressA).Ingresses
	if ing[0].Name != "z" || !ing[0].CreationTimestamp.Before(&ing[1].CreationTimestamp) {
		t.Errorf("z is of %v, a of %v", ing[0].CreationTimestamp, ing[1].CreationTimestamp)
	}
	dated := read(t, strings.Replace(ingressA, "{name: a}", `{name: a, creationTimestamp: "2020-01-01T00:00:00Z"}`, 1)).Ingresses[0]
	if !dated.CreationTimestamp.Equal(new(dated.CreationTimestamp.Rfc3339Copy())) || dated.CreationTimestamp.Year() != 2020 {
		t.Errorf("a given time became %v", dated.CreationTimestamp.Format(time.RFC3339))
	}
}

// Objects that were handed out must not change when a later set differs.
func TestObjectsAreNeverChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.yaml", ingressA)
	d := newDirectory(dir)
	if _, err := d.scan(time.Now()); err != nil {
		t.Fatal(err)
	}
	first := d.objects().Ingresses[0]
	before := first.DeepCopy()
	write(t, dir, "a.yaml", strings.Replace(ingressA, "name: a", "name: earlier", 1)+
		"---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: d, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}\n")
	if _, err := d.scan(time.Now()); err != nil {
		t.Fatal(err)
	}
	if second := d.objects().Ingresses[1]; second.Spec.IngressClassName == nil || *second.Spec.IngressClassName != "d" {
		t.Error("the new default class has no effect")
	}
	if first.Spec.IngressClassName != nil || !first.CreationTimestamp.Equal(&before.CreationTimestamp) {
		t.Error("an object that was handed out has changed")
	}
}
