package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// verdict connects with a certificate, nil for none, and verifies it as the host
// wants.
func verdict(t *testing.T, store *Store, serverName string, cert *tls.Certificate, version uint16) (*ClientAuth, Result) {
	t.Helper()
	client := &tls.Config{ServerName: serverName, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
	if cert != nil { // whatever the server asks for
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	c, err := connect(t, store.TLSConfig(), client)
	if err != nil {
		t.Fatal(err)
	}
	c.close()
	state := c.server.ConnectionState()
	auth := store.set.Load().ClientAuth(serverName)
	return auth, auth.Verify(&state)
}

func TestClientAuth(t *testing.T) {
	root, stranger := newRoot(t, "root"), newRoot(t, "stranger")
	between := root.between("between")
	deep := between.between("deep")
	expiredCA := sign(t, func() x509.Certificate {
		c := caTemplate("expired")
		c.NotAfter = time.Now().Add(-time.Minute)
		return c
	}(), root)
	leaf := func(by *authorityKey, change func(*x509.Certificate)) *authorityKey {
		c := x509.Certificate{Subject: pkix.Name{CommonName: "bob"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		change(&c)
		return sign(t, c, by)
	}
	good := root.client("alice")
	notCA := sign(t, x509.Certificate{Subject: pkix.Name{CommonName: "no authority"}, BasicConstraintsValid: true}, root)
	future := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }
	past := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }

	modes := []model.ClientAuth{model.ClientAuthOn, model.ClientAuthOptional, model.ClientAuthNoCA}
	config := Config{Authorities: []model.Authority{authorityOf("ns/ca", root)}}
	for _, mode := range modes {
		config.Bindings = append(config.Bindings, Binding{
			ServerName: strings.ReplaceAll(string(mode), "_", "-") + ".com",
			TLS:        model.HostTLS{ClientAuth: mode, Authority: "ns/ca"},
		})
	}
	store := published(t, config)

	const certificateError, none = "The SSL certificate error", "No required SSL certificate was sent"
	for _, c := range []struct {
		name   string
		cert   *tls.Certificate
		verify string
		// refused says why, for on, optional and optional_no_ca.
		refused [3]string
	}{
		{"good", good.tls(), "SUCCESS", [3]string{}},
		{"good, any usage", leaf(root, func(c *x509.Certificate) { c.ExtKeyUsage = nil }).tls(), "SUCCESS", [3]string{}},
		{"good, one between", between.client("carol").tls(), "SUCCESS", [3]string{}},
		{"none", nil, "NONE", [3]string{none}},
		{"too deep", deep.client("dave").tls(), "FAILED:certificate chain too long", [3]string{certificateError, certificateError, certificateError}},
		{"expired", leaf(root, past).tls(), "FAILED:certificate has expired", [3]string{certificateError, certificateError, certificateError}},
		{"of the future", leaf(root, future).tls(), "FAILED:certificate is not yet valid", [3]string{certificateError, certificateError, certificateError}},
		{"a server's", root.server("a.com").tls(), "FAILED:unsuitable certificate purpose", [3]string{certificateError, certificateError, certificateError}},
		{"a stranger's", stranger.client("eve").tls(), "FAILED:unable to verify the first certificate", [3]string{certificateError, certificateError}},
		{"self-signed", leaf(nil, func(*x509.Certificate) {}).tls(), "FAILED:self-signed certificate", [3]string{certificateError, certificateError}},
		{"a stranger's with its root", &tls.Certificate{
			Certificate: [][]byte{stranger.client("eve").cert.Raw, stranger.cert.Raw}, PrivateKey: nil,
		}, "FAILED:self-signed certificate in certificate chain", [3]string{certificateError, certificateError}},
		{"by an authority that expired", expiredCA.client("frank").tls(), "FAILED:certificate has expired", [3]string{certificateError, certificateError, certificateError}},
		{"by one who is no authority", notCA.client("grace").tls(), "FAILED:unable to get local issuer certificate", [3]string{certificateError, certificateError}},
		{"too large", leaf(root, func(c *x509.Certificate) { c.Subject.CommonName = strings.Repeat("x", mostClientCertificate) }).tls(),
			"FAILED:certificate too large", [3]string{certificateError, certificateError, certificateError}},
	} {
		if c.cert != nil && c.cert.PrivateKey == nil {
			eve := stranger.client("eve")
			c.cert.Certificate[0], c.cert.PrivateKey = eve.cert.Raw, eve.key
		}
		for i, b := range config.Bindings {
			for _, version := range twoVersions {
				auth, r := verdict(t, store, b.ServerName, c.cert, version)
				refuse, why := auth.Refuses(r)
				if r.Verify != c.verify || refuse != (why != "") || why != c.refused[i] {
					t.Errorf("%s, %s, version %x: %q, refused %v: %q", c.name, b.TLS.ClientAuth, version, r.Verify, refuse, why)
				}
				if (r.Outcome == Valid) != (c.verify == "SUCCESS") || (r.Outcome == NoCertificate) != (c.cert == nil) ||
					r.Outcome == Invalid && "FAILED:"+r.Reason != r.Verify {
					t.Errorf("%s: outcome %d, reason %q", c.name, r.Outcome, r.Reason)
				}
			}
		}
	}
	if refuse, why := store.set.Load().ClientAuth("on.com").Refuses(store.set.Load().ClientAuth("on.com").Verify(nil)); !refuse || why != none {
		t.Errorf("without TLS: refused %v: %q", refuse, why)
	}
}

func TestClientAuthDepth(t *testing.T) {
	root := newRoot(t, "root")
	between := root.between("between")
	deep := between.between("deep")
	client := deep.client("alice")
	for _, c := range []struct {
		authority model.Authority
		depth     int
		shown     *tls.Certificate
		want      string
	}{
		{authorityOf("ns/ca", root), 1, client.tls(), "FAILED:certificate chain too long"},
		{authorityOf("ns/ca", root), 2, client.tls(), "SUCCESS"},
		// It does not matter who brings what is between.
		{authorityOf("ns/ca", root, between, deep), 1, client.tls(), "FAILED:certificate chain too long"},
		{authorityOf("ns/ca", root, between, deep), 2, &tls.Certificate{Certificate: [][]byte{client.cert.Raw}, PrivateKey: client.key}, "SUCCESS"},
		// One may trust less than a root.
		{authorityOf("ns/ca", deep), 0, client.tls(), "SUCCESS"},
		{authorityOf("ns/ca", between), 0, client.tls(), "SUCCESS"},
		{authorityOf("ns/ca", client), 0, client.tls(), "SUCCESS"},
	} {
		store := published(t, Config{
			Authorities: []model.Authority{c.authority},
			Bindings:    []Binding{{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca", Depth: c.depth}}},
		})
		if _, r := verdict(t, store, "a.com", c.shown, tls.VersionTLS13); r.Verify != c.want {
			t.Errorf("depth %d: %s", c.depth, r.Verify)
		}
	}
}

func TestRevoked(t *testing.T) {
	root, stranger := newRoot(t, "root"), newRoot(t, "root") // of the same name
	between := root.between("between")
	good, bad := root.client("alice"), root.client("bob")
	inner, innerBad := between.client("carol"), between.client("dave")
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	for _, c := range []struct {
		name   string
		crl    []byte
		client *authorityKey
		want   string
	}{
		{"not listed", root.crl(later, bad), good, "SUCCESS"},
		{"listed", root.crl(later, bad), bad, "FAILED:certificate revoked"},
		{"a list without end", root.crl(time.Time{}.AddDate(9000, 0, 0), bad), good, "SUCCESS"},
		{"an old list", root.crl(past), good, "FAILED:CRL has expired"},
		{"an old list that has it", root.crl(past, bad), bad, "FAILED:CRL has expired"},
		{"an old list and a new one", append(root.crl(past, good), root.crl(later, bad)...), good, "SUCCESS"},
		{"two lists", append(root.crl(later), root.crl(later, bad)...), bad, "FAILED:certificate revoked"},
		{"signed by another key", stranger.crl(later), good, "FAILED:CRL signature failure"},
		{"signed by another key besides", append(root.crl(later, bad), stranger.crl(later)...), bad, "FAILED:certificate revoked"},
		{"of another authority", newRoot(t, "other").crl(later), good, "FAILED:unable to get certificate CRL"},
		{"none for what is between", root.crl(later), inner, "FAILED:unable to get certificate CRL"},
		{"for both", append(root.crl(later), between.crl(later, innerBad)...), inner, "SUCCESS"},
		{"listed below", append(root.crl(later), between.crl(later, innerBad)...), innerBad, "FAILED:certificate revoked"},
		{"what is between is listed", append(root.crl(later, between), between.crl(later)...), inner, "FAILED:certificate revoked"},
		{"no list", []byte("nonsense"), good, "FAILED:the authority is of no use: there is no revocation list in it"},
		{"a broken list", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")}), good, "FAILED:the authority is of no use: revocation list: x509: malformed crl"},
	} {
		// The authority may have what is between, or leave it to the client.
		for _, authority := range []model.Authority{authorityOf("ns/ca", root), authorityOf("ns/ca", root, between)} {
			authority.Revoked = c.crl
			store := published(t, Config{
				Authorities: []model.Authority{authority},
				Bindings:    []Binding{{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthNoCA, Authority: "ns/ca"}}},
			})
			auth, r := verdict(t, store, "a.com", c.client.tls(), tls.VersionTLS13)
			if r.Verify != c.want {
				t.Errorf("%s: %s", c.name, r.Verify)
			}
			if refuse, _ := auth.Refuses(r); refuse == (c.want == "SUCCESS") {
				t.Errorf("%s: refused %v", c.name, refuse)
			}
		}
	}
}

func TestPartialRevocationList(t *testing.T) {
	root := newRoot(t, "root")
	good := root.client("alice")
	list := &x509.RevocationList{
		Number: good.cert.SerialNumber, ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		// IssuingDistributionPoint with onlyContainsUserCerts.
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 3, 0x81, 1, 0xff}}},
	}
	der, err := x509.CreateRevocationList(nil, list, root.cert, root.key)
	if err != nil {
		t.Fatal(err)
	}
	authority := authorityOf("ns/ca", root)
	authority.Revoked = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	err = parseAuthority(authority).verify([]*x509.Certificate{good.cert}, "", x509.ExtKeyUsageClientAuth, 1, time.Now())
	if message(err) != "unhandled critical CRL extension" {
		t.Errorf("error %v", err)
	}
}

func TestBrokenAuthority(t *testing.T) {
	root := newRoot(t, "root")
	for _, text := range []string{"", "nonsense", "-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n"} {
		store := published(t, Config{
			Authorities: []model.Authority{{Name: "ns/ca", Certificates: append(root.pem(), text...)}, {Name: "ns/bad", Certificates: []byte(text)}},
			Bindings: []Binding{
				{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/bad"}},
				{ServerName: "b.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthNoCA, Authority: "ns/bad"}},
			},
		})
		for _, name := range []string{"a.com", "b.com"} {
			auth, r := verdict(t, store, name, root.client("alice").tls(), tls.VersionTLS13)
			if refuse, _ := auth.Refuses(r); !refuse {
				t.Errorf("%s accepts a certificate: %s", name, r.Verify)
			}
		}
		if len(store.set.Load().Problems()) == 0 {
			t.Error("nobody is told")
		}
	}
}

// TestNoAuthority makes sure that nobody's authority is not the system's.
func TestNoAuthority(t *testing.T) {
	if nobody.roots == nil {
		t.Fatal("it trusts what the system trusts")
	}
	store := published(t, Config{Bindings: []Binding{{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthNoCA}}}})
	auth, r := verdict(t, store, "a.com", newRoot(t, "root").client("alice").tls(), tls.VersionTLS13)
	if refuse, _ := auth.Refuses(r); refuse || r.Verify != "FAILED:unable to verify the first certificate" {
		t.Errorf("refused %v: %s", refuse, r.Verify)
	}
}

func TestWhatUpstreamsAreTold(t *testing.T) {
	root := newRoot(t, "root")
	alice := root.client("alice+bob")
	store := published(t, Config{
		Authorities: []model.Authority{authorityOf("ns/ca", root)},
		Bindings: []Binding{
			{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca"}},
			{ServerName: "b.com", TLS: model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca", PassCertificate: true}},
		},
	})
	_, r := verdict(t, store, "a.com", alice.tls(), tls.VersionTLS13)
	if r.Subject != `CN=alice\+bob,O=Shop` || r.Issuer != "CN=root" || r.Certificate != "" {
		t.Errorf("%+v", r)
	}
	_, r = verdict(t, store, "b.com", alice.tls(), tls.VersionTLS13)
	text, err := url.PathUnescape(r.Certificate)
	if err != nil || text != string(alice.pem()) || strings.ContainsAny(r.Certificate, "+/=\n ") ||
		!strings.HasPrefix(r.Certificate, "-----BEGIN%20CERTIFICATE-----%0AMII") || !strings.HasSuffix(r.Certificate, "-----END%20CERTIFICATE-----%0A") {
		t.Errorf("%q, error %v", r.Certificate, err)
	}
	if _, r = verdict(t, store, "b.com", nil, tls.VersionTLS13); r != (Result{Client: variable.Client{Verify: "NONE"}}) {
		t.Errorf("%+v", r)
	}
}

// TestHint makes sure that clients learn whose certificates are wanted, except
// where any will do.
func TestHint(t *testing.T) {
	root := newRoot(t, "root")
	for mode, want := range map[model.ClientAuth][][]byte{
		model.ClientAuthOff: nil, model.ClientAuthOn: {root.cert.RawSubject}, model.ClientAuthOptional: {root.cert.RawSubject}, model.ClientAuthNoCA: {},
	} {
		store := published(t, Config{
			Authorities: []model.Authority{authorityOf("ns/ca", root)},
			Bindings:    []Binding{{ServerName: "a.com", TLS: model.HostTLS{ClientAuth: mode, Authority: "ns/ca"}}},
		})
		var asked [][]byte
		mustShake(t, store, &tls.Config{ServerName: "a.com", GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = append([][]byte{}, info.AcceptableCAs...)
			return new(tls.Certificate), nil
		}})
		if (asked == nil) != (want == nil) || !bytes.Equal(bytes.Join(asked, nil), bytes.Join(want, nil)) {
			t.Errorf("%s: asked for %q", mode, asked)
		}
	}
}

func TestClientAuthIsShared(t *testing.T) {
	root, other := newRoot(t, "root"), newRoot(t, "other")
	on := model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "ns/ca"}
	deeper := on
	deeper.Depth = 3
	config := Config{
		Authorities: []model.Authority{authorityOf("ns/ca", root)},
		Bindings:    []Binding{{ServerName: "a.com", TLS: on}, {ServerName: "b.com", TLS: on}, {ServerName: "c.com", TLS: deeper}, {ServerName: "d.com"}},
	}
	first := newSet(t, config, nil)
	a := first.ClientAuth("a.com")
	if a == nil || first.ClientAuth("B.com") != a || first.ClientAuth("c.com") == a || first.ClientAuth("d.com") != nil || first.ClientAuth("x.com") != nil {
		t.Error("hosts do not have what they should")
	}
	config.Authorities = []model.Authority{authorityOf("ns/ca", root)} // in other memory
	second := newSet(t, config, first)
	if second.ClientAuth("a.com") != a {
		t.Error("it was not taken over")
	}
	config.Authorities = []model.Authority{authorityOf("ns/ca", other)}
	third := newSet(t, config, second)
	if third.ClientAuth("a.com") == a || third.exact["a.com"].config == second.exact["a.com"].config {
		t.Error("another authority made no difference")
	}
	config.Authorities[0].Revoked = other.crl(time.Now().Add(time.Hour))
	if newSet(t, config, third).ClientAuth("a.com") == third.ClientAuth("a.com") {
		t.Error("a revocation list made no difference")
	}
}
