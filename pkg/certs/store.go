package certs

import (
	"crypto/tls"
	"sync/atomic"
)

// Store holds the Set in use. The zero value shows the self-signed certificate
// for every name.
type Store struct {
	set atomic.Pointer[Set]
}

// Publish puts a Set to use for the handshakes to come. It must not be nil.
func (s *Store) Publish(set *Set) { s.set.Store(set) }

// TLSConfig returns settings for servers that terminate TLS and speak HTTP/1.1.
// They follow the Store; nothing need be done when a Set is published.
//
// TLS 1.2 is the oldest version, and cipher suites and curves are those that Go
// considers secure. Session tickets are off, as in ingress-nginx
// (internal/ingress/controller/config, ssl-session-tickets): every handshake
// then shows the certificate of the present, no key in memory opens recorded
// TLS 1.2 sessions, and replicas need not share keys. A client pays with a full
// handshake for each connection, which keep-alive makes rare.
func (s *Store) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true,
		GetCertificate:         s.certificate,
	}
}

func (s *Store) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if set := s.set.Load(); set != nil {
		return set.Find(hello.ServerName), nil
	}
	return SelfSigned()
}
