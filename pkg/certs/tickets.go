package certs

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Keys of session tickets live for three times ticketRotation: each opens tickets
// for as long as it makes them and twice as long after that. A key that leaks opens
// no more TLS 1.2 connections that were recorded than those of that time.
const (
	ticketRotation = 12 * time.Hour
	ticketKeys     = 3
)

// tickets seals the sessions of clients. Its keys are made by the process and never
// leave it.
type tickets struct {
	mu   sync.Mutex
	keys [][32]byte // the newest first
	// config holds the keys, which crypto/tls reads and changes under a lock of its
	// own. No connection is made with it.
	config tls.Config
}

func newTickets() *tickets {
	t := new(tickets)
	t.rotate()
	return t
}

// rotate makes a new key and forgets the oldest.
func (t *tickets) rotate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	t.keys = slices.Insert(t.keys, 0, key)
	t.keys = t.keys[:min(len(t.keys), ticketKeys)]
	t.config.SetSessionTicketKeys(t.keys)
}

// link leads from the handshakes of Sets to the keys of the Store that the Sets are
// published in, so that a Set can be made without a Store and its parts reused.
type link struct {
	tickets atomic.Pointer[tickets]
}

// sealer makes and opens the tickets of hosts that show one key pair.
type sealer struct {
	link *link
	pair *pair
}

var errNotPublished = errors.New("tls: the certificates in use are those of no Store")

// mark ties a session to the certificate and the server name that it was made
// under. RFC 6066, section 3 forbids to resume one under another name, and a
// client should see a certificate that was replaced.
func (k sealer) mark(serverName string) []byte {
	name := sha256.Sum256([]byte(strings.ToLower(serverName)))
	return append(k.pair.print[:], name[:]...)
}

// wrap is for tls.Config.WrapSession.
func (k sealer) wrap(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
	t := k.link.tickets.Load()
	if t == nil {
		return nil, errNotPublished
	}
	session.Extra = append(session.Extra, k.mark(state.ServerName))
	return t.config.EncryptTicket(state, session)
}

// unwrap is for tls.Config.UnwrapSession. A session that cannot be resumed leads to
// a full handshake.
func (k sealer) unwrap(identity []byte, state tls.ConnectionState) (*tls.SessionState, error) {
	t := k.link.tickets.Load()
	if t == nil {
		return nil, nil
	}
	session, err := t.config.DecryptTicket(identity, state)
	if err != nil || session == nil || len(session.Extra) != 1 ||
		string(session.Extra[0]) != string(k.mark(state.ServerName)) {
		return nil, err
	}
	return session, nil
}
