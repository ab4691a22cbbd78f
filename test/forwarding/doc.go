// Package forwarding tests what the proxy makes of a route's settings, through real
// connections: retries, buffering, limits, clients that leave, stickiness, large
// bodies, other protocols. What single bytes on the wire come to is for
// test/conformance/upstream.
package forwarding
