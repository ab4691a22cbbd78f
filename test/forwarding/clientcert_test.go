package forwarding

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/keypair"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// A host that wants certificates of clients answers 400 to those without a valid
// one, after the handshake, and tells the application about the others.
func TestClientCertificates(t *testing.T) {
	good := clientPair(t, "me")
	other := keypair.New(t, "another")
	tell := app(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"ssl-client-verify", "ssl-client-subject-dn", "ssl-client-cert"} {
			w.Header().Set("X-"+name, strings.Join(r.Header.Values(name), ","))
		}
	})
	for _, c := range []struct {
		mode                  model.ClientAuth
		none, wrong, plain    int
		noneVerify, badVerify string
	}{
		{model.ClientAuthOn, 400, 400, 400, "", ""},
		{model.ClientAuthOptional, 200, 400, 200, "NONE", ""},
		{model.ClientAuthNoCA, 200, 200, 200, "NONE", "FAILED:"},
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			s := newSite(t, func(m *model.Config) {
				m.Authorities = []model.Authority{{Name: "default/ca", Certificates: good.Cert}}
				m.Hosts[0].TLS = model.HostTLS{ClientAuth: c.mode, Authority: "default/ca", Depth: 1, PassCertificate: true}
			}, tell)
			as := func(pair *keypair.PEM, scheme string) (int, http.Header) {
				status, _, head := s.as(pair).ask("GET", scheme+"://app.test/", nil,
					"ssl-client-verify", "SUCCESS", "ssl-client-cert", "forged") // lies
				return status, head
			}
			if status, head := as(&good, "https"); status != 200 || head.Get("X-Ssl-Client-Verify") != "SUCCESS" ||
				head.Get("X-Ssl-Client-Subject-Dn") != "CN=me" || !strings.HasPrefix(head.Get("X-Ssl-Client-Cert"), "-----BEGIN%20CERTIFICATE") {
				t.Errorf("with a good one %d, %v", status, head)
			}
			if status, head := as(nil, "https"); status != c.none || head.Get("X-Ssl-Client-Verify") != c.noneVerify || head.Get("X-Ssl-Client-Cert") != "" {
				t.Errorf("without one %d, %v", status, head)
			}
			if status, head := as(&other, "https"); status != c.wrong || !strings.HasPrefix(head.Get("X-Ssl-Client-Verify"), c.badVerify) || head.Get("X-Ssl-Client-Verify") == "SUCCESS" {
				t.Errorf("with another's %d, %v", status, head)
			}
			if status, head := as(nil, "http"); status != c.plain || head.Get("X-Ssl-Client-Verify") == "SUCCESS" {
				t.Errorf("in clear text %d, %v", status, head)
			}
			if status, _, head := s.as(nil).ask("GET", "http://app.test/", nil, "Connection", "ssl-client-verify"); status != c.plain || status == 200 && head.Get("X-Ssl-Client-Verify") != "NONE" {
				t.Errorf("what is told of the client, taken for a field of its connection: %d, %v", status, head)
			}
		})
	}
}

func TestErrorPageOfClientCertificates(t *testing.T) {
	ca := keypair.Like(t, x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	s := newSite(t, func(m *model.Config) {
		m.Authorities = []model.Authority{{Name: "default/ca", Certificates: ca.Cert}}
		m.Hosts[0].TLS = model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "default/ca", ErrorPage: "https://help.test/"}
	}, answer(t, 200, ""))
	if status, _, head := s.ask("GET", "https://app.test/", nil); status != 302 || head.Get("Location") != "https://help.test/" {
		t.Errorf("%d %q", status, head.Get("Location"))
	}
}

// A request for a host that wants certificates, on a connection made for another one,
// is sent to a connection of its own.
func TestConnectionMadeForAnotherHost(t *testing.T) {
	ca := keypair.Like(t, x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	s := newSite(t, func(m *model.Config) {
		m.Authorities = []model.Authority{{Name: "default/ca", Certificates: ca.Cert}}
		open := m.Hosts[0]
		open.Name = "open.test"
		m.Hosts[0].TLS = model.HostTLS{ClientAuth: model.ClientAuthOn, Authority: "default/ca"}
		m.Hosts = append(m.Hosts, open)
	}, answer(t, 200, ""))
	req, _ := http.NewRequest(http.MethodGet, "https://open.test/", nil)
	req.Host = "app.test"
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 421 {
		t.Errorf("%d, want 421", resp.StatusCode)
	}
}

// A host may also want that the name in the certificate matches (ingress-nginx:
// auth-tls-match-cn): others are answered 403. Who needs a certificate at all is
// decided before.
func TestNameOfClientCertificates(t *testing.T) {
	me := clientPair(t, "me")
	for _, c := range []struct {
		mode       model.ClientAuth
		name       string
		with, none int
	}{
		{model.ClientAuthOn, "CN=me$", 200, 400},
		{model.ClientAuthOn, "CN=(you|me)", 200, 400},
		{model.ClientAuthOn, "CN=ME", 403, 400},
		{model.ClientAuthOn, "CN=you", 403, 400},
		{model.ClientAuthOptional, "CN=me", 200, 403},
	} {
		s := newSite(t, func(m *model.Config) {
			m.Authorities = []model.Authority{{Name: "default/ca", Certificates: me.Cert}}
			m.Hosts[0].TLS = model.HostTLS{ClientAuth: c.mode, Authority: "default/ca", Depth: 1, MatchName: c.name}
		}, answer(t, 200, ""))
		for range 2 { // found out, and remembered with the connection
			if status, _, _ := s.as(&me).ask("GET", "https://app.test/", nil); status != c.with {
				t.Errorf("%s %s: %d with a certificate, want %d", c.mode, c.name, status, c.with)
			}
		}
		if status, _, _ := s.ask("GET", "https://app.test/", nil); status != c.none {
			t.Errorf("%s %s: %d without one, want %d", c.mode, c.name, status, c.none)
		}
	}
}
