package model

import "time"

// Upstream is one Service port that routes refer to, with how it is used.
type Upstream struct {
	Key UpstreamKey
	// ExternalName is the DNS name to resolve for a Service of type
	// ExternalName, with ExternalPort. Empty for all others, whose endpoints
	// are published apart (see Endpoints).
	ExternalName string
	ExternalPort uint16
	Policy
}

// Policy is how the endpoints of an upstream are used. It is comparable.
type Policy struct {
	// Pool is how connections to each endpoint are kept.
	Pool Pool
	// Transport is what is spoken with the endpoints.
	Transport Transport
	// Balance is how an endpoint is chosen.
	Balance Balance
	// Health is how endpoints that fail are found and spared.
	Health Health
	// ClusterIP makes the address of the Service the only endpoint, in place of those
	// of its pods (ingress-nginx: service-upstream).
	ClusterIP bool
}

// Pool says how connections to an endpoint are kept. Names that ingress-nginx's
// ConfigMap has are the same there, upstream-keepalive-*.
type Pool struct {
	// IdleConnections is the most idle connections kept per endpoint.
	IdleConnections int
	// IdleTimeout closes a connection that was idle for so long.
	IdleTimeout time.Duration
	// MaxRequests closes a connection after so many requests.
	MaxRequests int
	// MaxAge closes a connection, once idle, that is older.
	MaxAge time.Duration
	// MaxConnections bounds the connections to an endpoint. 0 means no limit.
	MaxConnections int
	// MaxPending bounds the requests that may wait for a connection to an
	// endpoint which has MaxConnections. One more is answered 503.
	MaxPending int
	// PendingTimeout bounds that wait. A request that waited longer is answered
	// 503.
	PendingTimeout time.Duration
	// Prewarm is how many connections to a new endpoint are made before a request
	// asks for one, and kept while they are not in use.
	Prewarm int
}

// Protocol is what endpoints speak. The values are those of backend-protocol, in
// upper case.
type Protocol string

// The protocols. GRPC and GRPCS are HTTP/2 like H2C and H2.
const (
	HTTP  Protocol = "HTTP"
	HTTPS Protocol = "HTTPS"
	GRPC  Protocol = "GRPC"
	GRPCS Protocol = "GRPCS"
	H2C   Protocol = "H2C"
	H2    Protocol = "H2"
)

// Encrypted tells whether p is spoken over TLS.
func (p Protocol) Encrypted() bool { return p == HTTPS || p == GRPCS || p == H2 }

// HTTP2 tells whether p is HTTP/2.
func (p Protocol) HTTP2() bool { return p == GRPC || p == GRPCS || p == H2C || p == H2 }

// Transport is what is spoken with endpoints.
type Transport struct {
	// Protocol is HTTP unless set otherwise.
	Protocol Protocol
	// ProxyProtocol is the version of the PROXY header that begins each
	// connection, 1 or 2, or 0 for none. A connection that begins with one
	// belongs to one client and carries one exchange.
	ProxyProtocol uint8
	// TLS counts when Protocol is encrypted.
	TLS UpstreamTLS
}

// UpstreamTLS are the settings of TLS connections to endpoints. The zero value
// verifies nothing and sends no server name, as ingress-nginx does (U12).
type UpstreamTLS struct {
	// Verify wants a certificate for ServerName that Authority vouches for.
	Verify bool
	// Depth is how many certificates may stand between the endpoint's and a trusted
	// one, neither of them counted. 0 means 1.
	Depth int
	// ServerName is the name to verify, and to send when SendName is set. Empty
	// means service.namespace.svc, or the ExternalName.
	ServerName string
	SendName   bool
	// Authority names one of Config.Authorities. Empty means the system's.
	Authority string
	// Certificate names one of Config.Certificates, to show to endpoints that
	// ask for one.
	Certificate string
	// Protocols are versions such as "TLSv1.2 TLSv1.3". Empty means both.
	Protocols string
	// Ciphers is a list in OpenSSL's form, for TLS 1.2. Empty means Go's.
	Ciphers string
}

// Algorithm is a way to choose an endpoint.
type Algorithm string

// The algorithms, under the names of load-balance.
const (
	RoundRobin   Algorithm = "round_robin"
	LeastRequest Algorithm = "least_request"
	EWMA         Algorithm = "ewma"
	Random       Algorithm = "random"
)

// Algorithms lists the algorithms.
var Algorithms = []Algorithm{RoundRobin, LeastRequest, EWMA, Random}

