package translate

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// The keys of a Secret that hold an authority.
const (
	authorityKey = "ca.crt"
	revokedKey   = "ca.crl"
)

// mostAuthority bounds an authority with its revocation lists: each is parsed when
// it changes, while no other change is served.
const mostAuthority = 256 << 10

var (
	errNoAuthority   = errors.New("ca.crt is missing")
	errAuthoritySize = fmt.Errorf("ca.crt and ca.crl are larger than %d KiB", mostAuthority>>10)
	errAuthorityForm = errors.New("ca.crt holds no certificate")
	errRevokedForm   = errors.New("ca.crl holds no revocation list")
)

// authority is what a Secret has to verify certificates with.
type authority struct {
	certificates, revoked []byte
	// err is why it is of no use.
	err error
}

// authority returns the authority of a Secret, nil when there is no such Secret.
// Content that the last Build has seen is not parsed again.
func (b *build) authority(name types.NamespacedName) *authority {
	if a, ok := b.trusted[name]; ok {
		return a
	}
	secret := b.secrets[name]
	if secret == nil {
		return nil
	}
	certificates, revoked := secret.Data[authorityKey], secret.Data[revokedKey]
	a := b.knownTrusted[name]
	if a == nil || !bytes.Equal(a.certificates, certificates) || !bytes.Equal(a.revoked, revoked) {
		a = &authority{certificates, revoked, checkAuthority(certificates, revoked)}
	}
	b.trusted[name] = a
	return a
}

// checkAuthority tells why an authority is of no use.
func checkAuthority(certificates, revoked []byte) error {
	switch {
	case len(certificates) == 0:
		return errNoAuthority
	case len(certificates)+len(revoked) > mostAuthority:
		return errAuthoritySize
	}
	found, err := eachBlock(certificates, "CERTIFICATE", checkTrusted)
	if err != nil {
		return fmt.Errorf("ca.crt: %w", err)
	}
	if !found {
		return errAuthorityForm
	}
	if len(revoked) == 0 {
		return nil
	}
	found, err = eachBlock(revoked, "X509 CRL", func(der []byte) error {
		_, err := x509.ParseRevocationList(der)
		return err
	})
	if err != nil {
		return fmt.Errorf("ca.crl: %w", err)
	}
	if !found {
		return errRevokedForm
	}
	return nil
}

func checkTrusted(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if public, ok := cert.PublicKey.(*rsa.PublicKey); ok && public.N.BitLen() > mostBits {
		return errKeyBits
	}
	return nil
}

// eachBlock checks the PEM blocks of one type, and tells whether there are any.
func eachBlock(text []byte, kind string, check func(der []byte) error) (found bool, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != kind {
			continue
		}
		found = true
		if err := check(block.Bytes); err != nil {
			return true, err
		}
	}
	return found, nil
}

// authorities lists the authorities that c refers to, sorted by name.
func (b *build) authorities(c *model.Config) []model.Authority {
	wanted := make(map[string]bool)
	for i := range c.Hosts {
		wanted[c.Hosts[i].TLS.Authority] = true
	}
	for i := range c.Upstreams {
		wanted[c.Upstreams[i].Transport.TLS.Authority] = true
	}
	delete(wanted, "") // those of the system
	var list []model.Authority
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		a := b.trusted[objectName(name)]
		list = append(list, model.Authority{Name: name, Certificates: a.certificates, Revoked: a.revoked})
	}
	return list
}
