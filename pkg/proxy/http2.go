package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// Endpoints that speak HTTP/2 (backend-protocol GRPC, GRPCS, H2C, H2) are reached
// through golang.org/x/net/http2, which wants requests and responses in the types of
// net/http. Interim responses of such endpoints are not passed on.

// errIdle ends an exchange over HTTP/2 in which nothing came for the ReadTimeout.
var errIdle = errors.New("endpoint is silent")

// call is one attempt over HTTP/2.
type call struct {
	x      *exchange
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: no ReadTimeout

	// body is the request's. mu is held while it is read, so that whoever holds it
	// knows that nobody is in NextBody.
	mu      sync.Mutex
	at      int64  // in the spool
	rest    []byte // of the view that NextBody gave
	bodyErr error
	closed  atomic.Bool
}

// tryHTTP2 is try with an endpoint that speaks HTTP/2.
func (x *exchange) tryHTTP2(e *upstream.Endpoint, a *message.Attempt, begun time.Time) failure {
	conn, err := e.H2(&x.want)
	if err != nil {
		a.Total = time.Since(begun)
		return x.unreached(err)
	}
	if a.Reused = conn.Reused(); !a.Reused {
		a.Connect = time.Since(begun)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &call{x: x, cancel: cancel}
	x.left.hold(nil, func() { cancel(message.ErrClientGone) })
	why := upstream.ClosedFailed
	defer func() {
		if x.left.isGone() {
			why = upstream.ClosedUnfinished
		}
		x.left.drop()
		cancel(nil)
		c.stop()
		conn.Release(why)
	}()
	if d := x.within(x.route.ReadTimeout); d > 0 {
		c.timer = time.AfterFunc(d, func() { cancel(errIdle) })
		defer c.timer.Stop()
	}
	resp, err := conn.RoundTrip(x.requestHTTP2(ctx, c))
	a.Head = time.Since(begun)
	a.Total = a.Head
	if err != nil {
		x.awaitCancel(err)
		return x.failedHTTP2(ctx, c, err)
	}
	defer resp.Body.Close()
	if err := x.headHTTP2(resp); err != nil {
		return failure{status: 502, next: otherwise, condition: model.RetryInvalidHeader, sent: true}
	}
	a.Status = resp.StatusCode
	x.outcome = outcomeOf(a.Status)
	if f, again := x.unwanted(a.Status); again {
		why = upstream.ClosedUnfinished
		return f
	}
	if x.replaces(a.Status, false) {
		why = upstream.ClosedUnfinished
		cancel(nil) // or closing the response would wait for the client, whose body is being sent
		return x.discard()
	}
	x.prepareResponse()
	err = x.relayHTTP2(a, resp, c)
	a.Total = time.Since(begun)
	if err != nil {
		if errors.Is(err, errCut) {
			x.outcome = upstream.Failed
		} else {
			why = upstream.ClosedUnfinished
		}
		x.Abort()
		return failure{next: nothing}
	}
	why = upstream.Reasons
	return failure{next: nothing}
}

// failedHTTP2 tells what may follow an error in place of a response.
func (x *exchange) failedHTTP2(ctx context.Context, c *call, err error) failure {
	cause := context.Cause(ctx)
	bodyErr := c.failure()
	switch {
	case bodyErr != nil:
		x.outcome = upstream.Neutral
		return failure{status: statusOf(bodyErr), next: never}
	case errors.Is(cause, message.ErrClientGone):
		return failure{next: never}
	case x.late():
		return failure{status: 504, next: never}
	case upstream.Unprocessed(err):
		// Of a body that is not kept somebody may have read a part.
		return failure{status: 502, next: afresh, sent: !x.request.replayable}
	case errors.Is(cause, errIdle):
		return failure{status: 504, next: otherwise, condition: model.RetryTimeout, sent: true}
	}
	return failure{status: 502, next: otherwise, condition: model.RetryError, sent: true}
}

// requestHTTP2 is the request in the types of net/http.
func (x *exchange) requestHTTP2(ctx context.Context, c *call) *http.Request {
	in := &x.Request
	target, query, hasQuery := x.target()
	raw := string(target)
	path, err := url.PathUnescape(raw)
	if err != nil {
		path = raw // NormalizePath has refused what cannot be decoded
	}
	scheme := "http"
	if x.to.Encrypted {
		scheme = "https"
	}
	host := alloc.String(x.appendHost(x.Mem.Alloc(len(in.Authority) + len(x.filters.Host) + len(x.filters.Forwarded.Host) + 64)[:0]))
	req := &http.Request{
		Method: string(in.Method),
		URL:    &url.URL{Scheme: scheme, Host: strings.Clone(host), Path: path, RawPath: raw, RawQuery: string(query), ForceQuery: hasQuery && len(query) == 0},
		Host:   strings.Clone(host), Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: make(http.Header, in.Fields.Len()+8),
	}
	lines := x.appendHead(x.Mem.Alloc(x.headSize())[:0], message.None)
	addLines(req.Header, lines)
	req.Header.Set("Te", "trailers") // gRPC wants it (RFC 9110, section 10.1.4)
	switch {
	case in.Body == message.None:
		req.Body = http.NoBody
	case x.request.collected:
		req.Body, req.ContentLength = c, x.request.spool.length()
	default:
		req.Body, req.ContentLength = c, int64(in.Body)
		if in.Body == message.Chunked {
			req.ContentLength = -1
		}
	}
	return req.WithContext(ctx)
}

// addLines adds the field lines of a head of ours, of HTTP/1.1, but for those that
// HTTP/2 has elsewhere or not at all (RFC 9113, section 8.2.2).
func addLines(h http.Header, head []byte) {
	text := string(head)
	_, text, _ = strings.Cut(text, "\r\n")
	for {
		var line string
		line, text, _ = strings.Cut(text, "\r\n")
		if line == "" {
			return
		}
		name, value, _ := strings.Cut(line, ": ")
		switch message.LookupName(alloc.Bytes(name)) {
		case message.Host, message.ContentLength, message.TransferEncoding, message.Connection, message.Upgrade:
			continue
		}
		key := http.CanonicalHeaderKey(name)
		h[key] = append(h[key], value)
	}
}

// headHTTP2 fills Response from what the endpoint answered.
func (x *exchange) headHTTP2(in *http.Response) error {
	resp := &x.Response
	resp.Status, resp.Reason, resp.Minor, resp.Close = in.StatusCode, nil, 1, false
	resp.Fields.Reset(nil)
	resp.Trailers.Reset(nil)
	for name, values := range in.Header {
		for _, value := range values {
			if message.LookupName(alloc.Bytes(name)) == message.ContentLength {
				continue
			}
			resp.Fields.AddName(name, alloc.Bytes(value))
		}
	}
	resp.Body, resp.Length = message.Chunked, -1
	switch {
	case x.Request.MethodID == message.HEAD, in.StatusCode == http.StatusNoContent, in.StatusCode == http.StatusNotModified:
		resp.Body, resp.Length = message.None, in.ContentLength
	case in.ContentLength >= 0:
		resp.Body = message.Framing(in.ContentLength)
	}
	return http11.StripResponse(&resp.Fields)
}

// relayHTTP2 passes the response on. What arrived is passed on at once: both sides
// may wait for one another.
func (x *exchange) relayHTTP2(a *message.Attempt, in *http.Response, c *call) error {
	if err := x.WriteHead(); err != nil {
		return err
	}
	if x.buf == nil {
		x.buf = x.Mem.Alloc(mediumBuffer)
	}
	buf := x.buf[:cap(x.buf)]
	if err := x.Flush(); err != nil { // a stream may have nothing to say for long
		return err
	}
	for {
		n, err := in.Body.Read(buf)
		c.touch()
		a.Length += int64(n)
		if werr := x.WriteBody(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			x.awaitCancel(err)
			return errCut
		}
		if err := x.Flush(); err != nil {
			return err
		}
	}
	for name, values := range in.Trailer {
		for _, value := range values {
			x.Response.Trailers.AddName(name, alloc.Bytes(value))
		}
	}
	return x.Finish(&x.Response.Trailers)
}

// cancelGrace is how much later than its endpoint a client may give up.
const cancelGrace = 100 * time.Millisecond

// awaitCancel waits a moment for a client to give up what its endpoint has given up. Both
// know the deadline of a call of gRPC, and a client that is told of an error before it
// sees for itself that time is up takes that for a fault.
func (x *exchange) awaitCancel(err error) {
	if !upstream.Canceled(err) {
		return
	}
	select {
	case <-x.left.done:
	case <-time.After(cancelGrace):
	}
}

// touch tells that the exchange goes on.
func (c *call) touch() {
	if c.timer != nil && !c.x.late() {
		c.timer.Reset(c.x.within(c.x.route.ReadTimeout))
	}
}

// Read gives the request's body to the connection.
func (c *call) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return 0, io.ErrClosedPipe
	}
	c.touch()
	if r := &c.x.request; r.collected {
		n, err := r.spool.readAt(p, c.at)
		c.at += int64(n)
		return n, err
	}
	if len(c.rest) == 0 {
		data, err := c.x.NextBody()
		if err != nil {
			if err != io.EOF && !c.closed.Load() {
				c.bodyErr = err
			}
			return 0, err
		}
		c.rest = data
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Close implements io.Closer. A Read that waits ends with the exchange.
func (c *call) Close() error {
	c.closed.Store(true)
	return nil
}

// failure is why the body could not be read, nil for none, as far as that is known
// without waiting.
func (c *call) failure() error {
	if !c.mu.TryLock() {
		return nil
	}
	defer c.mu.Unlock()
	return c.bodyErr
}

// stop ends the reading of the body. One that waits for the client does so until
// the exchange was answered or cut: see wait.
func (c *call) stop() {
	c.closed.Store(true)
	switch {
	case c.x.Request.Body == message.None:
	case c.x.request.collected:
		c.wait() // it does not wait for anybody, and what it reads may be sent again
	default:
		c.x.streaming = c
	}
}

// wait returns when nobody reads the client's body any more.
func (c *call) wait() {
	c.mu.Lock()
	c.mu.Unlock() //nolint:staticcheck // whoever held it has left
}
