package stream

import (
	"container/list"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// maxDatagram is the largest datagram that there is (RFC 768, a length of 16 bits).
const maxDatagram = 64 << 10

// datagrams is the socket of a UDP port, with its clients. Each client has a socket
// of its own to the endpoint that was picked for it.
type datagrams struct {
	port *port
	conn *net.UDPConn

	mu      sync.Mutex // guards what follows
	clients map[clientKey]*client
	heard   list.List // of *client: the one that has been silent longest is last
	leaving bool      // no new clients
	closed  bool
}

// clientKey tells one client from another: the same one is two where it sends to two
// of our addresses.
type clientKey struct {
	from netip.AddrPort
	to   local
}

func newDatagrams(p *port, conn *net.UDPConn) *datagrams {
	askForLocal(conn)
	return &datagrams{port: p, conn: conn, clients: make(map[clientKey]*client)}
}

// receive forwards what clients send until the socket is closed.
func (d *datagrams) receive() {
	var failure error
	defer func() { d.port.lost(failure) }()
	buf, control := make([]byte, maxDatagram), make([]byte, controlSize)
	for {
		n, m, _, from, err := d.conn.ReadMsgUDPAddrPort(buf, control)
		switch {
		case err == nil:
			d.forward(buf[:n], clientKey{from, localOf(control[:m])})
		case errors.Is(err, net.ErrClosed):
			return
		case passes(err):
			time.Sleep(time.Millisecond)
		default:
			failure = err
			d.close() // it is opened again
			return
		}
	}
}

// forward sends a client's datagram to its endpoint, or to another one when that
// refuses it.
func (d *datagrams) forward(b []byte, key clientKey) {
	counts := &d.port.counts
	defer func() {
		if cause := recover(); cause != nil { // it costs this datagram
			counts.panicked.Add(1)
			d.port.srv.log.Error("panic in a stream", "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	r := d.port.route.Load()
	var tried []*upstream.Endpoint
	for gone := 0; ; {
		c := d.client(key, r, tried)
		if c == nil {
			break
		}
		err := c.socket.write(b)
		switch {
		case err == nil:
			counts.received.Add(uint64(len(b)))
			if r.Responses == 0 {
				d.end(c)
			}
			return
		case errors.Is(err, net.ErrClosed): // it was forgotten a moment ago
			d.end(c)
			if gone++; gone > 2 {
				counts.dropped.Add(1)
				return
			}
			continue
		case !refused(err):
			counts.dropped.Add(1)
			return
		}
		c.conn.Refused(err)
		d.end(c)
		tried = append(tried, c.endpoint)
		if r.Tries > 0 && len(tried) >= r.Tries {
			break
		}
	}
	counts.dropped.Add(1)
}

// refused tells whether an error says that the endpoint cannot be reached.
func refused(err error) bool {
	for _, e := range []syscall.Errno{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// client returns the client that sends this datagram, which is made when it is not
// known. It returns nil when there is no endpoint for it, or no room. Only receive
// calls it.
func (d *datagrams) client(key clientKey, r *route, tried []*upstream.Endpoint) *client {
	now := d.port.srv.reaper.Now()
	d.mu.Lock()
	c := d.clients[key]
	if c != nil {
		c.requests++
		c.last.Store(int64(now))
		d.heard.MoveToFront(c.place)
	}
	leaving := d.leaving
	d.mu.Unlock()
	if c != nil || leaving {
		return c
	}
	counts := &d.port.counts
	if len(tried) == 0 {
		counts.total.Add(1)
	}
	if r.upstream == nil {
		counts.failed.Add(1)
		return nil
	}
	e := r.upstream.Pick(&upstream.Choice{Tried: tried})
	if e == nil || slices.Contains(tried, e) || !d.makeRoom() {
		counts.failed.Add(1)
		return nil
	}
	conn, err := e.Datagrams()
	if err != nil {
		d.port.srv.held.Add(-1)
		counts.failed.Add(1)
		return nil
	}
	return d.add(newClient(d, key, e, conn, r.Responses, now))
}

// add makes c a client that is known. It returns nil when the port has closed.
func (d *datagrams) add(c *client) *client {
	d.port.counts.open.Add(1)
	d.mu.Lock()
	if d.leaving {
		d.mu.Unlock()
		c.close()
		return nil
	}
	d.clients[c.key] = c
	c.place = d.heard.PushFront(c)
	d.mu.Unlock()
	if c.responses != 0 {
		d.port.srv.started.Go(c.answer)
	}
	return c
}

// makeRoom takes a place for one more client. When there is none, one that has been
// silent for long has to go: whoever sends from many addresses, which may be forged,
// must not be able to keep all others out for as long as the idle timeout. It returns
// false when there is nobody here to go.
func (d *datagrams) makeRoom() bool {
	s := d.port.srv
	d.mu.Lock()
	crowded := len(d.clients) >= s.config.MaxClients
	d.mu.Unlock()
	for {
		if s.held.Add(1) <= s.most && !crowded {
			return true
		}
		s.held.Add(-1)
		if !d.evict() {
			return false
		}
		crowded = false
	}
}

// evictAmong is how many of those that were not heard of for longest are looked at
// for one that was not answered for long either.
const evictAmong = 8

// evict forgets a client.
func (d *datagrams) evict() bool {
	var found *client
	d.mu.Lock()
	for e, n := d.heard.Back(), 0; e != nil && n < evictAmong; e, n = e.Prev(), n+1 {
		if c := e.Value.(*client); found == nil || c.last.Load() < found.last.Load() {
			found = c
		}
	}
	ok := found != nil && d.forget(found)
	d.mu.Unlock()
	if ok {
		d.port.counts.evicted.Add(1)
		found.close()
	}
	return ok
}

// forget takes c out of the books, once. d.mu is held, and c must be closed.
func (d *datagrams) forget(c *client) bool {
	if d.clients[c.key] != c {
		return false
	}
	delete(d.clients, c.key)
	d.heard.Remove(c.place)
	return true
}

// end forgets c and closes it.
func (d *datagrams) end(c *client) {
	d.mu.Lock()
	d.forget(c)
	d.mu.Unlock()
	c.close()
}

// staleAnswer is how long a client stays with an endpoint that was removed and does
// not answer any more. Nobody says that a datagram to it is lost.
const staleAnswer = 2 * time.Second

// refusalTime is how long a refusal may take. An endpoint that did not send one is
// there, also where it has nothing to answer.
const refusalTime = time.Second

// sweep forgets clients that were silent for too long, and closes a port that is to
// go once it has none.
func (d *datagrams) sweep() {
	now := d.port.srv.reaper.Now()
	idle := d.port.route.Load().Idle
	var ended []*client
	d.mu.Lock()
	if d.leaving && (idle <= 0 || idle > drainIdle) {
		idle = drainIdle
	}
	for e := d.heard.Back(); e != nil; {
		c := e.Value.(*client)
		e = e.Prev()
		silent := idle > 0 && now-time.Duration(c.last.Load()) >= idle
		if silent || c.conn.Removed() && now-time.Duration(c.answered.Load()) >= staleAnswer {
			d.forget(c)
			ended = append(ended, c)
			continue
		}
		if !c.settled && now-c.made >= refusalTime {
			c.settled = true
			c.conn.Answered()
		}
	}
	done := d.leaving && len(d.clients) == 0
	d.closed = d.closed || done
	d.mu.Unlock()
	for _, c := range ended {
		c.close()
	}
	if done {
		_ = d.conn.Close()
	}
}

// leave makes the port take no new clients and close when it has none any more.
func (d *datagrams) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaving = true
	if len(d.clients) == 0 {
		d.closed = true
		_ = d.conn.Close()
	}
}

// stay takes leave back. It returns false when the port has closed.
func (d *datagrams) stay() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leaving = d.closed
	return !d.closed
}

// close closes the port and forgets all clients.
func (d *datagrams) close() {
	d.mu.Lock()
	d.leaving, d.closed = true, true
	ended := make([]*client, 0, len(d.clients))
	for _, c := range d.clients {
		ended = append(ended, c)
	}
	clear(d.clients)
	d.heard.Init()
	d.mu.Unlock()
	_ = d.conn.Close()
	for _, c := range ended {
		c.close()
	}
}
