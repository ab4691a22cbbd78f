// Package proxy forwards exchanges: it is the message.Handler between the server
// and the upstreams.
//
// An exchange loads the snapshot once, is routed by host and normalised path,
// has its request written anew, goes to an endpoint of the route's upstream, and
// has the response passed back as it arrives. Nothing that was received is
// forwarded as raw bytes: request line, fields and framing are regenerated from
// what was parsed, and so are those of the response, by the server.
//
// The memory of a forwarded exchange comes from its region (Exchange.Mem), in
// the route's allocation mode. What the package keeps between exchanges is a
// pool of small structs without buffers of messages.
package proxy
