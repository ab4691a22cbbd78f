package check

import (
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shockwave-ingress/shockwave/pkg/annotation"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/translate"
)

// standIns are what objects refer to and do not have, made up.
type standIns struct {
	objs *translate.Objects
	// missing are the objects made up that an Ingress names.
	missing map[*networkingv1.Ingress][]string
	// ports are those of Services made up, by the number given to them, as the
	// Ingress writes them.
	ports map[model.UpstreamKey]string
}

// nameOf is how an Ingress writes a port of a Service, "namespace/service:port".
func (s standIns) nameOf(key model.UpstreamKey) string {
	return key.Namespace + "/" + key.Service + ":" + cmp.Or(s.ports[key], key.Port)
}

// standIn returns objs with what Ingresses refer to and the files lack. objs itself
// stays as it is.
func standIn(objs *translate.Objects, settings translate.Settings, o Options) standIns {
	copied := *objs
	s := standIns{&copied, make(map[*networkingv1.Ingress][]string), make(map[model.UpstreamKey]string)}
	ours := translate.Ours(objs, settings)
	if !o.Complete {
		s.services(ours)
	}
	s.references(ours, settings)
	for ing, names := range s.missing {
		slices.Sort(names)
		s.missing[ing] = slices.Compact(names)
	}
	return s
}

// services makes up Services, each with the ports that Ingresses ask for.
func (s *standIns) services(ours []*networkingv1.Ingress) {
	have := make(map[types.NamespacedName]bool, len(s.objs.Services))
	for _, service := range s.objs.Services {
		have[types.NamespacedName{Namespace: service.Namespace, Name: service.Name}] = true
	}
	made := make(map[types.NamespacedName]*corev1.Service)
	need := func(ing *networkingv1.Ingress, backend *networkingv1.IngressServiceBackend) {
		name := types.NamespacedName{Namespace: ing.Namespace, Name: backend.Name}
		if have[name] || backend.Name == "" {
			return
		}
		s.missing[ing] = append(s.missing[ing], "Service "+name.String())
		service := made[name]
		if service == nil {
			service = &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
				Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "192.0.2.1"}, // RFC 5737: nobody's
			}
			made[name] = service
			s.objs.Services = append(slices.Clone(s.objs.Services), service)
		}
		s.port(service, backend.Port)
	}
	for _, ing := range ours {
		for backend := range backends(ing) {
			if backend.Service != nil {
				need(ing, backend.Service)
			}
		}
	}
}

// port gives a Service made up a port as an Ingress writes it.
func (s *standIns) port(service *corev1.Service, wanted networkingv1.ServiceBackendPort) {
	taken := make(map[int32]bool)
	for _, port := range service.Spec.Ports {
		if wanted.Number != 0 && port.Port == wanted.Number || wanted.Name != "" && port.Name == wanted.Name {
			return
		}
		taken[port.Port] = true
	}
	port := corev1.ServicePort{Name: wanted.Name, Port: wanted.Number, Protocol: corev1.ProtocolTCP}
	written := wanted.Name
	if wanted.Number != 0 {
		port.Name, written = fmt.Sprintf("port-%d", wanted.Number), fmt.Sprint(wanted.Number)
	} else {
		port.Port = map[string]int32{"http": 80, "https": 443}[wanted.Name]
		for n := int32(8080); port.Port == 0 || taken[port.Port]; n++ {
			port.Port = n
		}
	}
	port.TargetPort = intstr.FromInt32(port.Port)
	service.Spec.Ports = append(service.Spec.Ports, port)
	s.ports[model.UpstreamKey{Namespace: service.Namespace, Service: service.Name, Port: fmt.Sprint(port.Port)}] = written
}

// backends are those that the spec of an Ingress names.
func backends(ing *networkingv1.Ingress) func(func(*networkingv1.IngressBackend) bool) {
	return func(yield func(*networkingv1.IngressBackend) bool) {
		if ing.Spec.DefaultBackend != nil && !yield(ing.Spec.DefaultBackend) {
			return
		}
		for i := range ing.Spec.Rules {
			if http := ing.Spec.Rules[i].HTTP; http != nil {
				for k := range http.Paths {
					if !yield(&http.Paths[k].Backend) {
						return
					}
				}
			}
		}
	}
}

