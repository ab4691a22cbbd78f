//go:build !linux

package downstream

import "net"

// ignoreNewConnections is for Linux only: elsewhere a listener that closes under
// load may reset a connection that has just arrived.
func ignoreNewConnections(net.Listener) (ignored bool) { return false }
