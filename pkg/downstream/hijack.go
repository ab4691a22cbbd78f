package downstream

import (
	"errors"
	"net"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

var errNotOurs = errors.New("connection is not there to be taken over")

// Hijack implements message.Stream.
func (x *exchange) Hijack() (net.Conn, []byte, error) {
	w, c := &x.write, x.c
	if x.hijacked || x.tunnel != nil || w.finished || w.cut {
		return nil, nil, errNotOurs
	}
	if err := x.flush(); err != nil {
		return nil, nil, err
	}
	if !x.endWatch() || !c.sc.Detach() {
		return nil, nil, message.ErrTimeout
	}
	x.hijacked, c.hijacked = true, true
	w.started, w.finished = true, true
	x.expect = false
	x.body.err = errNotOurs
	c.srv.handOver(c)
	nc := c.sc.NetConn()
	return nc, x.unread(), nc.SetDeadline(time.Time{})
}

// unread returns what was read of the connection and not consumed, and consumes it.
func (x *exchange) unread() []byte {
	c := x.c
	if c.early > 0 { // x.buf has no more then: see readAhead
		c.early = 0
		return c.first[:]
	}
	b := x.buf[x.at:]
	x.at = len(x.buf)
	return b
}
