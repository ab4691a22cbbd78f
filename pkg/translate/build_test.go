package translate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

func keep[T metav1.Object](objects []T, names []types.NamespacedName) []T {
	return slices.DeleteFunc(slices.Clone(objects), func(o T) bool {
		return !slices.Contains(names, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()})
	})
}

const tlsObjects = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  tls: [{hosts: [shop.example], secretName: shop}]
  rules: [{host: shop.example}]
---
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData: {certificate: shop.example}
`

func TestBuilderSeesANewCertificate(t *testing.T) {
	var builder Builder
	objs := readObjects(t, tlsObjects)
	before, _ := builder.Build(objs, pageSettings())
	same, _ := builder.Build(objs, pageSettings())
	if !reflect.DeepEqual(before, same) {
		t.Errorf("the same objects give %v, then %v", before, same)
	}
	secret := objs.Secrets[0].DeepCopy()
	secret.Data["tls.crt"], secret.Data["tls.key"] = certificate(t, "shop.example until=2050")
	objs.Secrets[0] = secret
	after, _ := builder.Build(objs, pageSettings())
	fresh, _ := Build(objs, pageSettings())
	if reflect.DeepEqual(before, after) || !reflect.DeepEqual(after, fresh) {
		t.Errorf("a new certificate gives %v, want %v", after, fresh)
	}
	objs.Secrets = nil
	gone, problems := builder.Build(objs, pageSettings())
	missing := slices.ContainsFunc(problems, func(p model.Problem) bool { return p.Reason == model.ReasonSecretNotFound })
	if len(gone.Certificates) != 0 || !missing {
		t.Errorf("without the Secret: %v%v", gone, problems)
	}
}

const authorityObjects = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: a
  annotations: {shockwave.dev/auth-tls-secret: ca, shockwave.dev/proxy-ssl-secret: ca, shockwave.dev/backend-protocol: HTTPS}
spec:
  rules:
  - host: shop.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Secret
metadata: {name: ca}
stringData: {authority: cn=one, revoked: "1"}
`

func TestBuilderSeesANewAuthority(t *testing.T) {
	var builder Builder
	objs := readObjects(t, authorityObjects)
	before, _ := builder.Build(objs, pageSettings())
	secret := objs.Secrets[0].DeepCopy()
	secret.Data["ca.crl"] = revocations(t, "2")
	objs.Secrets[0] = secret
	after, _ := builder.Build(objs, pageSettings())
	fresh, _ := Build(objs, pageSettings())
	if reflect.DeepEqual(before, after) || !reflect.DeepEqual(after, fresh) || len(after.Authorities) != 1 {
		t.Errorf("a new revocation list gives %v, want %v", after, fresh)
	}
	secret = secret.DeepCopy()
	secret.Data["ca.crt"] = make([]byte, mostAuthority+1)
	objs.Secrets[0] = secret
	large, problems := builder.Build(objs, pageSettings())
	if len(large.Authorities) > 0 || large.Hosts[0].TLS != (model.HostTLS{}) || large.Hosts[0].Routes[0].Denied == "" {
		t.Errorf("too large an authority gives %v%v", large, problems)
	}
}

func TestProblemsSayWhereObjectsStand(t *testing.T) {
	objs := readObjects(t, tlsObjects)
	objs.Secrets = nil
	objs.Origins = map[ObjectKey]Origin{
		{Kind: "Ingress", NamespacedName: types.NamespacedName{Namespace: "default", Name: "a"}}: {File: "shop.yaml", Line: 7},
	}
	objs.Problems = []model.Problem{{Object: model.ObjectRef{Kind: "File", Name: "bad.yaml"}, Reason: model.ReasonParse, Message: "no"}}
	_, problems := Build(objs, pageSettings())
	if len(problems) != 3 || problems[0].Reason != model.ReasonParse {
		t.Fatalf("Problems %v, want those of reading first", problems)
	}
	for _, p := range problems[1:] {
		if p.Object.File != "shop.yaml" || p.Object.Line != 7 {
			t.Errorf("%v does not say where the Ingress stands", p)
		}
	}
}

func named(name string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
}

func TestReferences(t *testing.T) {
	objs := readObjects(t, tlsObjects)
	other := objs.Ingresses[0].DeepCopy()
	other.Name, other.Spec.IngressClassName = "theirs", new(string)
	other.Spec.TLS[0].SecretName = "not-ours"
	twice := objs.Ingresses[0].DeepCopy()
	twice.Name = "b"
	objs.Ingresses = append(objs.Ingresses, other, twice)
	settings := pageSettings()
	settings.ConfigMap = types.NamespacedName{Namespace: "system", Name: "controller"}
	settings.DefaultSSLCertificate = types.NamespacedName{Namespace: "system", Name: "wild"}
	secrets, configMaps := References(objs, settings)
	if got, want := fmt.Sprint(secrets), "[default/shop system/wild]"; got != want {
		t.Errorf("Secrets %v, want %v", got, want)
	}
	if got, want := fmt.Sprint(configMaps), "[system/controller]"; got != want {
		t.Errorf("ConfigMaps %v, want %v", got, want)
	}
}

