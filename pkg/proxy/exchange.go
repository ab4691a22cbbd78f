package proxy

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// exchange is what the proxy knows of one exchange, from the moment that it serves
// it until it was observed. Values are pooled; all views in it end with the
// exchange.
type exchange struct {
	*message.Exchange
	log   *slog.Logger
	snap  *snapshot.Snapshot // the one that was in use when it began, nil for none
	route *snapshot.Route
	// served tells that serve has returned, rather than panicked.
	served bool

	host [maxHost]byte // the name to route by, in lower case
	norm []byte        // kept memory for paths that change when normalised
	path []byte        // the path to route by and to forward
	// scratch is kept memory for paths that may be read in several ways.
	scratch snapshot.Scratch

	// to is where the exchange goes: the route's own target, that of canary, or that of
	// the pages for errors, when paged. canary is nil for none.
	to     *snapshot.Target
	canary *snapshot.Canary
	paged  bool
	// challenge is what a page with status 401 needs.
	challenge string
	// strayed tells that the client's cookie names an endpoint that is gone.
	strayed bool
	// stale is a connection, to staleAt, that a sender has not left yet. It is closed for
	// staleFor.
	stale    *upstream.Conn
	staleAt  *upstream.Endpoint
	staleFor upstream.Reason

	filters filter.State
	request request
	sender  sender
	left    abandon
	// streaming is the attempt over HTTP/2 whose body comes from the client, nil for
	// none.
	streaming *call

	// endpoint and conn are where the exchange is now; conn is nil when none
	// is held.
	endpoint *upstream.Endpoint
	conn     *upstream.Conn
	choice   upstream.Choice
	want     upstream.Want
	tried    [mostTries]*upstream.Endpoint
	tries    int
	most     int // tries
	// counted is the endpoint that counts the attempt in progress, and outcome
	// what that is to be told. entered is the upstream that counts the exchange, nil for
	// none.
	counted *upstream.Endpoint
	outcome upstream.Outcome
	entered *upstream.Upstream

	// buf holds what came from the upstream; buf[at:] is not consumed yet.
	buf    []byte
	at     int
	scan   http11.HeadScanner
	chunks http11.ChunkedReader
	// waited tells that the response's body did not come whole with its head.
	waited bool
}

// maxHost is longer than any DNS name and any IPv6 address in brackets.
const maxHost = 256

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.sender.done = make(chan struct{}, 1)
	x.left.init()
	return x
}}

// end gives back what the exchange holds of others, also when it panicked: then its
// connections are closed.
func (x *exchange) end() {
	if !x.served {
		if x.sender.running {
			x.Abort() // ends a NextBody that waits
		}
		x.outcome = upstream.Neutral
		x.release(upstream.ClosedFailed)
		x.tell(0)
	}
	x.dropStale()
	if c := x.streaming; c != nil {
		x.streaming = nil
		if !x.served {
			x.Abort()
		}
		c.wait()
	}
	x.request.spool.close()
	x.filters.Ticket.Release()
	x.leave()
}

// enter has an upstream count the exchange. It returns false when that has as many as it
// may have.
func (x *exchange) enter(u *upstream.Upstream) bool {
	if !u.Enter() {
		return false
	}
	x.entered = u
	return true
}

// leave ends what enter began.
func (x *exchange) leave() {
	if u := x.entered; u != nil {
		x.entered = nil
		u.Leave()
	}
}

// recycle readies x for another exchange. One that panicked is left to the garbage
// collector.
func (x *exchange) recycle() {
	if !x.served {
		return
	}
	x.served = false
	x.Exchange, x.log, x.snap, x.route, x.path, x.buf = nil, nil, nil, nil, nil, nil
	x.request.reset()
	x.sender.forget()
	x.filters.Reset()
	x.left.reset()
	x.endpoint, x.staleAt = nil, nil
	x.to, x.canary, x.paged, x.challenge, x.strayed = nil, nil, false, "", false
	x.choice = upstream.Choice{}
	clear(x.tried[:min(x.tries, mostTries)])
	x.tries, x.at = 0, 0
	exchanges.Put(x)
}

