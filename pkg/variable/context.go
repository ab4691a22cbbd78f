package variable

import (
	"net/netip"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Context is what variables are evaluated for. Only Exchange must be there; a
// variable whose source is missing is absent. Nothing of it is kept.
type Context struct {
	Exchange *message.Exchange
	// Path is the normalised path that was routed by, nil when that was not reached.
	Path []byte
	// Elapsed is the time since Exchange.Start. Together they are the present time.
	Elapsed time.Duration
	// User is the user that was authenticated. When it is empty, $remote_user is the
	// one that the request claims to come from.
	User []byte
	// Route is the route that was found, nil for none.
	Route *Route
	// Alternative is the name of the upstream that took the exchange in place of the
	// route's, empty for none.
	Alternative string
	// Forwarded is what a trusted proxy in front told.
	Forwarded Forwarded
	// Client is what is known of the client's certificate, nil when nobody has looked
	// at it.
	Client *Client
}

// Route is what variables tell of a route. It is made with a snapshot and shared by
// the exchanges.
type Route struct {
	// Namespace and Ingress name the Ingress.
	Namespace, Ingress string
	// Service and Port name the Service and its port, as the Ingress does.
	Service, Port string
	// Host is that of the rule, such as "*.shop.example"; Path is its path.
	Host, Path string
	// Upstream is the upstream's name.
	Upstream string
}

// Forwarded is what a trusted proxy in front told of the client's request. What is
// empty is taken from the connection and the request.
type Forwarded struct {
	Scheme, Host, Port []byte
	// Peer is the address that the connection came from, where Exchange.Remote is one
	// that was told. It is zero where it is not.
	Peer netip.AddrPort
	// Proxied tells that connections begin with a PROXY header.
	Proxied bool
}

// peer is the address that the connection came from.
func (c *Context) peer() netip.AddrPort {
	if c.Forwarded.Peer.IsValid() {
		return c.Forwarded.Peer
	}
	return c.Exchange.Remote
}

// Client is what was found out of a client's certificate. The texts are those of
// nginx's variables.
type Client struct {
	// Verify is "SUCCESS", "NONE" or "FAILED:" with a reason.
	Verify string
	// Subject and Issuer are in the form of RFC 2253.
	Subject, Issuer string
	// Certificate is the PEM text, escaped as in a URL.
	Certificate string
}