func TestListenerConfigInForce(t *testing.T) {
	objs := readObjects(t, `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: shockwave}
spec:
  controller: shockwave.dev/ingress-controller
  parameters: {apiGroup: shockwave.dev, kind: ListenerConfig, name: edge}
---
apiVersion: shockwave.dev/v1alpha1
kind: ListenerConfig
metadata: {name: edge}
---
apiVersion: shockwave.dev/v1alpha1
kind: ListenerConfig
metadata: {name: other}
`)
	settings := pageSettings()
	if got := ListenerConfigInForce(objs, settings); got == nil || got.Name != "edge" {
		t.Errorf("in force is %v, want edge", got)
	}
	settings.IngressClass = "another"
	if got := ListenerConfigInForce(objs, settings); got != nil {
		t.Errorf("in force is %v, want none: the class is not that of the settings", got.Name)
	}
}

// TestOneAuthorCannotStallBuild gives Build what one namespace can hold of
// whatever is compared with one another. Each takes milliseconds when the work
// is linear, and minutes when it is not.
func TestOneAuthorCannotStallBuild(t *testing.T) {
	const many = 20_000
	prefix := networkingv1.PathTypePrefix
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "gone", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	names := make([]string, many)
	for i := range names {
		names[i] = fmt.Sprintf("h%d.example", i)
	}
	var crt, key = certificate(t, strings.Join(names, " "))
	objs := readObjects(t, tlsObjects)
	objs.Secrets[0].Data["tls.crt"], objs.Secrets[0].Data["tls.key"] = crt, key

	paths := named("paths")
	rule := networkingv1.IngressRule{Host: "shop.example", IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{}}}
	hosts := named("hosts")
	hosts.Annotations = make(map[string]string)
	for i, name := range names {
		rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{Path: fmt.Sprintf("/%d", i/2), PathType: &prefix, Backend: backend})
		hosts.Spec.Rules = append(hosts.Spec.Rules, networkingv1.IngressRule{Host: name})
		hosts.Spec.TLS = append(hosts.Spec.TLS, networkingv1.IngressTLS{SecretName: "shop"})
		hosts.Annotations["shockwave.dev/unknown-annotation-"+fmt.Sprint(i)] = "x"
	}
	paths.Spec.Rules = []networkingv1.IngressRule{rule}
	objs.Ingresses = append(objs.Ingresses, paths, hosts)
	for i := range 1000 {
		objs.Ingresses = append(objs.Ingresses, objs.Ingresses[0].DeepCopy())
		objs.Ingresses[len(objs.Ingresses)-1].Name = fmt.Sprint("again-", i)
	}

	started := time.Now()
	config, problems := Build(objs, pageSettings())
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("Build took %v", took)
	}
	if len(problems) > 2*many {
		t.Errorf("%d Problems", len(problems))
	}
	checkConfig(t, config)
}

// BenchmarkEdit changes one of 10,000 Ingresses.
func BenchmarkEdit(b *testing.B) {
	objs := manyIngresses(b, 10_000)
	var builder Builder
	var finder EndpointFinder
	config, _ := builder.Build(objs, pageSettings())
	finder.Of(objs, config)
	b.ReportAllocs()
	for b.Loop() {
		objs.Ingresses[5_000] = objs.Ingresses[5_000].DeepCopy()
		config, _ := builder.Build(objs, pageSettings())
		finder.Of(objs, config)
	}
}

// BenchmarkEndpointChange changes one of 10,000 EndpointSlices.
func BenchmarkEndpointChange(b *testing.B) {
	objs := manyIngresses(b, 10_000)
	config, _ := Build(objs, pageSettings())
	var finder EndpointFinder
	b.ReportAllocs()
	for b.Loop() {
		objs.EndpointSlices[5_000] = objs.EndpointSlices[5_000].DeepCopy()
		finder.Of(objs, config)
	}
}

// manyIngresses makes n Ingresses, each with a Service, a slice of two
// endpoints and a certificate of its own.
func manyIngresses(tb testing.TB, n int) *Objects {
	objs := new(Objects)
	for i := range n {
		more := readObjects(tb, fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app-%[1]d, annotations: {nginx.ingress.kubernetes.io/proxy-read-timeout: "30"}}
spec:
  tls: [{hosts: [app-%[1]d.example], secretName: app-%[1]d}]
  rules:
  - host: app-%[1]d.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: app-%[1]d, port: {number: 80}}}}
      - {path: /api, pathType: Prefix, backend: {service: {name: app-%[1]d, port: {name: http}}}}
---
apiVersion: v1
kind: Service
metadata: {name: app-%[1]d}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-%[1]d-x, labels: {kubernetes.io/service-name: app-%[1]d}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
---
apiVersion: v1
kind: Secret
metadata: {name: app-%[1]d}
stringData: {certificate: app-%[1]d.example}
`, i))
		objs.Ingresses = append(objs.Ingresses, more.Ingresses...)
		objs.Services = append(objs.Services, more.Services...)
		objs.EndpointSlices = append(objs.EndpointSlices, more.EndpointSlices...)
		objs.Secrets = append(objs.Secrets, more.Secrets...)
	}
	return objs
}
