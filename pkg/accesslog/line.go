package accesslog

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// maxVariable bounds each value that a client chooses, in bytes before escaping.
// Longer ones are cut. Where a line would not fit they are cut to shortVariable:
// nobody can keep a request out of the log by making it large.
const (
	maxVariable   = 8 << 10
	shortVariable = 256
)

// statusNone is written when an exchange ended without a response, as nginx does
// when the client closed the connection.
const statusNone = 499

// DefaultFormat is the format of ingress-nginx
// (internal/ingress/controller/config/config.go, logFormatUpstream).
const DefaultFormat = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ` +
	`"$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] ` +
	`$upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id`

// Append appends the line of an exchange that has ended, in the DefaultFormat, with
// its newline.
//
// A value that there is none of is "-", and untrusted bytes are escaped as nginx
// does by default: ", \, controls and all beyond ASCII as \xHH.
//
// These are the bytes that package variable makes of the format. They are made by
// hand because nearly all lines are in it, and this takes less than half the time.
func Append(dst []byte, c *variable.Context) []byte { return appendLine(dst, c, maxVariable) }

// appendLine is Append with at most so many bytes of each value that a client
// chooses.
func appendLine(dst []byte, c *variable.Context, most int) []byte {
	ex, elapsed := c.Exchange, c.Elapsed
	req, trace := &ex.Request, &ex.Trace
	dst = appendAddr(dst, ex.Remote)
	dst = append(dst, " - "...)
	if len(c.User) > 0 {
		dst = appendEscaped(dst, c.User, min(most, maxUser))
	} else {
		dst = appendUser(dst, &req.Fields)
	}
	dst = append(dst, " ["...)
	dst = appendTime(dst, ex.Start.Add(elapsed))
	dst = append(dst, `] "`...)
	dst = appendRequest(dst, req, most)
	dst = append(dst, `" `...)
	dst = appendStatus(dst, trace.Status)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, trace.BodySent, 10)
	dst = append(dst, ` "`...)
	dst = appendField(dst, &req.Fields, message.Referer, most)
	dst = append(dst, `" "`...)
	dst = appendField(dst, &req.Fields, message.UserAgent, most)
	dst = append(dst, `" `...)
	dst = strconv.AppendInt(dst, trace.Received, 10)
	dst = append(dst, ' ')
	dst = appendSeconds(dst, elapsed)
	dst = append(dst, " ["...)
	if upstream := upstreamOf(c); upstream != "" {
		dst = append(dst, upstream...)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, "] ["...)
	dst = append(dst, c.Alternative...)
	dst = append(dst, "] "...)
	dst = appendAttempts(dst, trace)
	dst = append(dst, ' ')
	if len(trace.RequestID) == 0 {
		dst = append(dst, '-')
	} else {
		dst = appendEscaped(dst, trace.RequestID, most)
	}
	return append(dst, '\n')
}

// upstreamOf is the name of the route's upstream, empty when no route was found.
func upstreamOf(c *variable.Context) string {
	if c.Route == nil {
		return ""
	}
	return c.Route.Upstream
}

// bound is the most bytes that appendLine appends for an exchange.
func bound(c *variable.Context, most int) int {
	const rest = 2 << 10 // addresses, numbers, times, punctuation and the user's name
	req := &c.Exchange.Request
	n := min(len(req.Method), most) + min(len(req.Target), most) + min(len(c.Exchange.Trace.RequestID), most)
	for _, name := range [...]message.Name{message.Referer, message.UserAgent} {
		v, _ := req.Fields.Get(name)
		n += min(len(v), most)
	}
	return rest + len(upstreamOf(c)) + len(c.Alternative) + 4*n
}

func appendAddr(dst []byte, addr netip.AddrPort) []byte {
	if !addr.IsValid() {
		return append(dst, '-')
	}
	return addr.Addr().Unmap().WithZone("").AppendTo(dst)
}

// maxUser bounds the decoded credentials whose user is logged.
const maxUser = 255

// appendUser appends the user of Basic credentials (RFC 7617, section 2), which
// nobody has verified: nginx's $remote_user.
func appendUser(dst []byte, f *message.Fields) []byte {
	const scheme = "Basic "
	v, ok := f.Get(message.Authorization)
	if !ok || len(v) <= len(scheme) || !message.EqualFold(v[:len(scheme)], scheme) {
		return append(dst, '-')
	}
	v = v[len(scheme):]
	for len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	// Only the beginning is decoded: a whole number of groups of four.
	v = v[:min(len(v), maxUser/3*4)]
	var plain [maxUser]byte
	n, _ := base64.StdEncoding.Decode(plain[:], v)
	for i, c := range plain[:n] {
		if c == ':' && i > 0 {
			return appendEscaped(dst, plain[:i], maxUser)
		}
	}
	return append(dst, '-')
}

// appendRequest appends the request line; nothing when none was understood.
func appendRequest(dst []byte, req *message.Request, most int) []byte {
	if len(req.Method) == 0 {
		return dst
	}
	dst = appendEscaped(dst, req.Method, most)
	dst = append(dst, ' ')
	dst = appendEscaped(dst, req.Target, most)
	switch {
	case req.HTTP2:
		return append(dst, " HTTP/2.0"...)
	case req.Minor == 0:
		return append(dst, " HTTP/1.0"...)
	}
	return append(dst, " HTTP/1.1"...)
}

func appendField(dst []byte, f *message.Fields, n message.Name, most int) []byte {
	v, ok := f.Get(n)
	if !ok {
		return append(dst, '-')
	}
	return appendEscaped(dst, v, most)
}

func appendStatus(dst []byte, status int) []byte {
	if status == 0 {
		status = statusNone
	}
	return strconv.AppendInt(dst, int64(status), 10)
}

// appendSeconds appends a time in seconds with three decimals.
func appendSeconds(dst []byte, d time.Duration) []byte {
	ms := max(int64(d/time.Millisecond), 0)
	dst = strconv.AppendInt(dst, ms/1000, 10)
	ms %= 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// appendAttempts appends address, length, time and status of the attempts, each
// as a list in the order of the attempts.
func appendAttempts(dst []byte, t *message.Trace) []byte {
	list := t.Attempts[:min(t.Tried, len(t.Attempts))]
	if len(list) == 0 {
		return append(dst, "- - - -"...)
	}
	for i := range list {
		dst = appendComma(dst, i)
		dst = list[i].Addr.AppendTo(dst)
	}
	dst = append(dst, ' ')
	for i := range list {
		dst = appendComma(dst, i)
		dst = strconv.AppendInt(dst, list[i].Length, 10)
	}
	dst = append(dst, ' ')
	for i := range list {
		dst = appendComma(dst, i)
		dst = appendSeconds(dst, list[i].Total)
	}
	dst = append(dst, ' ')
	for i := range list {
		dst = appendComma(dst, i)
		if list[i].Status == 0 {
			dst = append(dst, '-')
		} else {
			dst = strconv.AppendInt(dst, int64(list[i].Status), 10)
		}
	}
	return dst
}

func appendComma(dst []byte, i int) []byte {
	if i == 0 {
		return dst
	}
	return append(dst, ", "...)
}

// appendEscaped appends v, up to so many bytes of it.
func appendEscaped(dst, v []byte, most int) []byte {
	return variable.AppendDefault(dst, v[:min(len(v), most)])
}
