// Package certs has the settings of TLS connections: what is shown to clients and
// asked of them, by the server name that they ask for (SNI, RFC 6066, section 3),
// and how the process connects to endpoints.
//
// A Set is immutable: it holds the key pairs, the authorities and the settings of
// one snapshot, each parsed once, and takes over from the previous Set those whose
// content has not changed. Names with equal settings share one tls.Config, and a
// handshake takes it as it is. A Store holds the Set in use and what outlives Sets:
// the keys of session tickets, and the staples that authorities make for
// certificates (OCSP, RFC 6960). Its TLSConfig asks the Store at each handshake, so
// that a changed Secret is shown by the next connection and no open one notices.
//
// A name without a certificate of its own gets the default certificate, as in
// ingress-nginx (rootfs/etc/nginx/lua/certificate.lua): one that is configured,
// or else one that the process signs itself.
//
// Clients' certificates are asked for in the handshake and verified when a request
// comes, by ClientAuth, because nginx answers a client without a valid one with
// status 400. The answer, and what upstreams are told, is for others.
//
// Whatever cannot be honoured fails closed, for the smallest part possible.
package certs
