// Package certs chooses the certificate for a TLS connection by the server name
// that the client asks for (SNI, RFC 6066, section 3).
//
// A Set is immutable: it holds the key pairs of one snapshot, each parsed once,
// and takes over from the previous Set those whose content has not changed. A
// Store holds the Set in use, and its TLSConfig asks the Store at each
// handshake, so that a changed Secret is shown by the next connection and no
// open one notices.
//
// A name without a certificate of its own gets the default certificate, as in
// ingress-nginx (rootfs/etc/nginx/lua/certificate.lua): one that is configured,
// or else one that the process signs itself.
package certs
