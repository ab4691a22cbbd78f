package message

// NameSet is a set of known field names.
type NameSet uint64

// SetOf returns the set of these names.
func SetOf(list ...Name) (s NameSet) {
	for _, n := range list {
		s |= 1 << n
	}
	return s
}

// Has tells whether n is in s. Unknown is in none.
func (s NameSet) Has(n Name) bool { return s&(1<<n) != 0 }

// ProxyWrites are the fields of a request that a proxy writes anew or leaves out,
// whatever the client sent: those of its connection; those that tell of the client,
// which it must not forge, as in ingress-nginx with use-forwarded-headers off
// (rootfs/etc/nginx/template/nginx.tmpl); Forwarded, which tells the same (RFC 7239);
// and Proxy, which CGI turns into a setting ("httpoxy").
var ProxyWrites = SetOf(
	Connection, ContentLength, Expect, Host, HTTP2Settings,
	KeepAlive, ProxyConnection, TE, Trailer, TransferEncoding, Upgrade,
	Forwarded, Proxy,
	XForwardedFor, XForwardedHost, XForwardedPort, XForwardedProto,
	XForwardedScheme, XOriginalForwardedFor, XOriginalForwardedHost,
	XRealIP, XRequestID, XScheme,
)
