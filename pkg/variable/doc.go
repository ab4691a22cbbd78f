// Package variable makes text of what is known of an exchange: it compiles texts
// with nginx's variables, such as "$host$request_uri", once, and evaluates them for
// each exchange without allocating.
//
// Names and meanings are those of nginx and of ingress-nginx. A variable whose value
// is not recorded is not in the Table, so that a text which asks for it is refused
// rather than answered with nothing. Nothing here routes, verifies or writes to
// anybody: values come from the Context, and many of them are what a client chose,
// so whoever uses a text in a place with a syntax of its own escapes it.
//
// An Expression is immutable and may be used by many goroutines. What it appends is
// a copy and belongs to the caller.
package variable
