package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// response is what an authority says of a certificate, verified.
type response struct {
	raw []byte
	// revoked tells that it is bad news. It is not shown to clients.
	revoked bool
	// made is when it was true, until when it is no longer of use.
	made, until time.Time
}

// Times of responses.
const (
	// clockSkew is how far a responder's clock may be ahead.
	clockSkew = 5 * time.Minute
	// undatedLife is for how long a response is used that does not tell.
	undatedLife = time.Hour
)

var (
	errNotYet     = errors.New("the response is of the future")
	errOutdated   = errors.New("the response is, or will soon be, out of date")
	errUnknown    = errors.New("the responder does not know the certificate")
	errNotForOCSP = errors.New("the responder's certificate is not for signing responses")
)

// parseResponse reads a response of OCSP (RFC 6960) about leaf. It must be signed
// by issuer, or by one whom issuer has made a responder, and be of use now.
func parseResponse(der []byte, leaf, issuer *x509.Certificate, now time.Time) (*response, error) {
	parsed, err := ocsp.ParseResponseForCert(der, leaf, issuer)
	if err != nil {
		return nil, err
	}
	// The package makes sure that issuer signed the responder's certificate, but
	// not for what (RFC 6960, section 4.2.2.2).
	if by := parsed.Certificate; by != nil && !bytes.Equal(by.Raw, issuer.Raw) &&
		(!slices.Contains(by.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(by.NotBefore) || now.After(by.NotAfter)) {
		return nil, errNotForOCSP
	}
	r := &response{raw: der, made: parsed.ThisUpdate, until: parsed.NextUpdate}
	if r.until.IsZero() {
		r.until = now.Add(undatedLife)
	}
	switch {
	case now.Add(clockSkew).Before(r.made):
		return nil, errNotYet
	case !now.Add(soonestRetry).Before(r.until):
		return nil, errOutdated
	}
	switch parsed.Status {
	case ocsp.Good:
	case ocsp.Revoked:
		r.revoked = true
	default:
		return nil, errUnknown
	}
	return r, nil
}

// refresh is when a newer response should be asked for: at half of r's validity,
// or of what remains of it, but not at once. It is before r is out of date.
func (r *response) refresh(now time.Time) time.Time {
	at := r.made.Add(r.until.Sub(r.made) / 2)
	if at.Before(now) {
		at = now.Add(r.until.Sub(now) / 2)
	}
	if soonest := now.Add(soonestRetry); at.Before(soonest) && soonest.Before(r.until) {
		at = soonest
	}
	return at
}

// issuerOf returns the issuer of a key pair's leaf, which must be the next
// certificate of its chain, or nil.
func issuerOf(p *pair) *x509.Certificate {
	if len(p.cert.Certificate) < 2 {
		return nil
	}
	issuer, err := x509.ParseCertificate(p.cert.Certificate[1])
	if err != nil || p.cert.Leaf.CheckSignatureFrom(issuer) != nil {
		return nil
	}
	return issuer
}
