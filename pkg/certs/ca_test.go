package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// authorityKey is a certificate that signs others, for tests.
type authorityKey struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
	// above are the certificates between it and its root, which is left out.
	above [][]byte
}

var serial int64

// sign makes a certificate like template. A nil issuer means that it signs itself.
func sign(t testing.TB, template x509.Certificate, issuer *authorityKey) *authorityKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	now := time.Now()
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(serial)
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = now.Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = now.Add(1000 * time.Hour)
	}
	parent, signer := &template, crypto.Signer(key)
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	made := &authorityKey{t: t, cert: cert, key: key}
	if issuer != nil && issuer.cert.Issuer.String() != issuer.cert.Subject.String() {
		made.above = append([][]byte{issuer.cert.Raw}, issuer.above...)
	}
	return made
}

func caTemplate(name string) x509.Certificate {
	return x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func newRoot(t testing.TB, name string) *authorityKey { return sign(t, caTemplate(name), nil) }

func (a *authorityKey) between(name string) *authorityKey {
	a.t.Helper()
	return sign(a.t, caTemplate(name), a)
}

// client makes a certificate for a client.
func (a *authorityKey) client(name string) *authorityKey {
	a.t.Helper()
	return sign(a.t, x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{"Shop"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a)
}

// server makes a certificate for DNS names.
func (a *authorityKey) server(names ...string) *authorityKey {
	a.t.Helper()
	return sign(a.t, x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		DNSNames:    names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a)
}

func certPEM(ders ...[]byte) []byte {
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// pem is the certificate alone.
func (a *authorityKey) pem() []byte { return certPEM(a.cert.Raw) }

// chain is the certificate and what is between it and its root.
func (a *authorityKey) chain() [][]byte { return append([][]byte{a.cert.Raw}, a.above...) }

// tls is what a client or a server shows.
func (a *authorityKey) tls() *tls.Certificate {
	return &tls.Certificate{Certificate: a.chain(), PrivateKey: a.key, Leaf: a.cert}
}

// source is what a Secret holds.
func (a *authorityKey) source(name string, more ...[]byte) Source {
	a.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return Source{
		Name: name,
		Cert: certPEM(append(a.chain(), more...)...),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
}

// crl revokes certificates.
func (a *authorityKey) crl(next time.Time, all ...*authorityKey) []byte {
	a.t.Helper()
	serial++
	list := x509.RevocationList{Number: big.NewInt(serial), ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: next}
	for _, one := range all {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: one.cert.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// published returns a Store that holds a Set of this configuration.
func published(t testing.TB, config Config) *Store {
	t.Helper()
	store := new(Store)
	store.Publish(newSet(t, config, nil))
	return store
}

func newSet(t testing.TB, config Config, previous *Set) *Set {
	t.Helper()
	s, err := New(config, previous)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// republish publishes a Set that is made from the one in use.
func (s *Store) republish(t testing.TB, config Config) *Set {
	t.Helper()
	set := newSet(t, config, s.set.Load())
	s.Publish(set)
	return set
}

// connection is one, both ends of which have done their handshake.
type connection struct {
	client, server *tls.Conn
}

func (c *connection) close() {
	c.client.NetConn().Close()
	c.server.NetConn().Close()
}

// echo sends a byte there and back.
func (c *connection) echo(t testing.TB) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		b := make([]byte, 1)
		_, err := io.ReadFull(c.server, b)
		if err == nil {
			_, err = c.server.Write(b)
		}
		done <- err
	}()
	if _, err := c.client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// connect does the handshakes of both ends, and sends a byte to the client, so that
// it has read its ticket and knows how the server's handshake ended.
func connect(t testing.TB, server, client *tls.Config) (*connection, error) {
	t.Helper()
	near, far := newPipe()
	c := &connection{tls.Client(near, client), tls.Server(far, server)}
	t.Cleanup(c.close)
	served := make(chan error, 1)
	go func() {
		err := c.server.Handshake()
		if err == nil {
			_, err = c.server.Write([]byte("x"))
		}
		if err != nil {
			far.Close()
		}
		served <- err
	}()
	err := c.client.Handshake()
	if err == nil {
		_, err = io.ReadFull(c.client, make([]byte, 1))
	}
	if err != nil {
		near.Close()
	}
	if other := <-served; err == nil {
		err = other
	}
	return c, err
}

// handshake connects to a Store without verifying its certificate, and returns what
// the client knows of the connection, which is closed.
func handshake(t testing.TB, s *Store, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	client.InsecureSkipVerify = true // the test looks at the certificate itself
	c, err := connect(t, s.TLSConfig(), client)
	defer c.close()
	return c.client.ConnectionState(), err
}

// mustShake is handshake, which must succeed.
func mustShake(t testing.TB, s *Store, client *tls.Config) tls.ConnectionState {
	t.Helper()
	state, err := handshake(t, s, client)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

var twoVersions = []uint16{tls.VersionTLS12, tls.VersionTLS13}

// authorityOf is a model.Authority of these certificates.
func authorityOf(name string, certs ...*authorityKey) model.Authority {
	a := model.Authority{Name: name}
	for _, c := range certs {
		a.Certificates = append(a.Certificates, c.pem()...)
	}
	return a
}
