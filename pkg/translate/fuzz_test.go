package translate

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// FuzzBuild lets an Ingress author write anything.
func FuzzBuild(f *testing.F) {
	for _, seed := range [][6]string{
		{"shop.example", "/cart", "Prefix", "proxy-read-timeout", "30", "http"},
		{"*.shop.example", "/c%2fart", "Exact", "auth-url", "https://auth", ""},
		{"", "", "ImplementationSpecific", "canary", "true", "http"},
		{"a.example", "/", "Prefix", "cors-allow-origin", "https://*.a,*", "http"},
		{"a.example", "/", "Prefix", "custom-headers", "default/a", "http"},
		{"shop.example", "/api(/|$)(.*)", "ImplementationSpecific", "use-regex", "true", "http"},
		{"shop.example", "/a(?!b)|/c", "ImplementationSpecific", "rewrite-target", "/$1", "http"},
		{"[::1]", "/../a//b", "", "whitelist-source-range", "0.0.0.0/0", "x"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], int32(80))
	}
	f.Fuzz(func(t *testing.T, host, path, pathType, annotation, value, port string, number int32) {
		ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "a",
			Annotations: map[string]string{"nginx.ingress.kubernetes.io/" + annotation: value, "shockwave.dev/" + annotation: value},
		}}
		kind := networkingv1.PathType(pathType)
		backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
			Name: "cart", Port: networkingv1.ServiceBackendPort{Name: port, Number: number}}}
		ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{host, path}, SecretName: value}, {}}
		ing.Spec.Rules = []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{
				{Path: path, PathType: &kind, Backend: backend}, {Path: path + "/", PathType: &kind, Backend: backend},
			}}}}}
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "cart"}}
		if number%2 == 0 {
			service.Spec.Type, service.Spec.ExternalName = corev1.ServiceTypeExternalName, host
		}
		service.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80}}
		objs := &Objects{Ingresses: []*networkingv1.Ingress{ing}, Services: []*corev1.Service{service}}
		for _, profile := range []model.Profile{model.ProfileKubernetes, model.ProfileNginx} {
			settings := pageSettings()
			settings.Profile = profile
			config, problems := Build(objs, settings)
			checkConfig(t, config)
			EndpointsOf(objs, config)
			for _, p := range problems {
				if len(p.Message) > 2000 {
					t.Errorf("a message of %d bytes", len(p.Message))
				}
			}
		}
	})
}

func FuzzNormalPath(f *testing.F) {
	for _, seed := range []string{"/", "/a/b", "/%7e", "/%2f", "/a//b", "/é", "/%", "/.%2e/", "a", "/a;b=c@d:e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		normal, err := normalPath(path)
		if err != nil {
			return
		}
		if again, err := normalPath(normal); err != nil || again != normal {
			t.Errorf("%q is %q in normal form, and that is %q (%v)", path, normal, again, err)
		}
		for _, bad := range []string{"//", "/./", "/../", "?", "#", "%2F", "%5C", "%00", " ", "\\"} {
			if strings.Contains(normal+"/", bad) && !strings.HasSuffix(normal, "/") {
				t.Errorf("%q is %q in normal form, which holds %q", path, normal, bad)
			}
		}
	})
}

func FuzzExternalHost(f *testing.F) {
	for _, seed := range []string{"api.example.net", "localhost", "127.0.0.1", "::1", "0x7f.1", "127.1", "a.localhost.", "169.254.169.254", "fd00:ec2::254", "64:ff9b::7f00:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		host, refused := externalHost(name)
		if refused != "" {
			return
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			if !model.Outward(addr) {
				t.Errorf("%q is accepted as %v", name, addr)
			}
			return
		}
		if host == "" || strings.HasSuffix("."+host, ".localhost") || strings.ContainsAny(host, " /:@*%\x00") {
			t.Errorf("%q is accepted as %q", name, host)
		}
	})
}
