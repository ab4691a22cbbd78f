package proxy

import (
	"errors"
	"slices"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// mostTries bounds the attempts of an exchange whose route sets no bound.
const mostTries = 16

// failure is why an attempt gave no response.
type failure struct {
	// status is the answer when no other attempt follows; 0: there is nobody to
	// answer. text says more than the status.
	status int
	text   string
	next   next
	// condition is what another attempt needs of the route's Retry.
	condition model.RetryOn
	// sent tells that the endpoint may have seen a part of the request.
	sent bool
	// granted tells that another attempt was allowed already.
	granted bool
	// challenge is that of a response that is replaced.
	challenge string
}

// next says what may follow an attempt.
type next uint8

const (
	nothing   next = iota // the exchange has been answered, or cut
	never                 // the failure's status is the answer
	otherwise             // one at another endpoint, if the rules allow it
	afresh                // one on a new connection
	elsewhere             // one at another endpoint, whatever the rules say
	replaced              // the response was dropped: another upstream answers
)

// forward sends the request to endpoints until one answers.
//
// A request is repeated only where the route's Retry says so, and where that
// cannot make an endpoint process it twice: when no byte of it was sent; or when
// no byte of a response came, the method is idempotent and all of the request is
// still here (RFC 9110, section 9.2.2). Retry may extend that to methods that are
// not. It never goes to an endpoint that has failed it before.
//
// A connection that the endpoint has closed just when it was used again is no
// attempt: that the rules allow once more, as nginx does.
func (x *exchange) forward() {
	x.choose()
	fresh := false
	x.most = x.mostTries()
	f := failure{status: 503, next: never}
	for x.tries < x.most {
		e := x.pick(f.next)
		if e == nil {
			break
		}
		x.tried[x.tries] = e
		x.tries++
		if f = x.try(e, fresh); f.next == nothing {
			return
		}
		switch f.next {
		case replaced:
			x.replyWith(&filter.Reply{Status: f.status, Challenge: f.challenge})
			return
		case afresh:
			fresh = true
			x.most = min(x.most+1, mostTries)
		case elsewhere:
			x.most = min(x.most+1, mostTries)
		}
		if x.left.isGone() {
			f.status = 0
			break
		}
		if !f.granted && !x.mayTryAgain(&f) {
			break
		}
		x.release(upstream.ClosedFailed)
	}
	x.fail(f.status, f.text) // it also ends a sender that waits for the client
	x.release(x.blame())
}

// blame is why the connection of an attempt is closed that gave no response.
func (x *exchange) blame() upstream.Reason {
	if x.outcome == upstream.Neutral {
		return upstream.ClosedUnfinished // for the client's sake
	}
	return upstream.ClosedFailed
}

// pick chooses the endpoint of the next attempt, nil for none, after one that has
// ended so.
func (x *exchange) pick(after next) *upstream.Endpoint {
	x.choice.Tried = x.tried[:x.tries]
	if after == afresh && (x.choice.Keyed || x.choice.Sticky != nil) {
		return x.tried[x.tries-1] // it has not failed, and may be the one that knows the client
	}
	e := x.to.Upstream.Pick(&x.choice)
	if (after == otherwise || after == elsewhere) && slices.Contains(x.choice.Tried, e) {
		return nil
	}
	return e
}

// allTried tells whether each endpoint has had an attempt.
func (x *exchange) allTried() bool {
	different := 0
	for i, e := range x.tried[:x.tries] {
		if !slices.Contains(x.tried[:i], e) {
			different++
		}
	}
	return x.to.Upstream.Len() <= different
}

func (x *exchange) mostTries() int {
	if n := x.route.Retry.Tries; n > 0 && n < mostTries {
		return n
	}
	return mostTries
}

// mayTryAgain tells whether another attempt may follow one that failed.
func (x *exchange) mayTryAgain(f *failure) bool {
	retry := &x.route.Retry
	switch {
	case f.next == never || x.tries >= x.most:
		return false
	case f.sent && !x.repeatable():
		return false
	case f.next == afresh, f.next == elsewhere:
		return !x.late()
	case retry.On&f.condition == 0:
		return false
	case x.allTried():
		return false
	case retry.Timeout > 0 && time.Since(x.HeadRead) >= retry.Timeout:
		return false
	case x.late():
		return false
	}
	return x.to.Upstream.MayRetry()
}

// repeatable tells whether a request that an endpoint may have seen may be sent to
// another one. A sender that still runs has a body that was collected then: release
// ends it.
func (x *exchange) repeatable() bool {
	if !x.request.replayable {
		return false
	}
	return x.Request.MethodID.Idempotent() || x.route.Retry.On&model.RetryNonIdempotent != 0
}

// late tells whether the time of the whole exchange is over.
func (x *exchange) late() bool {
	most := x.route.RequestTimeout
	return most > 0 && time.Since(x.HeadRead) >= most
}

// within bounds a wait by the time that is left of the whole exchange.
func (x *exchange) within(d time.Duration) time.Duration {
	most := x.route.RequestTimeout
	if most <= 0 {
		return d
	}
	left := max(most-time.Since(x.HeadRead), time.Millisecond)
	if d <= 0 || left < d {
		return left
	}
	return d
}

// try sends the request to e and passes the response on.
func (x *exchange) try(e *upstream.Endpoint, fresh bool) failure {
	begun := x.HeadRead // a clock reading saved: nothing was waited for since
	if x.tries > 1 || x.paged || x.Request.Body != message.None {
		begun = time.Now()
	}
	a := x.Trace.NextAttempt(e.Addr())
	x.want = upstream.Want{
		Connect: x.within(x.route.ConnectTimeout), Fresh: fresh,
		Client: x.peer(), Local: x.Local, Cancel: x.left.done,
	}
	x.counted, x.outcome = e, upstream.Failed
	e.Begin()
	var f failure
	if x.to.HTTP2 {
		f = x.tryHTTP2(e, a, begun)
	} else {
		f = x.tryHTTP1(e, a, begun)
	}
	if x.left.isGone() {
		x.outcome = upstream.Neutral
	}
	x.tell(a.Head)
	return f
}

// unreached is the failure of an attempt that got no connection.
func (x *exchange) unreached(err error) failure {
	switch {
	case errors.Is(err, upstream.ErrQueueFull):
		x.outcome = upstream.Neutral
		return failure{status: 503, text: queueFull, next: never}
	case errors.Is(err, upstream.ErrQueueTimeout):
		x.outcome = upstream.Neutral
		return failure{status: 503, text: queueTimeout, next: never}
	case errors.Is(err, upstream.ErrCanceled):
		x.outcome = upstream.Neutral
		return failure{next: never}
	case errors.Is(err, upstream.ErrRetired):
		x.outcome = upstream.Neutral
		return failure{status: 503, next: elsewhere}
	case errors.Is(err, upstream.ErrConnectTimeout):
		return failure{status: 504, next: otherwise, condition: model.RetryTimeout}
	}
	return failure{status: 502, next: otherwise, condition: model.RetryError}
}

// tryHTTP1 is try with an endpoint that speaks HTTP/1.1.
func (x *exchange) tryHTTP1(e *upstream.Endpoint, a *message.Attempt, begun time.Time) failure {
	c, err := e.Get(&x.want)
	if err != nil {
		a.Total = time.Since(begun)
		return x.unreached(err)
	}
	x.endpoint, x.conn = e, c
	x.left.hold(c, nil)
	if a.Reused = c.Reused(); !a.Reused {
		a.Connect = time.Since(begun)
	}
	sent, err := x.send()
	if err == nil {
		err = x.readHead()
	}
	a.Head = time.Since(begun)
	a.Total = a.Head
	if err != nil {
		return x.failed(err, sent)
	}
	a.Status = x.Response.Status
	x.outcome = outcomeOf(a.Status)
	if f, again := x.unwanted(a.Status); again {
		return f
	}
	if x.replaces(a.Status, false) {
		return x.discard()
	}
	x.pass(a, begun)
	return failure{next: nothing}
}

// outcomeOf is what a status tells of an endpoint's health.
func outcomeOf(status int) upstream.Outcome {
	switch status {
	case 502, 503, 504:
		return upstream.Failed
	}
	return upstream.Succeeded
}

// unwanted tells whether a response with this status is dropped for an attempt at
// another endpoint. That is decided while the response can still be passed on.
func (x *exchange) unwanted(status int) (failure, bool) {
	retry := x.route.Retry.On
	if status < 400 || x.paged || !retry.Status(status) {
		return failure{}, false
	}
	f := failure{status: status, next: otherwise, condition: retry, sent: true}
	if !x.mayTryAgain(&f) {
		return failure{}, false
	}
	x.release(upstream.ClosedUnfinished)
	f.granted = true
	return f, true
}

// failed tells what may follow an error that came, after sent bytes of the
// request, in place of a response.
func (x *exchange) failed(err error, sent int) failure {
	switch {
	case errors.Is(err, message.ErrClientGone):
		x.outcome = upstream.Neutral
		return failure{next: never}
	case x.stale == nil && x.sender.cut.Load():
		x.sender.wait()
		f := failure{status: statusOf(x.sender.cutErr), next: never}
		switch {
		case f.status != 504:
			x.outcome = upstream.Neutral
		case len(x.buf) == 0: // not taken in time
			f.next, f.condition, f.sent = otherwise, model.RetryTimeout, true
		}
		return f
	case x.late():
		return failure{status: 504, next: never}
	}
	f := failure{status: 502, next: otherwise, condition: model.RetryError, sent: sent > 0}
	timeout := errors.Is(err, sock.ErrTimeout)
	switch {
	case errors.Is(err, errGarbage):
		f.condition = model.RetryInvalidHeader
	case len(x.buf) > 0:
		f.next = never // part of a response came
	case timeout:
		f.condition = model.RetryTimeout
	case x.conn.Reused():
		f.next = afresh // closed just when we used it, most likely
	}
	if timeout {
		f.status = 504
	}
	return f
}

// errGarbage is returned for a response that cannot be understood.
var errGarbage = errors.New("malformed response")

// send writes the request and may read the first bytes of the response. When there is
// more to write than is here it starts the sender for that. It returns how many bytes
// may have reached the endpoint.
func (x *exchange) send() (int, error) {
	r, c := &x.request, x.conn
	if x.buf == nil {
		x.buf = x.Mem.Alloc(headBuffer)
	}
	x.buf, x.at = x.buf[:0], 0
	c.WriteWithin(x.route.SendTimeout)
	defer c.WriteWithin(0)
	if r.whole && c.Reused() { // a new one was not looked at, and may have something to say already
		sent, n, err := c.Ask(r.head, r.first, x.buf[:cap(x.buf)], x.within(x.route.ReadTimeout))
		x.buf = x.buf[:n]
		return sent, err
	}
	n, err := c.Write2(r.head, r.first)
	if err == nil && !r.whole {
		x.sender.start(x)
	}
	return n, err
}

// read reads more from the upstream connection, within the route's ReadTimeout
// once the request was sent whole.
func (x *exchange) read(p []byte) (int, error) {
	c := x.conn
	if x.sending() {
		return x.sender.read(c, p)
	}
	c.ReadWithin(x.within(x.route.ReadTimeout))
	n, err := c.Read(p)
	c.ReadWithin(0)
	return n, err
}

// statusOf is the status that answers an error of passing the request body on, or
// 0 when there is nobody to answer.
func statusOf(err error) int {
	switch {
	case errors.Is(err, message.ErrBodyTooLarge):
		return 413
	case errors.Is(err, message.ErrTimeout):
		return 408
	case errors.Is(err, message.ErrClientGone):
		return 0
	case errors.Is(err, errNotTaken):
		return 504
	case errors.Is(err, errNoRoom):
		return 503
	}
	return 400
}
