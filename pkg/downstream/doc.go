// Package downstream is the downstream side of the engine: it accepts connections,
// reads requests from them, hands each to a message.Handler as an Exchange, and
// writes what the handler answers.
//
// One goroutine serves one connection. While a connection is idle it holds no
// buffer and no Exchange: both are taken when bytes arrive and given back when
// the connection falls idle again, so that many idle connections cost little
// more than their goroutines. Nothing is allocated per request, no lock is
// shared by requests, and no request starts a timer: deadlines are kept by one
// sock.Reaper for each server.
//
// HTTP/2, where it is on, is spoken by golang.org/x/net/http2, with a goroutine and
// memory of its own for each stream. Its exchanges are under the rules of HTTP/1.1;
// what is said above of costs does not hold for them.
//
// The package leaves the grammar of HTTP/1 to http11 and everything about
// where a request goes to the handler. It owns the memory of a connection, and
// the views that an Exchange holds are valid until the handler's Observe has
// returned.
package downstream
