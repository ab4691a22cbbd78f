package certs

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Store holds the Set in use, and what outlives Sets: the keys of session tickets
// and the staples of certificates. The zero value shows the self-signed certificate
// for every name.
type Store struct {
	// Logger is told of staples that cannot be had. nil means slog.Default().
	Logger *slog.Logger

	set     atomic.Pointer[Set]
	once    sync.Once
	tickets *tickets
	changed chan struct{} // has room for one: there is another Set

	// dial connects to responders of OCSP, in place of dialPublic.
	dial dialer
}

func (s *Store) init() {
	s.once.Do(func() {
		s.tickets = newTickets()
		s.changed = make(chan struct{}, 1)
	})
}

// Publish puts a Set to use for the handshakes to come. It must not be nil.
func (s *Store) Publish(set *Set) {
	s.init()
	set.link.tickets.Store(s.tickets)
	s.set.Store(set)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run changes the keys of session tickets and fetches staples until ctx ends.
// Without it keys stay as they are and certificates have no staples.
func (s *Store) Run(ctx context.Context) error {
	s.init()
	rotation := time.NewTicker(ticketRotation)
	defer rotation.Stop()
	dial := s.dial
	if dial == nil {
		dial = dialPublic
	}
	staples := newStapler(cmp.Or(s.Logger, slog.Default()), dial)
	defer staples.stop()
	if set := s.set.Load(); set != nil {
		staples.follow(set)
		staples.fetch(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-rotation.C:
			s.tickets.rotate()
		case <-s.changed:
			staples.follow(s.set.Load())
		case f := <-staples.fetched:
			staples.take(f)
		case <-staples.due.C:
		}
		staples.fetch(ctx)
	}
}

// TLSConfig returns settings for servers that terminate TLS. They follow the Store;
// nothing need be done when a Set is published. HTTP/2 is offered, as "h2", where
// the Set says so: a server must look at the protocol that was agreed on.
//
// Session tickets are off unless asked for, as in ingress-nginx
// (internal/ingress/controller/config, ssl-session-tickets): no key in memory then
// opens recorded TLS 1.2 sessions. A client pays with a full handshake for each
// connection, which keep-alive makes rare.
func (s *Store) TLSConfig() *tls.Config {
	return &tls.Config{
		// These count before the first Set.
		MinVersion:             tls.VersionTLS12,
		NextProtos:             http11Protocols,
		SessionTicketsDisabled: true,
		GetCertificate:         s.certificate,
		GetConfigForClient:     s.config,
	}
}

// config chooses among the settings of the Set. Nothing is made for a handshake.
func (s *Store) config(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	set := s.set.Load()
	if set == nil {
		return nil, nil
	}
	return set.handshakes(strings.ToLower(hello.ServerName)).config, nil
}

func (s *Store) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if set := s.set.Load(); set != nil {
		return set.Find(hello.ServerName), nil
	}
	return SelfSigned()
}
