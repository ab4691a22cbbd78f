package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// ClientAuth is what a host wants of clients' certificates. It is immutable. Hosts
// with equal settings share one, and a Set takes it over from the previous one, so
// that what Verify found may be kept with a connection under the pointer.
//
// A handshake asks for a certificate and makes sure that the client has its key; it
// does not look at what the certificate is worth. That is for Verify, when a
// request comes, because a client without a valid one is answered 400, as nginx
// does. So it does not matter either under which server name the connection was
// made.
type ClientAuth struct {
	authKey
}

// authKey is all that makes one ClientAuth differ from another.
type authKey struct {
	mode      model.ClientAuth
	authority *authority
	depth     int
	pass      bool
}

// mostClientCertificate bounds a client's certificate: what is passed on of it
// becomes part of a request's head.
const mostClientCertificate = 16 << 10

// Outcome is what Verify found.
type Outcome uint8

// The outcomes.
const (
	// NoCertificate means that the client gave none.
	NoCertificate Outcome = iota
	// Valid means that the authority vouches for the client's certificate.
	Valid
	// Invalid means that it does not.
	Invalid
)

// Result is what Verify found, and what upstreams are told of it. Its texts are
// printable ASCII.
type Result struct {
	Outcome Outcome
	// Reason is why the certificate is Invalid.
	Reason string
	// Client is what the application and variables are told (ssl-client-verify and
	// others). Certificate is empty unless the host passes it on.
	variable.Client

	unknown bool // see failure
}

// Verify tells what the certificate is worth that the client of a connection gave.
// A nil state, which is that of a connection without TLS, has none.
func (a *ClientAuth) Verify(state *tls.ConnectionState) Result {
	if state == nil || len(state.PeerCertificates) == 0 {
		return Result{Client: variable.Client{Verify: "NONE"}}
	}
	leaf := state.PeerCertificates[0]
	if len(leaf.Raw) > mostClientCertificate {
		return Result{Outcome: Invalid, Reason: "certificate too large", Client: variable.Client{Verify: "FAILED:certificate too large"}}
	}
	r := Result{Outcome: Valid, Client: variable.Client{
		Verify:  "SUCCESS",
		Subject: distinguishedName(leaf.RawSubject),
		Issuer:  distinguishedName(leaf.RawIssuer),
	}}
	if a.pass {
		r.Certificate = escapedPEM(leaf)
	}
	err := a.authority.verify(state.PeerCertificates, "", x509.ExtKeyUsageClientAuth, a.depth, time.Now())
	if err != nil {
		r.Outcome, r.Reason = Invalid, printable(err.Error())
		r.Verify = "FAILED:" + r.Reason
		why, ok := err.(*failure)
		r.unknown = ok && why.unknown
	}
	return r
}

// Refuses tells whether a request of a client with this result is to be answered
// 400, and with which words: those of nginx for its statuses 495 and 496. As there
// (ngx_http_process_request), optional_no_ca forgives that nobody vouches for a
// certificate and nothing else, such as its being out of date.
func (a *ClientAuth) Refuses(r Result) (bool, string) {
	switch {
	case r.Outcome == Valid, r.Outcome == NoCertificate && a.mode != model.ClientAuthOn:
		return false, ""
	case r.Outcome == NoCertificate:
		return true, "No required SSL certificate was sent"
	case a.mode == model.ClientAuthNoCA && r.unknown:
		return false, ""
	}
	return true, "The SSL certificate error"
}

// ask makes handshakes ask for a certificate.
func (a *ClientAuth) ask(config *tls.Config) {
	config.ClientAuth = tls.RequestClientCert
	// The names of authorities make clients choose. Some give no certificate at all
	// when none fits, which is not wanted where any will do.
	if a.mode != model.ClientAuthNoCA {
		config.ClientCAs = a.authority.hint
	}
}

// escapedPEM is the PEM text of a certificate with all but unreserved characters
// percent-encoded, as nginx's $ssl_client_escaped_cert.
func escapedPEM(cert *x509.Certificate) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// printable replaces what must not be in a field value.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
