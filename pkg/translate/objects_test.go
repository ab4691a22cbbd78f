package translate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/shockwave-ingress/shockwave/api/v1alpha1"
)

// readObjects reads the documents of a page. Objects without namespace are in
// "default". A Secret may ask for a key pair; see certificate.
func readObjects(t testing.TB, text string) *Objects {
	objs := new(Objects)
	for document := range strings.SplitSeq(text, "\n---\n") {
		var meta metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		switch meta.Kind {
		case "Ingress":
			objs.Ingresses = append(objs.Ingresses, decode(t, document, new(networkingv1.Ingress)))
		case "IngressClass":
			objs.IngressClasses = append(objs.IngressClasses, decode(t, document, new(networkingv1.IngressClass)))
		case "Service":
			objs.Services = append(objs.Services, decode(t, document, new(corev1.Service)))
		case "EndpointSlice":
			objs.EndpointSlices = append(objs.EndpointSlices, decode(t, document, new(discoveryv1.EndpointSlice)))
		case "ConfigMap":
			objs.ConfigMaps = append(objs.ConfigMaps, decode(t, document, new(corev1.ConfigMap)))
		case "ListenerConfig":
			objs.ListenerConfigs = append(objs.ListenerConfigs, decode(t, document, new(v1alpha1.ListenerConfig)))
		case "Secret":
			secret := decode(t, document, new(corev1.Secret))
			fillSecret(t, secret)
			objs.Secrets = append(objs.Secrets, secret)
		default:
			t.Fatalf("a page has no objects of kind %q:\n%s", meta.Kind, document)
		}
	}
	return objs
}

func decode[T metav1.Object](t testing.TB, document string, object T) T {
	if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	switch any(object).(type) {
	case *networkingv1.IngressClass, *v1alpha1.ListenerConfig:
	default:
		if object.GetNamespace() == "" {
			object.SetNamespace(metav1.NamespaceDefault)
		}
	}
	return object
}

// fillSecret does what an API server does with stringData, and makes the key
// pair, authority and revocation list that "certificate", "authority" and "revoked"
// ask for.
func fillSecret(t testing.TB, secret *corev1.Secret) {
	if secret.Data == nil {
		secret.Data = make(map[string][]byte)
	}
	for key, value := range secret.StringData {
		switch key {
		case "certificate":
			secret.Data["tls.crt"], secret.Data["tls.key"] = certificate(t, value)
		case "authority":
			secret.Data["ca.crt"], _ = certificate(t, value)
		case "revoked":
			secret.Data["ca.crl"] = revocations(t, value)
		default:
			secret.Data[key] = []byte(value)
		}
	}
	secret.StringData = nil
}

// certificate makes a key pair, always the same for the same words. Words are
// the DNS names, and cn=NAME for a common name, from=YEAR and until=YEAR for
// the time in which it is valid, 2020 to 2099 otherwise.
func certificate(t testing.TB, words string) (cert, key []byte) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    year(t, "2020"),
		NotAfter:     year(t, "2099"),
	}
	for _, word := range strings.Fields(words) {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "cn":
			template.Subject = pkix.Name{CommonName: value}
		case "from":
			template.NotBefore = year(t, value)
		case "until":
			template.NotAfter = year(t, value)
		default:
			template.DNSNames = append(template.DNSNames, word)
		}
	}
	private := pageKey()
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func pageKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("a seed of thirty-two octets long"))
}

// revocations makes a revocation list with this number.
func revocations(t testing.TB, number string) []byte {
	n, ok := new(big.Int).SetString(number, 10)
	if !ok {
		t.Fatalf("%q is no number of a revocation list", number)
	}
	list := &x509.RevocationList{Number: n, ThisUpdate: year(t, "2020"), NextUpdate: year(t, "2099")}
	issuer := &x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer, pageKey())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func year(t testing.TB, text string) time.Time {
	at, err := time.Parse("2006", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
