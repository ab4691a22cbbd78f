package translate

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// keyPair is the content of a TLS Secret, parsed.
type keyPair struct {
	cert, key []byte
	// err is why the pair is of no use.
	err error
	// names are the DNS names of the leaf's subjectAltName in lower case.
	// The common name does not count (RFC 9525, section 2).
	names               map[string]struct{}
	notBefore, notAfter time.Time
}

var (
	errNoCertificate = errors.New("tls.crt is missing")
	errNoKey         = errors.New("tls.key is missing")
	errCertificate   = fmt.Errorf("tls.crt is larger than %d KiB", mostCertificate>>10)
	errKeySize       = fmt.Errorf("tls.key is larger than %d KiB", mostKey>>10)
	errKeyBits       = fmt.Errorf("its RSA key has more than %d bits", mostBits)
)

// What is accepted of a key pair. A Secret holds a megabyte, and an RSA key of
// that size would be checked for minutes, while no change of anybody is served.
// The bits are those that Go's TLS clients accept: each handshake costs the cube
// of them.
const (
	mostCertificate = 256 << 10 // what a TLS handshake of Go carries
	mostKey         = 16 << 10
	mostBits        = 8192
)

// pair returns the parsed content of a Secret, nil when there is no such
// Secret. The Secret's type is not looked at, as in ingress-nginx. Content that
// the last Build has seen is not parsed again.
func (b *build) pair(name types.NamespacedName) *keyPair {
	if pair, ok := b.pairs[name]; ok {
		return pair
	}
	secret := b.secrets[name]
	if secret == nil {
		return nil
	}
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	pair := b.known[name]
	if pair == nil || !bytes.Equal(pair.cert, cert) || !bytes.Equal(pair.key, key) {
		pair = parsePair(cert, key)
	}
	b.pairs[name] = pair
	return pair
}

func parsePair(cert, key []byte) *keyPair {
	pair := &keyPair{cert: cert, key: key}
	switch {
	case len(cert) == 0:
		pair.err = errNoCertificate
		return pair
	case len(key) == 0:
		pair.err = errNoKey
		return pair
	case len(cert) > mostCertificate:
		pair.err = errCertificate
		return pair
	case len(key) > mostKey:
		pair.err = errKeySize
		return pair
	}
	parsed, err := tls.X509KeyPair(cert, key)
	if err != nil {
		pair.err = err
		return pair
	}
	if public, ok := parsed.Leaf.PublicKey.(*rsa.PublicKey); ok && public.N.BitLen() > mostBits {
		pair.err = errKeyBits
		return pair
	}
	pair.notBefore, pair.notAfter = parsed.Leaf.NotBefore, parsed.Leaf.NotAfter
	pair.names = make(map[string]struct{}, len(parsed.Leaf.DNSNames))
	for _, name := range parsed.Leaf.DNSNames {
		pair.names[strings.ToLower(name)] = struct{}{}
	}
	return pair
}

// covers tells whether the certificate is for a host name: by the name itself,
// or by a wildcard in place of its first label (RFC 9525, section 6.3).
func (p *keyPair) covers(name string) bool {
	if _, ok := p.names[name]; ok {
		return true
	}
	_, ok := p.names[wildcardOf(name)]
	return ok
}

// outOfDate tells why the certificate is not valid now, or "".
func (p *keyPair) outOfDate(now time.Time) string {
	switch {
	case now.IsZero():
		return ""
	case now.After(p.notAfter):
		return "expired on " + p.notAfter.UTC().Format(time.RFC3339)
	case now.Before(p.notBefore):
		return "is not valid before " + p.notBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

// certificates lists the certificates that c refers to, sorted by name.
func (b *build) certificates(c *model.Config) []model.Certificate {
	wanted := map[string]bool{c.DefaultCertificate: true}
	for _, h := range c.Hosts {
		wanted[h.Certificate] = true
		for _, a := range h.Aliases {
			wanted[a.Certificate] = true
		}
	}
	for _, n := range c.TLSNames {
		wanted[n.Certificate] = true
	}
	for i := range c.Upstreams {
		wanted[c.Upstreams[i].Transport.TLS.Certificate] = true
	}
	delete(wanted, "") // the default certificate of the process
	var list []model.Certificate
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		pair := b.pairs[objectName(name)]
		list = append(list, model.Certificate{Name: name, Cert: pair.cert, Key: pair.key, OCSP: b.staple(name)})
	}
	return list
}

// stapleKey is the key of a TLS Secret with a response of the certificate's
// authority (OCSP), as DER.
const stapleKey = "tls.ocsp-staple"

// mostStaple bounds such a response.
const mostStaple = 64 << 10

// staple returns the response in a Secret, nil for none. Whether it is of use is for
// those who show it: it has its time.
func (b *build) staple(name string) []byte {
	secret := b.secrets[objectName(name)]
	if secret == nil || len(secret.Data[stapleKey]) > mostStaple {
		return nil
	}
	return secret.Data[stapleKey]
}
