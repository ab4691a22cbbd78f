package stream

import (
	"log/slog"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Config is what a Server needs from outside. The zero value is usable.
type Config struct {
	// Address is what is listened on, without a port. Empty means all addresses,
	// IPv4 and IPv6.
	Address string
	// Logger gets what becomes of ports. Default: slog.Default.
	Logger *slog.Logger
	// MaxConnections bounds the connections of all TCP services, and those that are
	// passed through. 0: what there are descriptors for.
	MaxConnections int
	// MaxClients bounds the clients of one UDP service at a time. Default: 16384,
	// and for all together what there are descriptors for.
	MaxClients int
	// ProxyHeaderTimeout bounds the wait for a PROXY header. Default: 5 s.
	ProxyHeaderTimeout time.Duration
	// PassThrough are the timeouts of connections that are passed through. Default:
	// model.DefaultStreamTimeouts.
	PassThrough model.StreamTimeouts
	// ListenRetry is how often a port is tried again that could not be listened on.
	// Default: 3 s.
	ListenRetry time.Duration
}

const (
	defaultClients            = 16 << 10
	defaultProxyHeaderTimeout = 5 * time.Second
	defaultListenRetry        = 3 * time.Second
)

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = descriptorShare()
	}
	if c.MaxClients <= 0 {
		c.MaxClients = defaultClients
	}
	if c.ProxyHeaderTimeout <= 0 {
		c.ProxyHeaderTimeout = defaultProxyHeaderTimeout
	}
	if c.PassThrough == (model.StreamTimeouts{}) {
		c.PassThrough = model.DefaultStreamTimeouts()
	}
	if c.ListenRetry <= 0 {
		c.ListenRetry = defaultListenRetry
	}
}
