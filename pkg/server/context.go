package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// requestContext is the Context of one request. Its memory is its own, since a
// context may be kept: it is never used for another request.
type requestContext struct {
	local netip.AddrPort

	mu     sync.Mutex
	stream message.Stream // nil: the exchange has ended
	done   chan struct{}  // nil: nobody asked
	err    error
	after  map[*func()]struct{}
}

func (r *request) Context() context.Context {
	if c := r.ctx.Load(); c != nil {
		return c
	}
	r.ctx.CompareAndSwap(nil, &requestContext{local: r.ex.Local, stream: r.ex.Stream})
	return r.ctx.Load()
}

// Deadline implements context.Context: there is none.
func (*requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context. The first call makes the server watch the
// connection.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		} else {
			c.stream.Watch(c.cancel)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	if key == http.LocalAddrContextKey && c.local.IsValid() {
		return net.Addr(net.TCPAddrFromAddrPort(c.local))
	}
	return nil
}

// AfterFunc spares contexts made from this one a goroutine each: package context
// looks for it.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = make(map[*func()]struct{})
	}
	c.after[&f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.after[&f]
		delete(c.after, &f)
		return waits
	}
}

// cancel ends the context. It may be called again.
func (c *requestContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err, c.stream = context.Canceled, nil
	if c.done != nil {
		close(c.done)
	}
	for f := range c.after {
		go (*f)()
	}
	c.after = nil
}
