// Package load generates load for comparisons of servers and measures what they
// need for it. A Generator in one thread plays all clients, so that it costs
// little and the same for every server; servers are processes of their own on
// another core. It counts from the kernel what they use, and compares figures of
// the same round only.
//
// Clients that speak TLS are goroutines of crypto/tls on that one thread, which costs
// more than the rest: whether it limits a server is seen from how busy the cores were.
//
// Answers are checked as they come: the status and the length of each, and every
// byte of the first one on each connection.
//
// Generating needs Linux. What describes requests and computes figures does not.
package load
