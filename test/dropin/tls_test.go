package dropin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fake is the name of the certificate for names that have none.
const fake = "Kubernetes Ingress Controller Fake Certificate"

// secret is a Secret of type kubernetes.io/tls with a certificate for names, of which
// the first is its common name too.
func secret(name string, names ...string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	block := func(kind string, der []byte) string {
		return strings.ReplaceAll(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))), "\n", "\n    ")
	}
	return fmt.Sprintf("---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n    %s\n  tls.key: |\n    %s\n",
		name, block("CERTIFICATE", cert), block("PRIVATE KEY", private))
}

// handshake connects as config says, and returns what was agreed on.
func (s *site) handshake(config *tls.Config) (tls.ConnectionState, error) {
	config.InsecureSkipVerify = true
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", s.HTTPS)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// shown is the common name of the certificate for a server name.
func (s *site) shown(serverName string) string {
	state, err := s.handshake(&tls.Config{ServerName: serverName}) //nolint:gosec // certificates are not verified
	if err != nil {
		return err.Error()
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// shows checks the common name of the certificate for a server name.
func (s *site) shows(serverName, want string) {
	s.t.Helper()
	if got := s.shown(serverName); got != want {
		s.t.Errorf("%q is shown %s, want %s", serverName, got, want)
	}
}

func TestT5DefaultCertificate(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		ingresses := secret("wrong", "elsewhere.example") +
			tlsBlock(ingress("m", "missing.example", "", "/ prefix app"), "missing.example", "none") +
			tlsBlock(ingress("w", "wrong.example", "", "/ prefix app"), "wrong.example", "wrong")
		s := serve(t, profile, app, ingresses)
		for _, name := range []string{"", "unknown.example", "missing.example", "wrong.example"} {
			s.shows(name, fake)
		}
		s.wants(s.get("https://wrong.example/"), 200)

		s = serve(t, profile, app, ingresses+secret("own", "default.example"), "--default-ssl-certificate", "default/own")
		for _, name := range []string{"", "unknown.example", "missing.example", "wrong.example"} {
			s.shows(name, "default.example")
		}
	})
}

func TestT6WhichSecret(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, secret("one", "a.example", "b.example")+secret("two", "b.example", "c.example")+
			// a.example is listed; c.example is in no list, and the second Secret covers it.
			tlsBlock(ingress("a", "a.example", "", "/ prefix app"), "a.example", "one")+
			tlsBlock(ingress("b", "b.example", "", "/ prefix app"), "b.example", "two")+
			tlsBlock(ingress("c", "c.example", "", "/ prefix app"), "x.example", "two"))
		s.shows("a.example", "a.example")
		s.shows("b.example", "b.example")
		s.shows("c.example", "b.example")
	})
}

func TestT7CertificatesAreSwappedLive(t *testing.T) {
	s := serve(t, nginx, app, tlsBlock(ingress("a", "a.example", "", "/ prefix app"), "a.example", "one"))
	s.shows("a.example", fake)
	s.write("secret.yaml", secret("one", "a.example", "first"))
	s.eventually("its certificate", func() bool { return s.shown("a.example") == "a.example" })
	s.write("secret.yaml", secret("one", "second", "a.example"))
	s.eventually("a new certificate", func() bool { return s.shown("a.example") == "second" })
}

func TestT9ProtocolsAndTickets(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		s := serve(t, profile, app, ingress("a", "a.example", "", "/ prefix app"))
		for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
			config := &tls.Config{ //nolint:gosec // old versions are what is tested
				ServerName: "a.example", MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"},
				ClientSessionCache: tls.NewLRUClientSessionCache(1),
			}
			state, err := s.handshake(config)
			if (err == nil) != ok {
				t.Errorf("%s: %v", tls.VersionName(version), err)
				continue
			}
			if !ok {
				continue
			}
			if state.NegotiatedProtocol != "h2" || len(state.OCSPResponse) > 0 {
				t.Errorf("%s: protocol %q, staple of %d bytes", tls.VersionName(version), state.NegotiatedProtocol, len(state.OCSPResponse))
			}
			if state, err = s.handshake(config); err != nil || state.DidResume {
				t.Errorf("%s: resumed %v, error %v", tls.VersionName(version), state.DidResume, err)
			}
		}
		s.shows("unknown.example", fake) // ssl-reject-handshake is off
	})
}

func TestT10PassthroughReplacesTheRest(t *testing.T) {
	inBoth(t, func(t *testing.T, profile string) {
		backend := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }))
		t.Cleanup(backend.Close)
		s := serve(t, profile, app, "---"+service("secure", backend.Listener.Addr().(*net.TCPAddr).Port)+
			ingress("a", "a.example", "ssl-passthrough: true\npermanent-redirect: https://new.example", "/ prefix secure")+
			ingress("b", "b.example", "", "/ prefix app"), "--enable-ssl-passthrough")
		a := s.get("https://a.example/")
		s.wants(a, 299, "Strict-Transport-Security: ")
		s.wants(s.get("https://b.example/"), 200)
		s.wants(s.get("http://a.example/"), 301) // what is not TLS is ours
	})
}
