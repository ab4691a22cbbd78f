package model

import "time"

// Listener holds the settings of downstream connections.
type Listener struct {
	// Profile is whose defaults hold where nothing else is said.
	Profile Profile
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
	// MaxHeaderBytes bounds one request head, MaxLineBytes its first line.
	MaxHeaderBytes, MaxLineBytes int
	// Underscores keeps fields of requests whose name has an underscore
	// (enable-underscores-in-headers), and OddNames those with any name that HTTP
	// allows, where otherwise it has letters, digits and - (ignore-invalid-headers).
	Underscores, OddNames bool
	// HTTP2 offers HTTP/2, by ALPN and to clients that begin with it in clear text
	// (use-http2).
	HTTP2 bool
	// HTTP2Streams is how many requests a connection of HTTP/2 may have open
	// (http2-max-concurrent-streams).
	HTTP2Streams int
	// ProxyProtocol expects each connection to begin with a PROXY header
	// (use-proxy-protocol), which must come within ProxyHeaderTimeout.
	ProxyProtocol      bool
	ProxyHeaderTimeout time.Duration
	// TrustedProxies are the networks whose PROXY headers and forwarded fields tell the
	// client's address, as a list such as "10.0.0.0/8,fd00::/8" in normal form
	// (proxy-real-ip-cidr). The header of another peer is read and not believed.
	TrustedProxies string
	// Forwarded says what is believed of a proxy in front.
	Forwarded Forwarded
	// Log says what is logged of exchanges.
	Log AccessLog
	// TLS are the settings of TLS for all hosts.
	TLS ListenerTLS
}

// ListenerTLS are the settings of TLS for all hosts.
type ListenerTLS struct {
	// Protocols are versions such as "TLSv1.2 TLSv1.3" (ssl-protocols).
	Protocols string
	// Ciphers is a list in OpenSSL's form for TLS 1.2 (ssl-ciphers). Empty means
	// Go's.
	Ciphers string
	// Curves are names such as "X25519:P-256", the most wanted first
	// (ssl-ecdh-curve). "auto" means Go's.
	Curves string
	// Tickets lets clients resume sessions, with keys that the process makes and
	// changes by itself (ssl-session-tickets).
	Tickets bool
	// OCSP staples what the authority says of a certificate (enable-ocsp).
	OCSP bool
	// RejectUnknown ends handshakes for names without a host
	// (ssl-reject-handshake).
	RejectUnknown bool
}

// HostTLS are the settings of the TLS connections of one host. The zero value is
// that of a host without any.
type HostTLS struct {
	// ClientAuth says which certificate a client must have, that Authority, which
	// names one of Config.Authorities, vouches for.
	ClientAuth ClientAuth
	Authority  string
	// Depth is how many certificates may stand between the client's and a trusted
	// one, neither of them counted. 0 means 1.
	Depth int
	// ErrorPage is where clients without a valid certificate are sent: a URL. Empty:
	// they are answered 400.
	ErrorPage string
	// MatchName is an expression that the subject of the client's certificate must
	// match, in the form of RFC 2253; others are answered 403. Empty: any will do.
	MatchName string
	// PassCertificate sends the client's certificate to the upstream.
	PassCertificate bool
	// NoHTTP2 leaves HTTP/2 out of what is offered to clients of this host.
	NoHTTP2 bool
	// Ciphers stands in place of that of the listener (ssl-ciphers).
	Ciphers string
}

// ClientAuth says what is asked of a client's certificate, under the names of
// auth-tls-verify-client.
type ClientAuth string

// The values of ClientAuth.
const (
	// ClientAuthOff asks for none.
	ClientAuthOff ClientAuth = ""
	// ClientAuthOn wants one that is valid.
	ClientAuthOn ClientAuth = "on"
	// ClientAuthOptional wants none, or one that is valid.
	ClientAuthOptional ClientAuth = "optional"
	// ClientAuthNoCA wants none or any that is neither out of date nor revoked, and
	// tells the upstream whether the authority vouches for it.
	ClientAuthNoCA ClientAuth = "optional_no_ca"
)
