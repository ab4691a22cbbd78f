// Package filter holds the steps of an exchange besides forwarding it: what looks
// at a request before it is forwarded, and at a response before its head is written.
//
// Filters are a closed list, and Table is their order. Compile makes the chain of
// one route; a route that uses none has an empty chain and pays for none. A filter
// is immutable: what it must remember between request and response is a typed
// field of State, which belongs to one exchange. A filter that answers the request
// itself fills State.Reply.
//
// Nothing here allocates for an exchange in steady state, but for a question to a
// service about access, and the groups of some patterns of rewrites (package pattern).
package filter
