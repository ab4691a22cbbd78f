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
	// Authorities are sorted by Name.
	Authorities []Authority
	// Users are the lists of users that routes refer to, sorted by Name.
	Users []UserList
	// Streams are the TCP and UDP services, sorted by protocol and port.
	Streams []Stream
	// TLSNames are server names that a tls block lists and no rule routes,
	// sorted by Name. A certificate is shown for them; requests are routed
	// by the host that matches, which may be a wildcard.
	TLSNames []TLSName
	// DefaultCertificate names the certificate for an unknown or missing
	// server name. Empty means the self-signed one of the process.
	DefaultCertificate string
	// Listener holds what is set for all connections.
	Listener Listener
	// Unrouted are the steps of answers to requests that no route is for. Only their
	// ResponseFields count.
	Unrouted FilterSet
}

// Host is one name that requests are routed by.
type Host struct {
	// Name is a lower-case host name without port, "*.example.com" for
	// exactly one more label, or "" for every host not named otherwise.
	Name string
	// Certificate names the certificate shown for this server name. Empty
	// means the default certificate.
	Certificate string
	// Secured tells that an Ingress wants TLS for this name, whichever certificate is
	// shown for it: ssl-redirect counts here.
	Secured bool
	// Aliases are other names of the host, sorted by name: requests for them are routed
	// as those for Name. No other host has such a name.
	Aliases []Alias
	// TLS are the settings of TLS connections that ask for this name.
	TLS HostTLS
	// Passthrough, when it is not zero, gets the TLS connections that ask for
	// this name as they are: they are not terminated here.
	Passthrough UpstreamKey
	// Routes are sorted by path, exact before prefix. Patterns come after these, in the
	// order in which they are tried.
	Routes []Route
	// Fallback serves the paths that no route matches. nil means 404.
	Fallback *Route
}

// Alias is another name of a host. The fields mean what those of Host mean.
type Alias struct {
	Name, Certificate string
	Secured           bool
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
	// Pattern matches a regular expression: see package pattern.
	Pattern
)

func (m PathMatch) String() string {
	switch m {
	case Exact:
		return "exact"
	case Pattern:
		return "pattern"
	}
	return "prefix"
}

// Route sends the requests of one path to an upstream.
type Route struct {
	// Path begins with "/" and is in normal form: percent-encoded only where
	// it must be (RFC 3986, section 6.2.2), no empty or dot segments, and no
	// trailing slash for a Prefix other than "/". It is empty for a Fallback. That of a
	// Pattern is an expression as package pattern reads it.
	Path string
	// Match says how Path is compared.
	Match PathMatch
	// Upstream is where requests go. A zero key means that there is no such
	// Service or port: the route answers 503.
	Upstream UpstreamKey
	// Answer is the status that every request is answered with, in place of being
	// forwarded; 0 for all routes that have an upstream or should have one.
	Answer int
	// Branches are where some requests go in place of Upstream.
	Branches BranchSet
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
	// UDP tells the UDP port of a number from the TCP port.
	UDP bool
	// Variant is empty for the upstream with the settings of the oldest Ingress
	// that refers to it. One that wants other settings has an upstream of its own,
	// with the same endpoints: Variant is a digest of these settings.
	Variant string
}

// IsZero tells whether k names no upstream.
func (k UpstreamKey) IsZero() bool { return k == UpstreamKey{} }

// Base is k without its variant: the Service port.
func (k UpstreamKey) Base() UpstreamKey {
	k.Variant = ""
	return k
}

// String is the form used in configuration prints:
// namespace/service:port[/udp][#variant].
func (k UpstreamKey) String() string {
	if k.IsZero() {
		return "-"
	}
	text := k.Namespace + "/" + k.Service + ":" + k.Port
	if k.UDP {
		text += "/udp"
	}
	if k.Variant != "" {
		text += "#" + k.Variant
	}
	return text
}

// Name is the form used in logs, namespace-service-port, as ingress-nginx names
// its upstreams. Variants share it.
func (k UpstreamKey) Name() string {
	if k.IsZero() {
		return ""
	}
	return k.Namespace + "-" + k.Service + "-" + k.Port
}

// Label is Name as metrics show it, where each upstream needs one of its own.
func (k UpstreamKey) Label() string {
	name := k.Name()
	if k.UDP {
		name += "-udp"
	}
	if k.Variant != "" {
		name += "#" + k.Variant
	}
	return name
}

// Endpoint is one address that serves an upstream.
type Endpoint struct {
	Addr netip.AddrPort
	// Pod is the pod's name, for logs. It may be empty.
	Pod string
	// Weight is the endpoint's share beside others, from 1. 0 means 1.
	Weight uint16
}

// Endpoints are the addresses of each upstream that has any. They change far
// more often than routes and are published apart from the Config. Each list
// is sorted by address and has no duplicates.
type Endpoints map[UpstreamKey][]Endpoint

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

// Certificate is a key pair with its chain, as PEM. Name is
// "namespace/secret". It is compared by content: a changed Secret is a changed
// value.
type Certificate struct {
	Name string
	Cert []byte
	Key  []byte
	// OCSP is a response of the certificate's authority to be stapled, as DER. It may
	// be empty.
	OCSP []byte
}

// Authority is a set of certificates that others are verified against, as PEM.
// Name is "namespace/secret".
type Authority struct {
	Name string
	// Certificates are those trusted (ca.crt).
	Certificates []byte
	// Revoked are certificate revocation lists (ca.crl). It may be empty.
	Revoked []byte
}

// Stream is a port whose connections, or datagrams, go to an upstream as they are.
type Stream struct {
	// UDP tells datagrams from TCP connections.
	UDP bool
	// Port is listened on.
	Port uint16
	// Upstream is where the bytes go. A zero key means that there is no such
	// Service or port: connections are closed.
	Upstream UpstreamKey
	// AcceptProxy expects a PROXY header from clients, SendProxy sends one to
	// endpoints. They are for TCP.
	AcceptProxy, SendProxy bool
	// Source is what defines the stream, for messages.
	Source ObjectRef
	// Timeouts of the stream.
	StreamTimeouts
}

// StreamTimeouts are the settings of streams (ingress-nginx: proxy-stream-*).
type StreamTimeouts struct {
	// Connect bounds the making of a connection to an endpoint.
	Connect time.Duration
	// Idle closes a connection, or forgets a client's datagrams, when nothing
	// was sent either way for so long.
	Idle time.Duration
	// Tries is how many endpoints a connection is tried at. 0 means all.
	Tries int
	// Responses is how many datagrams are expected for one, after which the client
	// is forgotten. 0 means none, -1 any number.
	Responses int
}
