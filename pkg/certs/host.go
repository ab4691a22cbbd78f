package certs

import (
	"crypto/tls"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// listener is what all hosts have in common. It is comparable.
type listener struct {
	model.ListenerTLS
	http2 bool
}

// shape is what a listener's settings were parsed to.
type shape struct {
	oldest, newest uint16
	ciphers        []uint16
	curves         []tls.CurveID
}

func (l *listener) parse() (shape, error) {
	var s shape
	var err error
	if s.oldest, s.newest, err = ParseProtocols(l.Protocols); err != nil {
		return shape{}, err
	}
	if s.ciphers, _, err = ParseCiphers(l.Ciphers); err != nil {
		return shape{}, err
	}
	s.curves, _, err = ParseCurves(l.Curves)
	return s, err
}

// host is what the handshakes for a server name are made with. It is immutable,
// and names with equal terms share one.
type host struct {
	terms
	config *tls.Config
}

// terms are all that makes one host of a Set differ from another.
type terms struct {
	pair    *pair
	auth    *ClientAuth // nil: clients are not asked for certificates
	ciphers string      // in place of the listener's, unless empty
	http2   bool
	// refused ends handshakes.
	refused bool
}

var (
	http11Protocols = []string{"http/1.1"}
	http2Protocols  = []string{"h2", "http/1.1"}
)

// newHost makes the settings of handshakes. Ciphers that do not parse are those of
// a host that is refused.
func newHost(t terms, l *listener, s shape, link *link) *host {
	config := &tls.Config{
		MinVersion:       s.oldest,
		MaxVersion:       s.newest,
		CipherSuites:     s.ciphers,
		CurvePreferences: s.curves,
		// A client's sessions are of no use at a host that asks for certificates:
		// one made at a host that does not would stand in for the certificate. It is
		// the bypass of CVE-2025-23419 in nginx, where names of one listener share
		// keys, and of CVE-2025-68121 in Go, where a session outlived a change of
		// what is trusted. crypto/tls would put the certificate of the first
		// handshake into the ticket and, with RequestClientCert, take a ticket
		// without any too. Where tickets are disabled it neither gives nor reads them
		// (checkForResumption in handshake_server.go, handshake_server_tls13.go).
		SessionTicketsDisabled: !l.Tickets || t.auth != nil,
	}
	if t.ciphers != "" {
		config.CipherSuites, _, _ = ParseCiphers(t.ciphers)
	}
	config.NextProtos = http11Protocols
	if t.http2 && (s.oldest > tls.VersionTLS12 || http2Ciphers(config.CipherSuites)) {
		config.NextProtos = http2Protocols
	}
	if t.refused {
		// Without a certificate crypto/tls answers unrecognized_name (RFC 6066,
		// section 3), as nginx does with ssl_reject_handshake.
		config.SessionTicketsDisabled = true
		return &host{t, config}
	}
	config.GetCertificate = t.pair.get
	if !config.SessionTicketsDisabled {
		k := sealer{link, t.pair}
		config.WrapSession, config.UnwrapSession = k.wrap, k.unwrap
	}
	if t.auth != nil {
		t.auth.ask(config)
	}
	return &host{t, config}
}
