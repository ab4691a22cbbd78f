package stream

import (
	"container/list"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// client is one that has sent datagrams, with its socket to an endpoint.
type client struct {
	port      *datagrams
	key       clientKey
	endpoint  *upstream.Endpoint
	conn      *upstream.Datagrams
	socket    *socket // conn's
	responses int     // how many are expected for each datagram; -1: any number
	closing   sync.Once

	// last is when a datagram went either way, answered when one came back, by the
	// reaper's clock.
	last, answered atomic.Int64

	// What follows is guarded by datagrams.mu.
	place             *list.Element
	requests, replies int
	made              time.Duration
	settled           bool // the endpoint has not refused it for a while
}

func newClient(d *datagrams, key clientKey, e *upstream.Endpoint, conn *upstream.Datagrams, responses int, now time.Duration) *client {
	c := &client{port: d, key: key, endpoint: e, conn: conn, socket: newSocket(conn.UDPConn), responses: responses, requests: 1, made: now}
	c.last.Store(int64(now))
	c.answered.Store(int64(now))
	return c
}

// close closes the socket. It may be called twice.
func (c *client) close() {
	c.closing.Do(func() {
		c.conn.Done()
		c.port.port.srv.held.Add(-1)
		c.port.port.counts.open.Add(-1)
	})
}

// answer sends the client what the endpoint sends, until the socket is closed or all
// answers that are expected have come.
func (c *client) answer() {
	d := c.port
	counts := &d.port.counts
	defer d.end(c)
	defer func() {
		if cause := recover(); cause != nil {
			counts.panicked.Add(1)
			d.port.srv.log.Error("panic in a stream", "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	control := c.key.to.control()
	for {
		buf, err := c.socket.read()
		if err != nil {
			if refused(err) {
				c.conn.Refused(err)
			}
			return
		}
		now := int64(d.port.srv.reaper.Now())
		c.last.Store(now)
		c.answered.Store(now)
		c.conn.Answered()
		n, _, err := d.conn.WriteMsgUDPAddrPort(buf, control, c.key.from)
		c.socket.release()
		if err == nil {
			counts.sent.Add(uint64(n))
		} else {
			counts.dropped.Add(1)
		}
		if c.complete() {
			return
		}
	}
}

// complete tells whether as many answers have come as are expected. The client is
// forgotten then, before it can send again.
func (c *client) complete() bool {
	if c.responses < 0 {
		return false
	}
	d := c.port
	d.mu.Lock()
	defer d.mu.Unlock()
	c.replies++
	if c.replies < c.responses*c.requests {
		return false
	}
	d.forget(c)
	return true
}
