package upstream

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
)

// Lookup returns the upstream that is registered under key, or nil.
func (r *Registry) Lookup(key model.UpstreamKey) *Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.upstreams[key]
}

// Stream is a connection to an endpoint that carries bytes as they are, for one
// client. It counts as one of the endpoint's, and neither knows its pool nor its
// limits.
type Stream struct {
	*sock.Conn
	endpoint *Endpoint
}

// Dial makes a Stream, within timeout or 5 s, and for no longer than ctx: nothing of
// the upstream's transport is done to it. An endpoint that cannot be reached is left
// out by Pick for a while. Done must be called once in the end.
func (e *Endpoint) Dial(ctx context.Context, timeout time.Duration) (*Stream, error) {
	if timeout <= 0 {
		timeout = defaultConnectTimeout
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e.hold(+1)
	r := e.upstream.registry
	begun := r.clock()
	nc, err := r.config.Dial(limited, e.addr)
	if err != nil {
		e.hold(-1)
		if ctx.Err() == nil {
			e.unreached(begun, err)
		}
		return nil, fmt.Errorf("connect to %s: %w", e.addr, err)
	}
	e.comeBack()
	e.count(func(n *Counters) { n.Created++ })
	return &Stream{sock.New(nc, r.reaper), e}, nil
}

// Done closes the connection, for a reason that is counted.
func (s *Stream) Done(why Reason) {
	_ = s.Close()
	s.endpoint.count(func(n *Counters) { n.Closed[why]++ })
	s.endpoint.hold(-1)
}

// unreached counts a failure to reach e that was begun at a time.
func (e *Endpoint) unreached(begun time.Duration, err error) {
	e.count(func(n *Counters) { n.Failed++ })
	if !localFailure(err) {
		e.leaveOut(begun, err)
	}
}

// hold counts a connection in (+1) or out (-1), for balancing too. What became of it
// tells nothing of the endpoint.
func (e *Endpoint) hold(change int) {
	e.giveUp(change, 0)
	if change > 0 {
		e.Begin()
	} else {
		e.End(Neutral, 0)
	}
}

// Datagrams is a UDP socket that sends to one endpoint. It counts as one of its
// connections.
type Datagrams struct {
	*net.UDPConn
	endpoint *Endpoint
	made     time.Duration
	done     sync.Once
}

// Datagrams opens a socket. Done must be called in the end.
func (e *Endpoint) Datagrams() (*Datagrams, error) {
	r := e.upstream.registry
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.addr))
	if err != nil {
		e.unreached(r.clock(), err)
		return nil, fmt.Errorf("send to %s: %w", e.addr, err)
	}
	e.count(func(n *Counters) { n.Created++ })
	e.hold(+1)
	return &Datagrams{UDPConn: conn, endpoint: e, made: r.clock()}, nil
}

// Refused tells that the endpoint's host has answered that nobody is there. Pick
// leaves it out for a while.
func (d *Datagrams) Refused(err error) { d.endpoint.unreached(d.made, err) }

// Answered tells that the endpoint is there.
func (d *Datagrams) Answered() { d.endpoint.comeBack() }

// Removed tells whether the endpoint is none of its upstream any more.
func (d *Datagrams) Removed() bool {
	d.endpoint.mu.Lock()
	defer d.endpoint.mu.Unlock()
	return d.endpoint.retired
}

// Done closes the socket. It may be called twice.
func (d *Datagrams) Done() {
	d.done.Do(func() {
		_ = d.Close()
		d.endpoint.count(func(n *Counters) { n.Closed[ClosedTunnel]++ })
		d.endpoint.hold(-1)
	})
}