// references makes up the Secrets and ConfigMaps that Ingresses name. Those that flags
// name are left out: a missing one is a mistake of who runs check.
func (s *standIns) references(ours []*networkingv1.Ingress, settings translate.Settings) {
	reader := annotation.NewReader(settings.AnnotationsPrefix, nil)
	have, made := make(map[string]bool, len(s.objs.Secrets)+len(s.objs.ConfigMaps)), make(map[string]bool)
	for _, o := range s.objs.Secrets {
		have["Secret "+o.Namespace+"/"+o.Name] = true
	}
	for _, o := range s.objs.ConfigMaps {
		have["ConfigMap "+o.Namespace+"/"+o.Name] = true
	}
	// The flags' own are not asked for again.
	settings.ConfigMap, settings.TCPServices, settings.UDPServices, settings.DefaultSSLCertificate = types.NamespacedName{}, types.NamespacedName{}, types.NamespacedName{}, types.NamespacedName{}
	var secrets []types.NamespacedName
	users := make(map[types.NamespacedName][]*networkingv1.Ingress)
	maps := slices.Clone(s.objs.ConfigMaps)
	for _, ing := range ours {
		alone := &translate.Objects{Ingresses: []*networkingv1.Ingress{ing}, IngressClasses: s.objs.IngressClasses}
		wantSecrets, wantMaps := translate.References(alone, settings)
		for _, name := range wantSecrets {
			if key := "Secret " + name.String(); !have[key] {
				s.missing[ing] = append(s.missing[ing], key)
				if users[name] == nil {
					secrets = append(secrets, name)
				}
				users[name] = append(users[name], ing)
			}
		}
		for _, name := range wantMaps {
			key := "ConfigMap " + name.String()
			if have[key] {
				continue
			}
			s.missing[ing] = append(s.missing[ing], key)
			if !made[key] {
				made[key] = true
				maps = append(maps, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}})
			}
		}
	}
	s.objs.ConfigMaps = maps
	s.objs.Secrets = slices.Clone(s.objs.Secrets)
	for _, name := range secrets {
		s.objs.Secrets = append(s.objs.Secrets, secret(name, users[name], reader))
	}
}

// nobody is a user with a password that nobody knows, as htpasswd writes it.
const nobody = "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="

// secret makes up a Secret with all that Ingresses may want of one.
func secret(name types.NamespacedName, ingresses []*networkingv1.Ingress, reader annotation.Reader) *corev1.Secret {
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Data:       make(map[string][]byte), Type: corev1.SecretTypeTLS,
	}
	var others []*networkingv1.Ingress
	for _, ing := range ingresses {
		users := reader.Given(ing.Annotations, "auth-secret")
		switch {
		case users != name.Name && users != name.String():
			others = append(others, ing)
		case reader.Given(ing.Annotations, "auth-secret-type") == "auth-map":
			s.Data["nobody"] = []byte(nobody)
		default:
			s.Data["auth"] = []byte("nobody:" + nobody)
		}
	}
	if len(others) > 0 {
		cert, key := keyPair(others)
		s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey], s.Data["ca.crt"] = cert, key, cert
	}
	return s
}

// mostNames bounds the names of a certificate made up.
const mostNames = 256

// keyPair makes up a certificate for the hosts of Ingresses: always the same one, so
// that reports can be compared.
func keyPair(ingresses []*networkingv1.Ingress) (cert, key []byte) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stands in"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, ing := range ingresses {
		for _, block := range ing.Spec.TLS {
			template.DNSNames = append(template.DNSNames, block.Hosts...)
		}
		for _, rule := range ing.Spec.Rules {
			template.DNSNames = append(template.DNSNames, rule.Host)
		}
	}
	template.DNSNames = slices.DeleteFunc(template.DNSNames, func(s string) bool { return s == "" || !ascii(s) })
	slices.Sort(template.DNSNames)
	template.DNSNames = slices.Compact(template.DNSNames)
	template.DNSNames = template.DNSNames[:min(len(template.DNSNames), mostNames)]
	der, err := x509.CreateCertificate(nil, template, template, private.Public(), private)
	if err != nil { // a name that no certificate can have; Build tells of it
		template.DNSNames = nil
		der, err = x509.CreateCertificate(nil, template, template, private.Public(), private)
	}
	pkcs8, keyErr := x509.MarshalPKCS8PrivateKey(private)
	if err := cmp.Or(err, keyErr); err != nil {
		return nil, nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0 }
