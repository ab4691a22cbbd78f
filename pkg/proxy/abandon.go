package proxy

import (
	"context"
	"sync"

	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// abandon ends the work for a client that has left (message.Stream.Watch): the
// connection to the endpoint is cut, whatever is being waited for.
//
// Its notice may come at any moment until the exchange was observed, so an exchange
// is pooled only then.
type abandon struct {
	notice func() // left, made once

	mu     sync.Mutex
	gone   bool
	conn   *upstream.Conn     // to be cut
	cancel context.CancelFunc // ends an exchange over HTTP/2
	done   chan struct{}      // closed with gone
}

func (a *abandon) init() {
	a.notice = a.left
	a.done = make(chan struct{})
}

// left is called when the client has left.
func (a *abandon) left() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return
	}
	a.gone = true
	close(a.done)
	if a.conn != nil {
		a.conn.Cut()
	}
	if a.cancel != nil {
		a.cancel()
	}
}

// hold has c cut when the client leaves, at once if it has left. Whoever gives c
// away calls drop first.
func (a *abandon) hold(c *upstream.Conn, cancel context.CancelFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn, a.cancel = c, cancel
	if !a.gone {
		return
	}
	if c != nil {
		c.Cut()
	}
	if cancel != nil {
		cancel()
	}
}

// drop ends what hold began.
func (a *abandon) drop() {
	a.mu.Lock()
	a.conn, a.cancel = nil, nil
	a.mu.Unlock()
}

// isGone tells whether the client has left.
func (a *abandon) isGone() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gone
}

// reset readies a for another exchange.
func (a *abandon) reset() {
	if a.gone {
		a.gone = false
		a.done = make(chan struct{})
	}
}
