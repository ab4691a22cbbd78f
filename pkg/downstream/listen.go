package downstream

import (
	"context"
	"net"
)

// Listen opens a TCP listener on addr, such as ":8080" (IPv4 and IPv6) or
// "127.0.0.1:0". Multipath TCP, which net.Listen asks for, is off: no client of
// an ingress uses it, and it makes every socket dearer.
func Listen(addr string) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	return lc.Listen(context.Background(), "tcp", addr)
}
