// Package server is an HTTP/1.1 server for Go programs: the engine of Shockwave
// without the ingress controller.
package server
