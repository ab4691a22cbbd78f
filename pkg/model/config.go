package model

import (
	"net/netip"
	"slices"
	"time"
)

// Config is everything that one process serves, made from one consistent set
// of objects. Equal inputs give equal values: slices are sorted as their
// comments say.
type Config struct {
	// Hosts are sorted by Name.
	Hosts []Host
	// Upstreams are sorted by Key.
	Upstreams []Upstream
	// Certificates are sorted by Name.
	Certificates []Certificate
	// TLSNames are server names that a tls block lists and no rule routes,
	// sorted by Name. A certificate is shown for them; requests are routed
	// by the host that matches, which may be a wildcard.
	TLSNames []TLSName
	// DefaultCertificate names the certificate for an unknown or missing
	// server name. Empty means the self-signed one of the process.
	DefaultCertificate string
	// Listener holds what is set for all connections.
	Listener Listener
}

// Host is one name that requests are routed by.
type Host struct {
	// Name is a lower-case host name without port, "*.example.com" for
	// exactly one more label, or "" for every host not named otherwise.
	Name string
	// Certificate names the certificate shown for this server name. Empty
	// means the default certificate.
	Certificate string
	// Routes are sorted by path, exact before prefix.
	Routes []Route
	// Fallback serves the paths that no route matches. nil means 404.
	Fallback *Route
}

// TLSName is a server name with its certificate and without routes.
type TLSName struct {
	// Name is a lower-case host name, or "*.example.com" for exactly one
	// more label.
	Name string
	// Certificate names one of Config.Certificates. Empty means the default
	// certificate.
	Certificate string
}

// PathMatch says how a route's path is compared.
type PathMatch uint8

const (
	// Prefix matches path elements: /a matches /a, /a/ and /a/b, not /ab.
	Prefix PathMatch = iota
	// Exact matches the very same path.
	Exact
)

func (m PathMatch) String() string {
	if m == Exact {
		return "exact"
	}
	return "prefix"
}

// Route sends the requests of one path to an upstream.
type Route struct {
	// Path begins with "/" and is in normal form: percent-encoded only where
	// it must be (RFC 3986, section 6.2.2), no empty or dot segments, and no
	// trailing slash for a Prefix other than "/". It is empty for a Fallback.
	Path string
	// Match says how Path is compared.
	Match PathMatch
	// Upstream is where requests go. A zero key means that there is no such
	// Service or port: the route answers 503.
	Upstream UpstreamKey
	// Ingress is the object that the route came from.
	Ingress ObjectRef
	// Options are the settings that annotations gave.
	Options Options
	// Denied is why the route answers 503 whatever its endpoints: a setting
	// that protects it cannot be honoured. Empty for a route in service.
	Denied string
}

// UpstreamKey names an upstream. It is stable over changes of endpoints and
// settings, so pools and health survive under it.
type UpstreamKey struct {
	Namespace string
	Service   string
	// Port is the number of the Service's port, in decimal. Whether an
	// Ingress wrote the number or the name, it means the same upstream.
	Port string
}

// IsZero tells whether k names no upstream.
func (k UpstreamKey) IsZero() bool { return k == UpstreamKey{} }

// String is the form used in configuration prints: namespace/service:port.
func (k UpstreamKey) String() string {
	if k.IsZero() {
		return "-"
	}
	return k.Namespace + "/" + k.Service + ":" + k.Port
}

// Name is the form used in logs and metrics, namespace-service-port, as
// ingress-nginx names its upstreams.
func (k UpstreamKey) Name() string {
	if k.IsZero() {
		return ""
	}
	return k.Namespace + "-" + k.Service + "-" + k.Port
}

// Upstream is one Service port that routes refer to.
type Upstream struct {
	Key UpstreamKey
	// ExternalName is the DNS name to resolve for a Service of type
	// ExternalName, with ExternalPort. Empty for all others, whose endpoints
	// are published apart (see Endpoints).
	ExternalName string
	ExternalPort uint16
	// Pool is how connections to each endpoint are kept.
	Pool Pool
}

// Pool says how connections to an endpoint are kept. The names are those of
// ingress-nginx's ConfigMap, upstream-keepalive-*.
type Pool struct {
	// IdleConnections is the most idle connections kept per endpoint.
	IdleConnections int
	// IdleTimeout closes a connection that was idle for so long.
	IdleTimeout time.Duration
	// MaxRequests closes a connection after so many requests.
	MaxRequests int
	// MaxAge closes a connection, once idle, that is older.
	MaxAge time.Duration
}

// Endpoint is one address that serves an upstream.
type Endpoint struct {
	Addr netip.AddrPort
	// Pod is the pod's name, for logs. It may be empty.
	Pod string
}

// Endpoints are the addresses of each upstream that has any. They change far
// more often than routes and are published apart from the Config. Each list
// is sorted by address and has no duplicates.
type Endpoints map[UpstreamKey][]Endpoint

// Options are the settings of one route. The zero value is not useful: start
// from DefaultOptions.
type Options struct {
	// AllocationMode governs the memory of the route's exchanges.
	AllocationMode AllocationMode
	// AllocationModeFrom says for people what chose the mode, such as
	// "annotation shockwave.dev/allocation-mode of Ingress default/shop". It
	// has no effect.
	AllocationModeFrom string
	// ConnectTimeout bounds dialling an endpoint.
	ConnectTimeout time.Duration
	// SendTimeout bounds the gap between two writes to the upstream.
	SendTimeout time.Duration
	// ReadTimeout bounds the gap between two reads from the upstream.
	ReadTimeout time.Duration
	// MaxBodyBytes is the largest request body accepted. 0 means no limit.
	MaxBodyBytes int64
}

// AllocationMode is where the memory of exchanges and connections comes from.
// Its values are those of package alloc, under their names.
type AllocationMode string

// The allocation modes. Every build has all of them.
const (
	AllocStandard AllocationMode = "standard"
	AllocArena    AllocationMode = "arena"
	AllocGreenTea AllocationMode = "greentea"
)

// AllocationModes lists the allocation modes.
var AllocationModes = []AllocationMode{AllocStandard, AllocArena, AllocGreenTea}

// Known tells whether m is one of AllocationModes. To ask for another one is a
// Problem.
func (m AllocationMode) Known() bool { return slices.Contains(AllocationModes, m) }

// FromDefault is the AllocationModeFrom of a mode that nobody asked for.
const FromDefault = "default"

// Listener holds the settings of downstream connections.
type Listener struct {
	// AllocationMode governs the memory of connections, and AllocationModeFrom
	// says what chose it, as that of Options does.
	AllocationMode     AllocationMode
	AllocationModeFrom string
	// KeepAliveTimeout closes a connection that was idle for so long. 0
	// turns keep-alive off.
	KeepAliveTimeout time.Duration
	// KeepAliveRequests is how many requests a connection may carry.
	KeepAliveRequests int
	// MaxConnections bounds open connections. 0 means no limit.
	MaxConnections int
	// HeaderTimeout bounds the time from a head's first byte to its last.
	HeaderTimeout time.Duration
	// BodyTimeout bounds the gap between two reads of a request body.
	BodyTimeout time.Duration
	// MaxHeaderBytes bounds one request head.
	MaxHeaderBytes int
}

// Certificate is a key pair with its chain, as PEM. Name is
// "namespace/secret". It is compared by content: a changed Secret is a changed
// value.
type Certificate struct {
	Name string
	Cert []byte
	Key  []byte
}
