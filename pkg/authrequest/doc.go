// Package authrequest asks services whether requests may pass, and remembers what
// they said for as long as it holds. What is asked, about whom, and what follows from
// an answer is for others to decide.
//
// The client is that of net/http: it is well kept, it resolves names, verifies
// certificates and keeps connections. Asking therefore allocates. What package
// upstream offers instead is for endpoints that the cluster tells of, and a service of
// this kind is a URL, often one outside.
//
// Everything is bounded: what is asked at a time, the connections, the size of answers,
// what is remembered, and, by the caller's context, the time.
package authrequest
