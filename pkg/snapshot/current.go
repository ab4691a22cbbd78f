package snapshot

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/certs"
)

// Current holds the snapshot in use. The zero value holds none. An exchange
// loads it once and keeps it until its response ends.
type Current struct {
	snapshot atomic.Pointer[Snapshot]
	certs    certs.Store
}

// Load returns the snapshot in use, or nil before the first.
func (c *Current) Load() *Snapshot { return c.snapshot.Load() }

// Publish puts a snapshot to use, for the exchanges and the TLS handshakes to
// come. It must not be nil.
func (c *Current) Publish(s *Snapshot) {
	c.certs.Publish(s.Certificates)
	c.snapshot.Store(s)
}

// TLSConfig returns the settings of TLS listeners; see certs.Store. They follow
// what is published; before the first snapshot the self-signed certificate is
// shown.
func (c *Current) TLSConfig() *tls.Config { return c.certs.TLSConfig() }

// Run keeps what TLS connections need up to date until ctx ends: the keys of session
// tickets, and staples. See certs.Store. It is called once.
func (c *Current) Run(ctx context.Context, log *slog.Logger) error {
	c.certs.Logger = log
	return c.certs.Run(ctx)
}
