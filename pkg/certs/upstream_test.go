package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// clientConfig makes the settings of connections to an upstream with this server name
// unless settings has one.
func clientConfig(t *testing.T, settings model.UpstreamTLS, name string, by *model.Authority, certificates ...Source) (*tls.Config, error) {
	t.Helper()
	u := Upstream{Settings: settings, Name: name}
	c := Config{Sources: certificates, Upstreams: []Upstream{u}}
	if by != nil {
		c.Authorities = []model.Authority{*by}
	}
	return newSet(t, c, nil).Upstream(u)
}

func TestUpstreamConfig(t *testing.T) {
	root, stranger := newRoot(t, "root"), newRoot(t, "stranger")
	between := root.between("between")
	good := root.server("web.shop.svc")
	revoked := authorityOf("ns/ca", root)
	revoked.Revoked = root.crl(time.Now().Add(time.Hour), good)
	trusted, strangers := authorityOf("ns/ca", root), authorityOf("ns/ca", stranger)
	broken := model.Authority{Name: "ns/ca", Certificates: []byte("nonsense")}
	verify := model.UpstreamTLS{Verify: true, Authority: "ns/ca"}
	with := func(change func(*model.UpstreamTLS)) model.UpstreamTLS {
		s := verify
		change(&s)
		return s
	}
	expired := sign(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "old"}, DNSNames: []string{"web.shop.svc"}, NotAfter: time.Now().Add(-time.Minute),
	}, root)
	client := sign(t, x509.Certificate{DNSNames: []string{"web.shop.svc"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, root)
	for _, c := range []struct {
		name      string
		settings  model.UpstreamTLS
		authority *model.Authority
		server    *authorityKey
		sent      string // the server name
		err       string // of the handshake
		refused   string // no settings are made
	}{
		{"not verified", model.UpstreamTLS{}, nil, stranger.server("x"), "", "", ""},
		{"not verified, with a name", model.UpstreamTLS{SendName: true}, nil, stranger.server("x"), "web.shop.svc", "", ""},
		{"not verified, with a name of its own", model.UpstreamTLS{SendName: true, ServerName: "own.com"}, nil, stranger.server("x"), "own.com", "", ""},
		{"verified without sending the name", verify, &trusted, good, "", "", ""},
		{"verified", with(func(s *model.UpstreamTLS) { s.SendName = true }), &trusted, good, "web.shop.svc", "", ""},
		{"one between", verify, &trusted, between.server("web.shop.svc"), "", "", ""},
		{"two between", verify, &trusted, between.between("deep").server("web.shop.svc"), "", "certificate chain too long", ""},
		{"two may be between", with(func(s *model.UpstreamTLS) { s.Depth = 2 }), &trusted, between.between("deep").server("web.shop.svc"), "", "", ""},
		{"another name", verify, &trusted, root.server("other.shop.svc"), "", "hostname mismatch", ""},
		{"the name that settings want", with(func(s *model.UpstreamTLS) { s.ServerName = "other.shop.svc" }), &trusted, root.server("other.shop.svc"), "", "", ""},
		{"a stranger's", verify, &strangers, good, "", "unable to verify the first certificate", ""},
		{"a client's", verify, &trusted, client, "", "unsuitable certificate purpose", ""},
		{"expired", verify, &trusted, expired, "", "certificate has expired", ""},
		{"revoked", verify, &revoked, good, "", "certificate revoked", ""},
		{"the system's authorities", model.UpstreamTLS{Verify: true}, nil, good, "", "unable to verify the first certificate", ""},
		{"a broken authority", verify, &broken, good, "", "", "authority ns/ca: there is no certificate in it"},
		{"no authority", verify, nil, good, "", "", "there is no authority ns/ca"},
		{"old protocols", with(func(s *model.UpstreamTLS) { s.Protocols = "TLSv1" }), &trusted, good, "", "", "no longer safe"},
		{"odd ciphers", with(func(s *model.UpstreamTLS) { s.Ciphers = "x" }), &trusted, good, "", "", "none of the ciphers"},
	} {
		config, err := clientConfig(t, c.settings, "web.shop.svc", c.authority)
		if c.refused != "" {
			if config != nil || !strings.Contains(message(err), c.refused) {
				t.Errorf("%s: error %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, version := range twoVersions {
			server := &tls.Config{Certificates: []tls.Certificate{*c.server.tls()}, MaxVersion: version}
			conn, err := connect(t, server, config)
			conn.close()
			if (err == nil) != (c.err == "") || !strings.HasSuffix(message(err), c.err) {
				t.Errorf("%s, version %x: error %v", c.name, version, err)
			}
			if sent := conn.server.ConnectionState().ServerName; sent != c.sent {
				t.Errorf("%s: %q was sent", c.name, sent)
			}
		}
	}
	if _, err := clientConfig(t, verify, "", &trusted); err != errNoName {
		t.Errorf("without a name: error %v", err)
	}
	if _, err := clientConfig(t, model.UpstreamTLS{Certificate: "ns/c"}, "x", nil); err == nil {
		t.Error("a certificate that is not there is accepted")
	}
}

func TestUpstreamConfigShowsCertificate(t *testing.T) {
	root := newRoot(t, "root")
	alice := root.client("alice").source("ns/alice")
	config, err := clientConfig(t, model.UpstreamTLS{Certificate: "ns/alice"}, "x", nil, alice)
	if err != nil {
		t.Fatal(err)
	}
	// The server tells the name of another authority: that does not count.
	pool := x509.NewCertPool()
	pool.AddCert(newRoot(t, "other").cert)
	c, err := connect(t, &tls.Config{Certificates: []tls.Certificate{*root.server("x").tls()}, ClientAuth: tls.RequireAnyClientCert, ClientCAs: pool}, config)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.server.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "alice" {
		t.Errorf("%s was shown", got)
	}
}

func TestUpstreamConfigProtocols(t *testing.T) {
	root := newRoot(t, "root")
	for _, c := range []struct {
		settings model.UpstreamTLS
		version  uint16
		suite    uint16
	}{
		{model.UpstreamTLS{}, tls.VersionTLS13, 0},
		{model.UpstreamTLS{Protocols: "TLSv1.2", Ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305"}, tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
	} {
		config, err := clientConfig(t, c.settings, "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := connect(t, &tls.Config{Certificates: []tls.Certificate{*root.server("x").tls()}}, config)
		if state := conn.client.ConnectionState(); err != nil || state.Version != c.version || c.suite != 0 && state.CipherSuite != c.suite {
			t.Errorf("version %x, %s, error %v", state.Version, tls.CipherSuiteName(state.CipherSuite), err)
		}
	}
}

func TestUpstreamsOfSets(t *testing.T) {
	root := newRoot(t, "root")
	up := model.Upstream{Key: model.UpstreamKey{Namespace: "shop", Service: "web", Port: "443"}, Policy: model.DefaultPolicy()}
	up.Transport.Protocol = model.GRPCS
	up.Transport.TLS = model.UpstreamTLS{Verify: true, Authority: "ns/ca", Certificate: "ns/c"}
	use := UpstreamOf(&up)
	if use.Name != "web.shop.svc" || !use.HTTP2 {
		t.Errorf("%+v", use)
	}
	up.ExternalName, up.Transport.Protocol = "pay.example.net", model.HTTPS
	if external := UpstreamOf(&up); external.Name != "pay.example.net" || external.HTTP2 {
		t.Errorf("%+v", external)
	}
	config := Config{
		Sources: []Source{source(t, "ns/c")}, Authorities: []model.Authority{authorityOf("ns/ca", root)}, Upstreams: []Upstream{use, use},
	}
	get := func(s *Set) *tls.Config {
		t.Helper()
		got, err := s.Upstream(use)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := newSet(t, config, nil)
	if got := get(first); got != get(first) || len(got.NextProtos) != 1 || got.NextProtos[0] != "h2" {
		t.Errorf("protocols %v", got.NextProtos)
	}
	config.Authorities, config.HTTP2 = []model.Authority{authorityOf("ns/ca", root)}, true
	second := newSet(t, config, first)
	if get(second) != get(first) {
		t.Error("settings that have not changed are others: connections would be closed")
	}
	config.Sources = []Source{source(t, "ns/c")}
	third := newSet(t, config, second)
	if get(third) == get(second) {
		t.Error("another certificate made no difference")
	}
	config.Authorities = []model.Authority{authorityOf("ns/ca", newRoot(t, "other"))}
	if get(newSet(t, config, third)) == get(third) {
		t.Error("another authority made no difference")
	}
	if _, err := first.Upstream(Upstream{Name: "x"}); err != errNotListed {
		t.Errorf("error %v", err)
	}
	// A broken authority stays one, and costs its upstreams alone.
	config.Authorities = []model.Authority{{Name: "ns/ca", Certificates: []byte("x")}}
	broken := newSet(t, config, third)
	for range 2 {
		if got, err := broken.Upstream(use); err == nil || got != nil || len(broken.Problems()) != 2 {
			t.Errorf("error %v, problems %v", err, broken.Problems())
		}
		broken = newSet(t, config, broken)
	}
	config.Authorities, config.Sources = nil, nil
	if _, err := newSet(t, config, third).Upstream(use); err == nil {
		t.Error("no authority made no difference")
	}
}
