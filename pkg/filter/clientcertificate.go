package filter

import (
	"crypto/tls"
	"fmt"
	"regexp"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Identity is what the certificate of a client is worth to a host. It is found out
// once for a connection.
type Identity struct {
	auth *certs.ClientAuth
	certs.Result
	refuses bool
	reason  string
	// name is the expression that the subject was compared with, and other tells that
	// it does not match.
	name  string
	other bool
}

// clientCertificate refuses clients without a certificate that the host wants, and
// tells the upstream of the one they have (ingress-nginx: auth-tls-*).
type clientCertificate struct {
	auth      *certs.ClientAuth
	errorPage []byte
	// name must match the subject; nil: any does.
	name *regexp.Regexp
}

func newClientCertificate(s *Settings) (Request, Response, error) {
	if s.ClientAuth == nil {
		return nil, nil, nil
	}
	f := &clientCertificate{auth: s.ClientAuth, errorPage: []byte(s.ClientTLS.ErrorPage)}
	if text := s.ClientTLS.MatchName; text != "" {
		var err error
		if f.name, err = s.Shared.Expression(text); err != nil {
			return nil, nil, fmt.Errorf("auth-tls-match-cn: %w", err)
		}
	}
	return f, nil, nil
}

// The fields that tell the upstream (ingress-nginx:
// rootfs/etc/nginx/template/nginx.tmpl).
const (
	fieldVerify  = "ssl-client-verify"
	fieldSubject = "ssl-client-subject-dn"
	fieldIssuer  = "ssl-client-issuer-dn"
	fieldCert    = "ssl-client-cert"
)

var clientFields = [...]string{fieldVerify, fieldSubject, fieldIssuer, fieldCert}

// clearText is clientCertificate for requests in clear text, which can have no
// certificate: they are refused unless they were sent to https before, as nginx asks for
// certificates on its TLS ports only.
type clearText struct{ *clientCertificate }

func newClearText(s *Settings) (Request, Response, error) {
	f, _, err := newClientCertificate(s)
	if f == nil || err != nil {
		return nil, nil, err
	}
	return clearText{f.(*clientCertificate)}, nil, nil
}

// Request implements Request.
func (f clearText) Request(ex *message.Exchange, s *State) bool {
	return ex.TLS != nil || f.ask(ex, s)
}

// Request implements Request.
func (f *clientCertificate) Request(ex *message.Exchange, s *State) bool {
	return ex.TLS == nil || f.ask(ex, s)
}

// ask refuses a request, or tells the upstream of the client's certificate.
func (f *clientCertificate) ask(ex *message.Exchange, s *State) bool {
	id := f.identity(ex)
	s.Client = &id.Client
	if id.refuses {
		f.refuse(ex, s, id)
		return false
	}
	if id.other {
		s.Reply = Reply{Status: 403}
		return false
	}
	fields := &ex.Request.Fields
	// Nor must it have what is said of it taken for a field of its connection.
	if err := http11.StripRequest(fields); err != nil {
		s.Reply = Reply{Status: 400}
		return false
	}
	for _, name := range clientFields {
		fields.DelName(name) // a client must not say who it is by itself
	}
	fields.AddName(fieldVerify, alloc.Bytes(id.Verify))
	if id.Subject != "" {
		fields.AddName(fieldSubject, alloc.Bytes(id.Subject))
		fields.AddName(fieldIssuer, alloc.Bytes(id.Issuer))
	}
	if id.Certificate != "" {
		fields.AddName(fieldCert, alloc.Bytes(id.Certificate))
	}
	return true
}

// identity returns what is known of the client, and finds it out for the first
// request of its connection to this host.
func (f *clientCertificate) identity(ex *message.Exchange) *Identity {
	if known, ok := ex.Session.Data.Load().(*Identity); ok && known.auth == f.auth && known.name == f.expression() {
		return known
	}
	id := &Identity{auth: f.auth, Result: f.auth.Verify(ex.TLS), name: f.expression()}
	id.refuses, id.reason = f.auth.Refuses(id.Result)
	id.other = f.name != nil && !f.name.MatchString(id.Subject)
	ex.Session.Data.Store(id)
	return id
}

// expression is the text of f.name, empty for none.
func (f *clientCertificate) expression() string {
	if f.name == nil {
		return ""
	}
	return f.name.String()
}

// refuse answers a client without the certificate that it needs: 400 as nginx
// does, or the error page. One whose connection was made under another server name
// may have a certificate and was not asked: it is told to come on a connection of
// its own (RFC 9110, section 15.5.20).
func (f *clientCertificate) refuse(ex *message.Exchange, s *State, id *Identity) {
	switch {
	case id.Outcome == certs.NoCertificate && elsewhere(ex.TLS, ex.Request.Hostname):
		s.Reply = Reply{Status: 421}
	case len(f.errorPage) > 0:
		s.Reply = Reply{Status: 302, Location: f.errorPage}
	default:
		s.Reply = Reply{Status: 400, Reason: id.reason}
	}
}

// elsewhere tells whether a connection was made for another host than a request is
// for.
func elsewhere(state *tls.ConnectionState, host []byte) bool {
	return state != nil && !message.EqualFold(host, state.ServerName)
}
