// Package upstream holds the conversations between the proxy and the upstreams
// behind it, byte for byte over real connections: what is sent to an upstream,
// and what a client gets when the upstream answers well, badly, early, late or
// not at all. The cases are in testdata.
package upstream
