package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"sync/atomic"
)

// Source is a key pair with its chain, as PEM. A Set keeps the slices and
// compares them with those of the next one; they must not be changed.
type Source struct {
	// Name is "namespace/secret".
	Name      string
	Cert, Key []byte
	// OCSP is a response of the certificate's authority, as DER, to be stapled as
	// long as it is valid and no newer one is had. It may be empty.
	OCSP []byte
}

// pair is a Source and what it was parsed to.
type pair struct {
	source Source
	// cert has no staple. It is never changed.
	cert *tls.Certificate
	// print is the SHA-256 of the leaf.
	print [sha256.Size]byte
	// shown is what handshakes show: cert, or a copy of it with a staple.
	shown atomic.Pointer[tls.Certificate]
}

func newPair(source Source, cert *tls.Certificate) *pair {
	p := &pair{source: source, cert: cert, print: sha256.Sum256(cert.Leaf.Raw)}
	p.shown.Store(cert)
	return p
}

// parsePair parses a source, unless old, which may be nil, was made of the same
// content.
func parsePair(source Source, old *pair) (*pair, error) {
	if old != nil && bytes.Equal(old.source.Cert, source.Cert) && bytes.Equal(old.source.Key, source.Key) {
		if bytes.Equal(old.source.OCSP, source.OCSP) {
			return old, nil
		}
		return newPair(source, old.cert), nil
	}
	cert, err := tls.X509KeyPair(source.Cert, source.Key) // fills Leaf
	if err != nil {
		return nil, err
	}
	return newPair(source, &cert), nil
}

// get is for tls.Config.GetCertificate.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.shown.Load(), nil }

// staple makes the handshakes to come show a response, or none when it is empty.
func (p *pair) staple(response []byte) {
	if bytes.Equal(p.shown.Load().OCSPStaple, response) {
		return
	}
	if len(response) == 0 {
		p.shown.Store(p.cert)
		return
	}
	stapled := *p.cert
	stapled.OCSPStaple = response
	p.shown.Store(&stapled)
}
