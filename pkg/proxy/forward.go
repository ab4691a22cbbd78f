package proxy

import (
	"errors"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/sock"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// maxTries is how many endpoints, or connections, an exchange tries at most
// (ingress-nginx: proxy-next-upstream-tries).
const maxTries = 3

// failure is why a try gave no response.
type failure struct {
	status int // to answer when no other try follows; 0: there is nobody to answer
	next   next
}

// next says what may follow a try.
type next uint8

const (
	nothing   next = iota // the exchange has been answered, or cut
	never                 // the failure's status is the answer
	otherwise             // one at another endpoint, if there is one
	afresh                // one on a new connection, at another endpoint if there is one
)

// forward sends the request to endpoints until one answers.
//
// A request is repeated only where that cannot make an endpoint process it
// twice: when no byte of it was sent; or when no byte of a response came, the
// method is idempotent and all of the request is still here (RFC 9110, section
// 9.2.2). It never goes to the endpoint that failed when there is another one.
func (x *exchange) forward() {
	up := x.route.Upstream
	fresh := false
	f := failure{503, never}
	for x.tries < maxTries {
		e := up.Pick(&upstream.Choice{Tried: x.tried[:x.tries]})
		if e == nil {
			break
		}
		x.tried[x.tries] = e
		x.tries++
		if f = x.try(e, fresh); f.next == nothing {
			return
		}
		if f.next == never || f.next == otherwise && up.Len() < 2 {
			break
		}
		x.release(upstream.ClosedFailed)
		fresh = fresh || f.next == afresh
	}
	x.reply(f.status) // it also ends a sender that waits for the client
	x.release(upstream.ClosedFailed)
}

// try sends the request to e and passes the response on.
func (x *exchange) try(e *upstream.Endpoint, fresh bool) failure {
	begun := x.HeadRead // a clock reading saved: nothing was waited for since
	if x.tries > 1 || x.Request.Body != message.None {
		begun = time.Now()
	}
	a := x.Trace.NextAttempt(e.Addr())
	c, err := e.Get(&upstream.Want{Connect: x.route.ConnectTimeout, Fresh: fresh})
	if err != nil {
		a.Total = time.Since(begun)
		if errors.Is(err, upstream.ErrConnectTimeout) {
			return failure{504, otherwise}
		}
		return failure{502, otherwise}
	}
	x.endpoint, x.conn = e, c
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
	x.pass(a, begun)
	return failure{next: nothing}
}

// failed tells what may follow an error that came, after sent bytes of the
// request, in place of a response.
func (x *exchange) failed(err error, sent int) failure {
	r := &x.request
	if x.sender.cut.Load() {
		x.sender.wait()
		return failure{statusOf(x.sender.cutErr), never}
	}
	status := 502
	if errors.Is(err, sock.ErrTimeout) {
		status = 504
	}
	switch {
	case errors.Is(err, errGarbage) || len(x.buf) > 0:
		return failure{status, never} // part of a response came
	case sent > 0 && !(r.whole && x.Request.MethodID.Idempotent()):
		return failure{status, never}
	case x.sender.running:
		return failure{status, never}
	case x.conn.Reused() && status == 502:
		return failure{status, afresh} // closed just when we used it, most likely
	}
	return failure{status, otherwise}
}

// errGarbage is returned for a response that cannot be understood.
var errGarbage = errors.New("malformed response")

// send writes the request and reads the first bytes of the response. When there is
// more to write than is here it starts the sender for that, and reads nothing
// yet. It returns how many bytes may have reached the endpoint.
func (x *exchange) send() (int, error) {
	r, c := &x.request, x.conn
	if x.buf == nil {
		x.buf = x.Mem.Alloc(headBuffer)
	}
	x.buf, x.at = x.buf[:0], 0
	c.WriteWithin(x.route.SendTimeout)
	defer c.WriteWithin(0)
	if r.whole {
		sent, n, err := c.Ask(r.head, r.first, x.buf[:cap(x.buf)], x.route.ReadTimeout)
		x.buf = x.buf[:n]
		return sent, err
	}
	n, err := c.Write2(r.head, r.first)
	if err == nil {
		x.sender.start(x)
	}
	return n, err
}

// read reads more from the upstream connection, within the route's ReadTimeout
// once the request was sent whole.
func (x *exchange) read(p []byte) (int, error) {
	c := x.conn
	if x.sender.running {
		return x.sender.read(c, p)
	}
	c.ReadWithin(x.route.ReadTimeout)
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
	}
	return 400
}
