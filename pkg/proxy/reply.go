package proxy

import (
	"errors"
	"fmt"
	"html"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/filter"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// replies are the bodies of the answers that are ours, by status.
var replies = func() map[int][]byte {
	m := make(map[int][]byte)
	for status, text := range map[int]string{
		300: "What you asked for is elsewhere.",
		301: "What you asked for has moved.",
		302: "What you asked for is elsewhere.",
		303: "What you asked for is elsewhere.",
		307: "What you asked for is elsewhere for now.",
		308: "What you asked for has moved.",
		400: "The request is malformed.",
		401: "A name and a password are needed here.",
		403: "The request is not allowed.",
		404: "Nothing is served under this address.",
		405: "This method is not available here.",
		408: "The request took too long to arrive.",
		413: "The request is larger than is accepted here.",
		417: "What the request expects cannot be met.",
		421: "This host is not served on a connection that was made for another one.",
		429: "There were too many requests.",
		500: "The request could not be processed.",
		502: "The application could not be reached, or its answer could not be understood.",
		503: "The application is not available at the moment.",
		504: "The application took too long to answer.",
		508: "The request was led back to where it came from.",
	} {
		m[status] = page(status, text)
	}
	return m
}()

// page is the body of an answer of ours.
func page(status int, text string) []byte {
	const form = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>%[1]d %[2]s</title></head>\n<body>\n<h1>%[1]d %[2]s</h1>\n<p>%[3]s</p>\n</body>\n</html>\n"
	return fmt.Appendf(nil, form, status, http11.StatusText(status), html.EscapeString(text))
}

var (
	textHTML       = []byte("text/html; charset=utf-8")
	allowedMethods = []byte("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS")
)

// Why an exchange that could have been forwarded was not.
const (
	tooManyActive = "The application has as many requests as it may have at a time."
	queueFull     = "Too many requests wait for a connection to the application."
	queueTimeout  = "No connection to the application became free in time."
)

// pages are the bodies of the answers that say more than their status.
var pages = func() map[string][]byte {
	m := make(map[string][]byte)
	for _, text := range []string{tooManyActive, queueFull, queueTimeout} {
		m[text] = page(503, text)
	}
	return m
}()

// reply answers the exchange itself. A response that was begun is cut short; with
// status 0 nothing is answered.
func (x *exchange) reply(status int) { x.answer(&filter.Reply{Status: status}, replies[status]) }

// fail is reply with a reason, one of those above, or "" for that of the status. The
// log and metrics show it.
func (x *exchange) fail(status int, text string) {
	body := pages[text]
	if body == nil {
		x.reply(status)
		return
	}
	x.Trace.Refusal = text
	x.answer(&filter.Reply{Status: status}, body)
}

// replyWith answers as a filter says.
func (x *exchange) replyWith(r *filter.Reply) {
	body := replies[r.Status]
	switch {
	case r.Reason != "":
		x.Trace.Refusal = r.Reason
		body = page(r.Status, r.Reason)
	case r.Empty:
		body = nil
	case body == nil:
		body = page(r.Status, http11.StatusText(r.Status))
	}
	x.answer(r, body)
}

// answer sends an answer of our own. The filters of responses see it, too.
func (x *exchange) answer(reply *filter.Reply, body []byte) {
	if reply.Status == 0 || x.HeadWritten() {
		x.Abort()
		return
	}
	if !x.sender.running && x.streaming == nil {
		x.DropBody()
	}
	if x.route != nil && x.replaces(reply.Status, true) && x.page(reply) || x.HeadWritten() {
		return
	}
	r := &x.Response
	r.Status, r.Reason, r.Minor, r.Close = reply.Status, nil, 1, false
	r.Body, r.Length = message.Framing(len(body)), -1
	r.Fields.Reset(nil)
	if body != nil {
		r.Fields.Add(message.ContentType, textHTML)
	}
	if reply.Status == 405 {
		r.Fields.AddName("Allow", allowedMethods)
	}
	if len(reply.Location) > 0 {
		r.Fields.Add(message.Location, reply.Location)
	}
	if reply.Challenge != "" {
		r.Fields.AddName("WWW-Authenticate", alloc.Bytes(reply.Challenge))
	}
	x.filters.Own = true
	if x.route != nil {
		x.route.Filters.Response(x.Exchange, &x.filters)
	} else if x.snap != nil {
		x.snap.Unrouted.Response(x.Exchange, &x.filters)
	}
	// An error means that the client is gone: there is nobody to tell.
	if x.WriteHead() == nil && x.WriteBody(body) == nil {
		_ = x.Finish(nil)
	}
}

// replyError answers a request that cannot be forwarded.
func (x *exchange) replyError(err error) {
	var refused *http11.Error
	if errors.As(err, &refused) {
		x.Trace.Refusal = refused.Text
		x.reply(400)
		return
	}
	x.reply(statusOf(err))
}
