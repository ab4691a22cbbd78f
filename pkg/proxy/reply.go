package proxy

import (
	"errors"
	"fmt"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// replies are the bodies of the answers that are ours, by status.
var replies = func() map[int][]byte {
	const page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>%[1]d %[2]s</title></head>\n<body>\n<h1>%[1]d %[2]s</h1>\n<p>%[3]s</p>\n</body>\n</html>\n"
	m := make(map[int][]byte)
	for status, text := range map[int]string{
		400: "The request is malformed.",
		404: "Nothing is served under this address.",
		405: "This method is not available here.",
		408: "The request took too long to arrive.",
		413: "The request is larger than is accepted here.",
		500: "The request could not be processed.",
		502: "The application could not be reached, or its answer could not be understood.",
		503: "The application is not available at the moment.",
		504: "The application took too long to answer.",
		508: "The request was led back to where it came from.",
	} {
		m[status] = fmt.Appendf(nil, page, status, http11.StatusText(status), text)
	}
	return m
}()

var (
	textHTML       = []byte("text/html; charset=utf-8")
	allowedMethods = []byte("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS")
)

// reply answers the exchange itself. A response that was begun is cut short; with
// status 0 nothing is answered.
func (x *exchange) reply(status int) {
	if status == 0 || x.HeadWritten() {
		x.Abort()
		return
	}
	if !x.sender.running {
		x.DropBody()
	}
	body := replies[status]
	r := &x.Response
	r.Status, r.Reason, r.Minor, r.Close = status, nil, 1, false
	r.Body, r.Length = message.Framing(len(body)), -1
	r.Fields.Reset(nil)
	r.Fields.Add(message.ContentType, textHTML)
	if status == 405 {
		r.Fields.AddName("Allow", allowedMethods)
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
