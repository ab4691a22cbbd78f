// Package http11 reads and writes HTTP/1.1 messages (RFC 9110 and RFC 9112) in
// buffers that the caller owns. It opens no connections and keeps no bytes; what
// it returns is valid until the buffer is refilled. Nothing in it allocates once
// the Fields that it fills have grown, but for a target that nobody sends: an
// absolute-form with a query and no path.
//
// It is strict: a message that two recipients could read differently is refused
// with an Error that carries the status to answer. Lines end with CRLF only,
// framing is decided by one function for requests and one for responses, and
// what is forwarded is written anew from what was parsed.
//
// A head is read in two steps. HeadScanner finds where it ends while its bytes
// arrive; ParseRequest or ParseResponse then reads the whole of it. A body in
// chunks is decoded by ChunkedReader. Which bytes a message may hold, and which
// forms of it are refused, is the business of this package alone; when to answer,
// what to forward and when to close is the business of its callers.
package http11
