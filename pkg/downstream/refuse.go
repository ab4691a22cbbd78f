package downstream

import (
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// refuse answers a request that could not be read, and ends its exchange.
// Whatever else the client has sent is not looked at (RFC 9112, section 11.2).
func (x *exchange) refuse(reason *http11.Error) outcome {
	x.c.readWithin(0)
	x.ex.Trace.Refusal = reason.Text
	x.answer(reason.Status, reason.Text)
	x.account()
	if x.write.failed {
		return reset
	}
	return linger
}

// answer sends a small response of the connection's own, its last one.
func (x *exchange) answer(status int, text string) {
	w := &x.write
	w.buf = w.buf[:w.carried] // without what a handler began and nobody has seen
	w.started, w.finished, w.close = true, true, true
	w.status, w.body = status, 0
	x.ex.Response.Status = status
	phrase := http11.StatusText(status)
	length := len(phrase) + 1
	if text != "" {
		length += len(": ") + len(text)
	}

	x.room(256 + len(x.set.serverField) + length)
	b := http11.AppendStatusLine(w.buf, status, nil)
	b = append(b, x.c.srv.date.field(x.now())...)
	b = append(b, x.set.serverField...)
	b = append(b, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: "...)
	b = http11.AppendInt(b, int64(length))
	b = append(b, "\r\nConnection: close\r\n\r\n"...)
	if x.ex.Request.MethodID != message.HEAD {
		b = append(b, phrase...)
		if text != "" {
			b = append(b, ": "...)
			b = append(b, text...)
		}
		b = append(b, '\n')
		w.body = int64(length)
	}
	w.buf = b
	_ = x.flush() // a failure is kept in w.failed
}
