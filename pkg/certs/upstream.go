package certs

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Upstream is how the process connects to the endpoints of an upstream over TLS. It
// is comparable.
type Upstream struct {
	Settings model.UpstreamTLS
	// Name is the server name, unless Settings has one.
	Name string
	// HTTP2 tells endpoints, by ALPN, that HTTP/2 will be spoken.
	HTTP2 bool
}

// UpstreamOf tells how connections to an upstream are made whose protocol is
// encrypted.
func UpstreamOf(u *model.Upstream) Upstream {
	name := u.ExternalName
	if name == "" {
		name = u.Key.Service + "." + u.Key.Namespace + ".svc"
	}
	return Upstream{Settings: u.Transport.TLS, Name: name, HTTP2: u.Transport.Protocol.HTTP2()}
}

// client is what an Upstream was compiled to. A Set takes it over from the previous
// one if what it was made of is the same.
type client struct {
	authority *authority
	pair      *pair
	config    *tls.Config
	err       error
}

var errNotListed = errors.New("the upstream is not one of those that the settings were made for")

// Upstream returns the settings of connections to one of Config.Upstreams. They are
// the same pointer as in the previous Set if nothing has changed, and must not be
// changed. An error, such as an authority of no use, means that no connection may
// be made.
func (s *Set) Upstream(u Upstream) (*tls.Config, error) {
	c, ok := s.upstreams[u]
	if !ok {
		return nil, errNotListed
	}
	return c.config, c.err
}

// addUpstream compiles u.
func (s *Set) addUpstream(u Upstream, previous *Set) {
	if _, ok := s.upstreams[u]; ok {
		return
	}
	var c client
	var cert *tls.Certificate
	if name := u.Settings.Authority; name != "" {
		if c.authority = s.authorities[name]; c.authority == nil {
			c.err = fmt.Errorf("there is no authority %s", name)
		}
	}
	if name := u.Settings.Certificate; name != "" {
		if c.pair = s.pairs[name]; c.pair == nil {
			c.err = fmt.Errorf("there is no certificate %s", name)
		} else {
			cert = c.pair.cert
		}
	}
	old, ok := previous.upstreams[u]
	switch {
	case c.err != nil:
	case ok && old.err == nil && old.authority == c.authority && old.pair == c.pair:
		c = old
	default:
		c.config, c.err = u.config(c.authority, cert)
	}
	if c.err != nil {
		s.problems = append(s.problems, fmt.Errorf("TLS to %s: %w", u.serverName(), c.err))
	}
	s.upstreams[u] = c
}

func (u *Upstream) serverName() string { return cmp.Or(u.Settings.ServerName, u.Name) }

var (
	errNoName   = errors.New("there is no name to verify endpoints by")
	errNoneSent = errors.New("tls: the endpoint sent no certificate")
)

// config makes the settings. A nil authority means the system's.
func (u *Upstream) config(a *authority, cert *tls.Certificate) (*tls.Config, error) {
	// crypto/tls verifies only with the name that it sends, and knows no depth, so
	// it is told to leave all to VerifyConnection.
	config := &tls.Config{InsecureSkipVerify: true}
	var err error
	if config.MinVersion, config.MaxVersion, err = ParseProtocols(u.Settings.Protocols); err != nil {
		return nil, err
	}
	if config.CipherSuites, _, err = ParseCiphers(u.Settings.Ciphers); err != nil {
		return nil, err
	}
	if u.HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	if u.Settings.SendName {
		config.ServerName = u.serverName()
	}
	if cert != nil {
		// It is shown to all who ask, as OpenSSL does: crypto/tls would choose by the
		// names of authorities that the endpoint tells.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	if !u.Settings.Verify {
		return config, nil
	}
	name, limit := u.serverName(), depth(u.Settings.Depth)
	switch {
	case name == "":
		return nil, errNoName
	case a == nil:
		a = systemRoots
	case a.err != nil:
		return nil, fmt.Errorf("authority %s: %w", a.source.Name, a.err)
	}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errNoneSent
		}
		err := a.verify(state.PeerCertificates, name, x509.ExtKeyUsageServerAuth, limit, time.Now())
		if err != nil {
			return fmt.Errorf("tls: verify the certificate for %s: %w", name, err)
		}
		return nil
	}
	return config, nil
}
