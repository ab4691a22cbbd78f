package main

import (
	"net"

	"github.com/shockwave-ingress/shockwave/pkg/downstream"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/stream"
)

// passThrough makes the TLS connections to hosts that are passed through streams.
func passThrough(c *downstream.Config, snapshots *snapshot.Current, streams *stream.Server) {
	c.PassthroughAny = func() bool {
		s := snapshots.Load()
		return s != nil && s.PassesThrough()
	}
	c.Passthrough = func(serverName string) func(net.Conn, []byte) {
		s := snapshots.Load()
		if s == nil {
			return nil
		}
		up := s.Passthrough(serverName)
		if up == nil {
			return nil
		}
		header := up.Policy().Transport.ProxyProtocol
		return func(nc net.Conn, hello []byte) { streams.PassThrough(nc, hello, up, header) }
	}
}
