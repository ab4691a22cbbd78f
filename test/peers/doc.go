// Package peers tests the real program with programs of others on either side of it:
// nginx, HAProxy, curl, nghttp, h2load, and libraries for gRPC and WebSockets. A test
// whose program is not installed is skipped.
package peers
