package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// The self-signed certificate bears the names of ingress-nginx's
// (internal/net/ssl/ssl.go, getFakeHostSSLCert), by which people and probes
// recognise that a host has no certificate of its own.
const (
	selfSignedName = "Kubernetes Ingress Controller Fake Certificate"
	selfSignedHost = "ingress.local"
)

// selfSignedDays is how long the self-signed certificate is good for. It is made
// anew when the process starts.
const selfSignedDays = 730

// SelfSigned returns the certificate that is shown when there is no other. It is
// made once per process, and its key never leaves the process.
func SelfSigned() (*tls.Certificate, error) {
	p, err := selfSignedPair()
	if err != nil {
		return nil, err
	}
	return p.cert, nil
}

var selfSignedPair = sync.OnceValues(func() (*pair, error) {
	cert, err := makeSelfSigned(time.Now())
	if err != nil {
		return nil, fmt.Errorf("make the self-signed certificate: %w", err)
	}
	return newPair(Source{}, cert), nil
})

func makeSelfSigned(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), // positive: RFC 5280, section 4.1.2.2
		Subject:      pkix.Name{CommonName: selfSignedName},
		DNSNames:     []string{selfSignedHost},
		// An hour earlier, for clients whose clock is behind.
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(0, 0, selfSignedDays),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
