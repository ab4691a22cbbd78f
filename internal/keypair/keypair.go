// Package keypair makes certificates for tests: fresh, self-signed, and good for an
// hour unless the test says otherwise.
package keypair

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"
)

// PEM is a key pair as a TLS Secret holds it.
type PEM struct{ Cert, Key []byte }

// New makes a certificate for DNS names. The first one, if any, is its common name.
func New(t testing.TB, dnsNames ...string) PEM {
	t.Helper()
	template := x509.Certificate{DNSNames: dnsNames}
	if len(dnsNames) > 0 {
		template.Subject = pkix.Name{CommonName: dnsNames[0]}
	}
	return Like(t, template)
}

// Like makes a certificate like template, in which a serial number and times may be
// missing.
func Like(t testing.TB, template x509.Certificate) PEM {
	t.Helper()
	now := time.Now()
	template.SerialNumber = cmp.Or(template.SerialNumber, big.NewInt(now.UnixNano()))
	if template.NotBefore.IsZero() {
		template.NotBefore = now.Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = now.Add(time.Hour)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return PEM{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
}

// Secret is the manifest of a TLS Secret that holds p, as a YAML document of its
// own.
func (p PEM) Secret(namespace, name string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: %s}
type: kubernetes.io/tls
data:
  tls.crt: %s
  tls.key: %s
`, name, namespace, base64.StdEncoding.EncodeToString(p.Cert), base64.StdEncoding.EncodeToString(p.Key))
}