// Balance is how an endpoint is chosen. Sticky goes before HashBy, and that
// before Algorithm.
type Balance struct {
	Algorithm Algorithm
	// HashBy is an expression with variables, such as "$request_uri". Requests
	// for which it is the same go to the same endpoint. Empty: none.
	HashBy string
	// HashLoad bounds the requests that an endpoint chosen by HashBy or a
	// balanced Sticky has at a time, in percent of the mean of all: above it the
	// next endpoint takes over. 0 means no bound, other values are above 100.
	HashLoad int
	// Sticky keeps a client at an endpoint.
	Sticky Sticky
	// SlowStart is the time in which the share of a new endpoint grows from a
	// tenth to all of it. 0: it has all at once.
	SlowStart time.Duration
}

// Sticky keeps a client at an endpoint by a cookie (ingress-nginx: affinity,
// session-cookie-*).
type Sticky struct {
	// Cookie is the cookie's name. Empty: clients are not kept.
	Cookie string
	// Persistent keeps a client where it is as long as the endpoint is there.
	// Otherwise some clients move when endpoints come, so that the load is even.
	Persistent bool
	// ChangeOnFailure gives a client a new endpoint when the one it has failed.
	// Otherwise only that request goes elsewhere.
	ChangeOnFailure bool
	// MaxAge and Expires are attributes of the cookie, in seconds, from now. 0
	// leaves them out.
	MaxAge, Expires int
	// Path is an attribute of the cookie. Empty means the route's path.
	Path string
	// Domain and SameSite are attributes of the cookie. Empty leaves them out.
	Domain, SameSite string
	// Secure is an attribute of the cookie: SecureAuto sets it for clients that use
	// TLS.
	Secure Secure
	// ConditionalSameSite leaves SameSite=None out for clients that are known to
	// misunderstand it.
	ConditionalSameSite bool
}

// Secure says whether a cookie has the attribute Secure.
type Secure uint8

// The values of Secure.
const (
	SecureAuto Secure = iota
	SecureAlways
	SecureNever
)

// Health is how endpoints that fail are found and spared.
type Health struct {
	// MaxFailures is after how many failed exchanges in a row an endpoint is left
	// out: errors, timeouts, and statuses 502, 503 and 504. 0: only one that
	// cannot be connected to is.
	MaxFailures int
	// EjectionTime is for how long it is left out the first time; twice as long
	// each time after that, up to ten times.
	EjectionTime time.Duration
	// MaxEjected is how many endpoints may be left out, in percent. One is always
	// kept.
	MaxEjected int
	// MaxActive bounds the exchanges with the upstream at a time, over all
	// endpoints. One more is answered 503. 0: no limit.
	MaxActive int
	// RetryBudget bounds retries, in percent of the exchanges of the last ten
	// seconds; some retries are always allowed. 0: retries are not bounded.
	RetryBudget int
	// Check asks endpoints how they are.
	Check Check
}

// CheckKind is a kind of active health check.
type CheckKind string

// The kinds of checks.
const (
	NoCheck   CheckKind = ""
	CheckHTTP CheckKind = "http"
	CheckTCP  CheckKind = "tcp"
)

// Check is an active health check.
type Check struct {
	Kind CheckKind
	// Path and Host are those of the request of CheckHTTP. An empty Host means the
	// endpoint's address.
	Path, Host string
	// Port is asked in place of the endpoint's. 0: that of the endpoint.
	Port uint16
	// Interval is the time between two checks, Timeout how long one may take.
	Interval, Timeout time.Duration
	// Healthy is how many checks in a row must succeed before an endpoint that
	// was left out is used again, Unhealthy how many must fail before it is left
	// out.
	Healthy, Unhealthy int
}

// DefaultPolicy is how endpoints are used unless set otherwise. The pool's values
// that ingress-nginx has are its own.
func DefaultPolicy() Policy {
	return Policy{
		Pool: Pool{
			IdleConnections: 320,
			IdleTimeout:     60 * time.Second,
			MaxRequests:     10000,
			MaxAge:          time.Hour,
			MaxPending:      1024,
			PendingTimeout:  5 * time.Second,
		},
		Transport: Transport{Protocol: HTTP, TLS: UpstreamTLS{Depth: 1}},
		Balance:   Balance{Algorithm: RoundRobin},
		Health: Health{
			EjectionTime: 30 * time.Second,
			MaxEjected:   50,
			RetryBudget:  20,
			Check: Check{
				Path: "/", Interval: 10 * time.Second, Timeout: 2 * time.Second, Healthy: 2, Unhealthy: 3,
			},
		},
	}
}