// release closes the upstream connection, if one is still held, for this reason.
func (x *exchange) release(why upstream.Reason) {
	c := x.conn
	if c == nil {
		return
	}
	x.left.drop()
	if x.sending() {
		c.Cut()
		x.sender.wait()
	}
	x.conn = nil
	x.endpoint.Discard(c, why)
}

// tell ends the attempt in progress, if there is one, for the endpoint's statistics.
// head is the time until its answer.
func (x *exchange) tell(head time.Duration) {
	if e := x.counted; e != nil {
		x.counted = nil
		e.End(x.outcome, head)
	}
}

// serve routes the exchange and forwards it, or answers it.
func (x *exchange) serve(snap *snapshot.Snapshot) {
	x.snap = snap
	if snap != nil && snap.Forwarding.Reads {
		x.believe(&snap.Forwarding)
	}
	x.setRequestID(snap == nil || !snap.Forwarding.NoRequestID)
	if status := x.find(snap); status != 0 {
		x.reply(status)
		return
	}
	req, route := &x.Request, x.route
	if x.to = &route.Target; route.OverTLS != nil && x.TLS != nil {
		x.to = route.OverTLS
	}
	x.Mem = x.Mem.Switch(route.Mode)
	x.filters.Path, x.filters.Leaving, x.filters.Secured = x.path, x, snap.Secured
	switch {
	case looped(&req.Fields):
		x.reply(508)
		return
	case route.MaxBody > 0 && int64(req.Body) > route.MaxBody:
		x.reply(413) // before anything else, as in nginx
		return
	}
	req.MaxBody = route.MaxBody
	if !filter.Run(route.Filters.Early, x.Exchange, &x.filters) {
		x.replyWith(&x.filters.Reply)
		return
	}
	switch {
	case route.Answer != 0:
	case !route.Ready():
		if !x.standIn() {
			x.reply(503)
			return
		}
	case route.Canary != nil:
		x.divert(route.Canary)
	}
	if !filter.Run(route.Filters.Late, x.Exchange, &x.filters) {
		x.replyWith(&x.filters.Reply)
		return
	}
	if route.Answer != 0 {
		x.reply(route.Answer)
		return
	}
	if !x.enter(x.to.Upstream) {
		x.fail(503, tooManyActive)
		return
	}
	if err := x.prepare(); err != nil {
		x.replyError(err)
		return
	}
	x.Watch(x.left.notice)
	x.forward()
}

// Hold implements filter.Leaving. Nothing is noticed before a filter asks.
func (x *exchange) Hold(cancel context.CancelFunc) {
	x.Watch(x.left.notice)
	x.left.hold(nil, cancel)
}

// Drop implements filter.Leaving.
func (x *exchange) Drop() { x.left.drop() }

// find finds the route. It returns 0, or the status to answer.
func (x *exchange) find(snap *snapshot.Snapshot) int {
	req := &x.Request
	switch {
	case req.MethodID == message.TRACE:
		return 405 // as nginx does: it would show the fields that we add
	case req.MethodID == message.CONNECT:
		return 405
	case snap == nil:
		return 503
	}
	path, err := http11.NormalizePath(x.norm[:0], req.Path)
	if err != nil {
		return 400
	}
	x.path = path
	if len(path) > 0 && (len(req.Path) == 0 || &path[0] != &req.Path[0]) {
		x.norm = path // it was appended there
	}
	key := path
	if len(key) == 1 && key[0] == '*' {
		key = root // OPTIONS * is about the server of the host
	}
	if len(req.Hostname) > maxHost {
		return 404
	}
	route, forward, err := snap.Find(snapshot.AppendHost(x.host[:0], req.Hostname), key, &x.scratch)
	if err != nil {
		x.Trace.Refusal = err.Error()
		return 400
	}
	if len(path) > 1 {
		x.path = forward
	}
	if x.route = route; route != nil {
		x.filters.Route = &route.Variables
	}
	switch {
	case x.route == nil:
		return 404
	case x.route.Denied:
		return 503
	}
	return 0
}

var root = []byte("/")
