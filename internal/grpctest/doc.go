// Package grpctest has a gRPC service and a client that tries all of it, for tests of
// what lies between them.
//
// Start serves, and Check calls: calls of all four kinds, messages larger than
// HTTP/2's windows, metadata, errors with details and trailers, deadlines, and calls
// that are given up. Each check is also there by itself, in Checks. The messages are
// those that come with protobuf, so nothing has to be generated.
package grpctest
