package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// authority is a model.Authority, parsed. It is immutable.
type authority struct {
	source model.Authority
	// err is why nothing can be verified. Then nothing is valid.
	err error
	// roots end chains. nil means those of the system, which only systemRoots wants.
	roots *x509.CertPool
	// between are the other certificates of the authority, which chains may lead
	// through.
	between *x509.CertPool
	// hint are all of them, for the names that a client chooses its certificate by.
	hint *x509.CertPool
	// revoked are the lists of the authority. nil: there are none.
	revoked *revoked
}

// systemRoots trusts what the operating system does.
var systemRoots = &authority{between: x509.NewCertPool()}

// nobody vouches for no certificate at all. It must have roots that are not nil.
var nobody = &authority{roots: x509.NewCertPool(), between: x509.NewCertPool()}

var errNoAuthority = errors.New("there is no certificate in it")

// parseAuthority never fails: an authority that cannot be parsed has err set.
func parseAuthority(source model.Authority) *authority {
	a := &authority{
		source: source, roots: x509.NewCertPool(), between: x509.NewCertPool(), hint: x509.NewCertPool(),
	}
	all, err := parseCertificates(source.Certificates)
	if err != nil {
		a.err = err
		return a
	}
	for _, cert := range all {
		a.hint.AddCert(cert)
		// One whose issuer is here too ends no chain, so that depths are counted
		// from the top as OpenSSL counts them.
		if hasIssuer(cert, all) {
			a.between.AddCert(cert)
		} else {
			a.roots.AddCert(cert)
		}
	}
	if len(source.Revoked) > 0 {
		a.revoked, a.err = parseRevoked(source.Revoked, all)
	}
	return a
}

// parseCertificates parses a PEM text that holds one certificate or more.
func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, errNoAuthority
	}
	return all, nil
}

// hasIssuer tells whether the issuer of cert, which is another one than cert, is
// among all: by the name, and by the key's identifier where both tell it.
func hasIssuer(cert *x509.Certificate, all []*x509.Certificate) bool {
	if bytes.Equal(cert.RawSubject, cert.RawIssuer) {
		return false
	}
	for _, other := range all {
		if bytes.Equal(cert.RawIssuer, other.RawSubject) && (len(cert.AuthorityKeyId) == 0 ||
			len(other.SubjectKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, other.SubjectKeyId)) {
			return true
		}
	}
	return false
}

// same tells whether a was made of the same content.
func (a *authority) same(source model.Authority) bool {
	return bytes.Equal(a.source.Certificates, source.Certificates) && bytes.Equal(a.source.Revoked, source.Revoked)
}

// verify makes sure that the first certificate of chain, of which the others may
// be helpful, is one for usage, and for name unless that is empty, that a vouches
// for now. At most depth certificates may stand between it and the one that is
// trusted, neither of which counts: that is what ssl_verify_depth means since
// OpenSSL 1.1.0 (X509_VERIFY_PARAM_set_depth(3)). The error is a *failure.
func (a *authority) verify(chain []*x509.Certificate, name string, usage x509.ExtKeyUsage, depth int, now time.Time) error {
	if a.err != nil {
		return &failure{reason: "the authority is of no use: " + a.err.Error()}
	}
	between := a.between
	if len(chain) > 1 {
		between = between.Clone()
		for _, cert := range chain[1:] {
			between.AddCert(cert)
		}
	}
	chains, err := chain[0].Verify(x509.VerifyOptions{
		DNSName:       name,
		Roots:         a.roots,
		Intermediates: between,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return explain(err, chain, now)
	}
	why := error(&failure{reason: "certificate chain too long"})
	for _, c := range chains {
		if len(c)-2 > max(depth, 0) {
			continue
		}
		if why = a.revoked.check(c, now); why == nil {
			return nil
		}
	}
	return why
}

// failure is why a certificate is not valid, in OpenSSL's words.
type failure struct {
	reason string
	// unknown tells that nothing is wrong but that no authority vouches for the
	// certificate, which is what ssl_verify_client optional_no_ca forgives.
	unknown bool
}

func (f *failure) Error() string { return f.reason }

// explain says what OpenSSL would of a chain that Go refused.
func explain(err error, chain []*x509.Certificate, now time.Time) *failure {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		top := chain[len(chain)-1]
		switch {
		case len(chain) == 1 && bytes.Equal(top.RawSubject, top.RawIssuer):
			return &failure{"self-signed certificate", true}
		case len(chain) == 1:
			return &failure{"unable to verify the first certificate", true}
		case bytes.Equal(top.RawSubject, top.RawIssuer):
			return &failure{"self-signed certificate in certificate chain", true}
		}
		return &failure{"unable to get local issuer certificate", true}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch invalid.Reason {
		case x509.Expired:
			if invalid.Cert != nil && now.Before(invalid.Cert.NotBefore) {
				return &failure{reason: "certificate is not yet valid"}
			}
			return &failure{reason: "certificate has expired"}
		case x509.IncompatibleUsage:
			return &failure{reason: "unsuitable certificate purpose"}
		case x509.TooManyIntermediates:
			return &failure{reason: "path length constraint exceeded"}
		case x509.NotAuthorizedToSign:
			return &failure{reason: "invalid CA certificate"}
		case x509.CANotAuthorizedForThisName:
			return &failure{reason: "permitted subtree violation"}
		}
	}
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		return &failure{reason: "unhandled critical extension"}
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return &failure{reason: "hostname mismatch"}
	}
	return &failure{reason: fmt.Sprintf("certificate rejected: %v", err)}
}
