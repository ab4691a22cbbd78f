package proxy

import (
	"slices"
	"strconv"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// An answer with an error may be replaced by that of another upstream, which is asked
// for / with the client's method and fields that tell what has happened (ingress-nginx:
// custom-http-errors, rootfs/etc/nginx/template/nginx.tmpl, CUSTOM_ERRORS). It happens
// once in an exchange: what that upstream answers is what the client gets. When it does
// not answer, the client gets the status that was to be replaced, with our page.

// pageTries bounds the endpoints that are asked for a page.
const pageTries = 2

// replaces tells whether an answer with this status, of an endpoint or else our own, is
// replaced. 508 is not: it is what ends a request that goes round.
func (x *exchange) replaces(status int, own bool) bool {
	e := x.route.Errors
	return e != nil && !x.paged && status != 508 && (own || !e.OwnOnly) && e.Replaces(status)
}

// discard drops the response whose head was read, and keeps its connection where nothing
// more is to come on it. What the client needs to know of it is in what it returns.
func (x *exchange) discard() failure {
	resp := &x.Response
	f := failure{status: resp.Status, next: replaced}
	if i := resp.Fields.IndexName(authenticate, 0); i >= 0 && resp.Status == 401 { // RFC 9110, section 11.6.1
		_, _, value, _ := resp.Fields.At(i)
		f.challenge = string(value)
	}
	if x.conn == nil {
		return f
	}
	if resp.Body == message.None || x.isHere() {
		if resp.Body > 0 {
			x.at += int(resp.Body)
		}
		if !x.sender.running || x.sender.endsSoon() {
			x.giveBack()
		}
	}
	x.setAside(upstream.ClosedUnfinished)
	return f
}

const authenticate = "WWW-Authenticate"

// setAside closes the connection of an attempt that is over, so that another one can be
// made. A sender that waits for the client leaves only when the exchange has been
// answered: until then its connection is cut, and kept.
func (x *exchange) setAside(why upstream.Reason) {
	if x.conn == nil {
		return
	}
	if !x.sender.running || x.sender.endsSoon() {
		x.release(why)
		return
	}
	x.left.drop()
	x.conn.Cut()
	x.stale, x.staleAt, x.staleFor = x.conn, x.endpoint, why
	x.conn = nil
}

// dropStale ends what setAside has left. The exchange was answered or cut before, or its
// sender would wait for the client.
func (x *exchange) dropStale() {
	if c := x.stale; c != nil {
		x.sender.wait()
		x.stale = nil
		x.staleAt.Discard(c, x.staleFor)
	}
}

// page answers with what the route's upstream for errors says. It returns false when
// that does not answer: then nothing was sent.
func (x *exchange) page(reply *filter.Reply) bool {
	e := x.route.Errors
	x.paged = true
	if !e.Ready() || http11.StripRequest(&x.Request.Fields) != nil {
		return false
	}
	x.setAside(x.blame())
	x.leave()
	if !x.enter(e.Upstream) {
		return false
	}
	x.to, x.choice, x.challenge = &e.Target, upstream.Choice{}, reply.Challenge
	clear(x.tried[:min(x.tries, mostTries)])
	x.tries = 0
	x.filters.Own = true
	r := &x.request
	r.head = x.appendPageHead(x.Mem.Alloc(x.pageHeadSize())[:0], reply.Status)
	r.first, r.whole, r.replayable, r.upgrade = nil, true, true, false
	x.Watch(x.left.notice)
	return x.fetch()
}

// fetch asks endpoints for the page.
func (x *exchange) fetch() bool {
	after, fresh := never, false
	for x.tries < pageTries {
		endpoint := x.pick(after)
		if endpoint == nil {
			return false
		}
		x.tried[x.tries] = endpoint
		x.tries++
		f := x.try(endpoint, fresh)
		if f.next == nothing {
			return true
		}
		x.release(x.blame())
		if x.left.isGone() || f.sent && !x.Request.MethodID.Idempotent() {
			return false
		}
		after, fresh = f.next, f.next == afresh
	}
	return false
}

// challenges readies the response of a page: a status 401 needs the challenge that was to
// come with it.
func (x *exchange) challenges() {
	f := &x.Response.Fields
	if x.challenge != "" && x.Response.Status == 401 && f.IndexName(authenticate, 0) < 0 {
		f.AddName(authenticate, alloc.Bytes(x.challenge))
	}
}

// standIn has the route's upstream for errors serve the exchange, which its own cannot
// as it has no endpoints. It tells whether that is to be.
func (x *exchange) standIn() bool {
	e := x.route.Errors
	if e == nil || !e.StandIn || !e.Ready() || http11.StripRequest(&x.Request.Fields) != nil {
		return false
	}
	x.to, x.paged = &e.Target, true
	f := &x.Request.Fields
	for _, name := range pageFields {
		f.DelName(name)
	}
	for i, value := range x.pageValues() {
		if i != atOriginalURI { // the target is as it was
			f.AddName(pageFields[i], value)
		}
	}
	f.AddName(pageFields[atCode], code503)
	return true
}

// pageFields tell an upstream for errors what has happened.
var pageFields = [...]string{
	"X-Format", originalURI, "X-Namespace", "X-Ingress-Name", "X-Service-Name", "X-Service-Port", "X-Code",
}

// Positions in pageFields.
const (
	atOriginalURI = 1
	atCode        = 6
)

var code503 = []byte("503")

// pageValues are the values of pageFields but for the last.
func (x *exchange) pageValues() [6][]byte {
	format, _ := x.Request.Fields.Get(message.Accept)
	r := x.route
	return [6][]byte{
		format, x.Request.Target, alloc.Bytes(r.Namespace), alloc.Bytes(r.Ingress), alloc.Bytes(r.Service), alloc.Bytes(r.Port),
	}
}

// notForPage are the fields of a request that the request for a page does not have: those
// about its body, which is not sent again, those about what was asked for, and the
// credentials for that, which are nobody else's to see. A client cannot send what is ours
// to tell: see also filter.Chain.Told.
var notForPage = append([]string{
	"Authorization",
	"Content-Type", "Content-Encoding", "Content-Language", "Content-MD5", "Digest", "Content-Digest",
	"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
}, pageFields[:]...)

// pageHeadSize is at least the length of what appendPageHead appends.
func (x *exchange) pageHeadSize() int {
	const names = 256
	size := x.headSize() + names
	for _, value := range x.pageValues() {
		size += len(value)
	}
	return size
}

// appendPageHead appends the head of the request for a page in place of a status.
func (x *exchange) appendPageHead(b []byte, status int) []byte {
	req := &x.Request
	b = http11.AppendRequestLine(b, req.Method, root, req.Query, req.HasQuery)
	b = append(b, "Host: "...)
	b = x.appendForwarded(x.appendAuthority(b))
	f, told := &req.Fields, x.route.Filters.Told
	for i := range f.Len() {
		n, name, value, ok := f.At(i)
		if ok && !message.ProxyWrites.Has(n) && !told.Has(n, name) && isForPage(name) {
			b = http11.AppendFieldBytes(b, name, value)
		}
	}
	for i, value := range x.pageValues() {
		if i != atOriginalURI || !x.originalURI() { // or it is there already
			b = http11.AppendFieldBytes(b, alloc.Bytes(pageFields[i]), value)
		}
	}
	b = append(b, "X-Code: "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, '\r', '\n')
	if bodyExpected(req.MethodID) {
		b = append(b, "Content-Length: 0\r\n"...)
	}
	return append(b, '\r', '\n')
}

func isForPage(name []byte) bool {
	return !slices.ContainsFunc(notForPage, func(other string) bool { return message.EqualFold(name, other) })
}
