package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// revoked are the certificate revocation lists of an authority. It is immutable.
type revoked struct {
	lists map[string][]*revocations // by the issuer's name, as DER
}

// revocations is one list (RFC 5280, section 5).
type revocations struct {
	*x509.RevocationList
	serials map[string]struct{} // the bytes of each number
	// signer is the certificate of the authority whose signature was checked. nil:
	// an issuer that only clients bring signs the list.
	signer *x509.Certificate
	// partial tells that the list says of itself, by a critical extension, that it
	// is not the whole and plain list of its issuer.
	partial bool
}

var errNoList = errors.New("there is no revocation list in it")

// parseRevoked parses a PEM text of revocation lists. by are the certificates of
// the authority.
func parseRevoked(text []byte, by []*x509.Certificate) (*revoked, error) {
	r := &revoked{lists: map[string][]*revocations{}}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("revocation list: %w", err)
		}
		one := &revocations{RevocationList: list, serials: make(map[string]struct{}, len(list.RevokedCertificateEntries))}
		for _, entry := range list.RevokedCertificateEntries {
			one.serials[string(entry.SerialNumber.Bytes())] = struct{}{}
		}
		for _, ext := range list.Extensions {
			one.partial = one.partial || ext.Critical
		}
		for _, cert := range by {
			if bytes.Equal(cert.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(cert) == nil {
				one.signer = cert
				break
			}
		}
		r.lists[string(list.RawIssuer)] = append(r.lists[string(list.RawIssuer)], one)
	}
	if len(r.lists) == 0 {
		return nil, errNoList
	}
	return r, nil
}

// check makes sure that no certificate of a chain, which was verified, is revoked.
// Each of them needs a list of its issuer that is up to date, as nginx wants with
// ssl_crl (X509_V_FLAG_CRL_CHECK_ALL). The error is a *failure.
func (r *revoked) check(chain []*x509.Certificate, now time.Time) error {
	if r == nil {
		return nil
	}
	for i, cert := range chain {
		issuer := cert
		if i+1 < len(chain) {
			issuer = chain[i+1]
		} else if !bytes.Equal(cert.RawSubject, cert.RawIssuer) {
			break // trusted as it is
		}
		if err := r.checkOne(cert, issuer, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *revoked) checkOne(cert, issuer *x509.Certificate, now time.Time) error {
	why := &failure{reason: "unable to get certificate CRL"}
	good := false
	for _, list := range r.lists[string(issuer.RawSubject)] {
		switch {
		case !list.signedBy(issuer):
			why = &failure{reason: "CRL signature failure"}
		case list.partial:
			why = &failure{reason: "unhandled critical CRL extension"}
		case now.Before(list.ThisUpdate):
			why = &failure{reason: "CRL is not yet valid"}
		case !list.NextUpdate.IsZero() && now.After(list.NextUpdate):
			why = &failure{reason: "CRL has expired"}
		default:
			if _, ok := list.serials[string(cert.SerialNumber.Bytes())]; ok {
				return &failure{reason: "certificate revoked"}
			}
			good = true
		}
	}
	if good {
		return nil
	}
	return why
}

// signedBy tells whether issuer signs the list. The signature is checked here only
// when that was not possible before.
func (r *revocations) signedBy(issuer *x509.Certificate) bool {
	if r.signer != nil && slices.Equal(r.signer.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) {
		return true
	}
	return r.CheckSignatureFrom(issuer) == nil
}
