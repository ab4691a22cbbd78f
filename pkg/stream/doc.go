// Package stream forwards what is not HTTP: the connections and datagrams of TCP
// and UDP services, and TLS connections that are passed through as they are.
//
// A Server is told with Set which ports there are and where each leads. It opens
// and closes ports while the others go on, connects each client to an endpoint that
// package upstream picks, and moves bytes both ways until both sides have ended. It
// looks at none of them but a PROXY header.
//
// Everything that clients can grow is bounded: connections and UDP clients by the
// process's descriptors, a silent one by the stream's idle timeout, and memory by
// moving bytes inside the kernel, or else through buffers that are held only while
// there are bytes. The package knows nothing of where its configuration comes from.
package stream
