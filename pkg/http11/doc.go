// Package http11 reads and writes HTTP/1.1 messages (RFC 9112) in buffers that the
// caller owns. It opens no connections and keeps no bytes; what it returns is
// valid until the buffer is refilled. Nothing in it allocates once the Fields it
// fills have grown.
//
// It is strict: a message that two recipients could read differently is refused
// with an Error that carries the status to answer. Lines end with CRLF only,
// framing is decided by one function for requests and one for responses, and
// what is forwarded is written anew from what was parsed.
package http11
