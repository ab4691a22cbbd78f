package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// ParseRequest reads a request head, complete with the empty line at its end and
// nothing after it, as HeadScanner found it. It resets req, whose fields keep
// their memory, and fills all of it but MaxBody, which it leaves alone. The views
// in req are of head, which is not changed. An error is an *Error with the status
// to answer; req then holds what was read before the mistake.
//
// What belongs together is decided in this order: the request line, the field
// lines, Host, the framing of the body, Expect, Connection.
func ParseRequest(req *message.Request, head []byte, lim *Limits) error {
	resetRequest(req, head)
	if len(head) > lim.Head {
		return errHeadTooLarge
	}
	at, err := parseRequestLine(req, head, lim)
	if err != nil {
		return err
	}
	if err := parseFields(&req.Fields, head, at, lim.Fields, lim.dropped(), errTooManyFields); err != nil {
		return err
	}
	if err := parseHost(req); err != nil {
		return err
	}
	if req.Body, err = requestFraming(&req.Fields, req.Minor); err != nil {
		return err
	}
	if err := parseExpect(req); err != nil {
		return err
	}
	return parseRequestConnection(req)
}

// resetRequest empties req, except for MaxBody and the memory of its fields.
func resetRequest(req *message.Request, head []byte) {
	req.MethodID, req.Method = message.OtherMethod, nil
	req.Target, req.Path, req.Query, req.HasQuery = nil, nil, nil, false
	req.Authority, req.Hostname = nil, nil
	req.Minor, req.Body = 0, message.None
	req.Close, req.ExpectContinue, req.UpgradeTo = false, false, nil
	req.Fields.Reset(head)
	req.Trailers.Reset(nil)
}

// parseRequestLine reads method SP request-target SP HTTP-version CRLF (RFC 9112,
// section 3) and returns the position after it. The separators are exactly one
// space.
func parseRequestLine(req *message.Request, head []byte, lim *Limits) (end int, err error) {
	i := tokenEnd(head, 0)
	if i == 0 || i == len(head) || head[i] != ' ' {
		return 0, lineEndError(head, i, errMethod)
	}
	req.Method = head[:i]
	req.MethodID = message.LookupMethod(req.Method)
	i++
	at := i
	i = targetEnd(head, i)
	if i == len(head) || head[i] != ' ' {
		return 0, lineEndError(head, i, errTarget)
	}
	target := head[at:i]
	if req.Minor, end, err = parseVersion(head, i+1); err != nil {
		return 0, err
	}
	if end+len(crlf) > len(head) || head[end] != '\r' || head[end+1] != '\n' {
		return 0, lineEndError(head, end, errVersion)
	}
	switch {
	case end > lim.StartLine:
		return 0, errStartLineTooLong
	case req.MethodID == message.CONNECT:
		return 0, errConnect
	}
	return end + len(crlf), parseTarget(req, target)
}

// parseVersion reads HTTP-version at b[i:] (RFC 9112, section 2.3) and returns
// its minor number and the position after it. Versions other than 1.0 and 1.1
// are refused, a higher minor version of HTTP/1 too: there is none, and nothing
// says how it would frame a message.
func parseVersion(b []byte, i int) (minor uint8, end int, err error) {
	const form = "HTTP/1.1"
	end = i + len(form)
	if end > len(b) {
		return 0, 0, errVersion
	}
	switch v := b[i:end]; {
	case string(v) == form:
		return 1, end, nil
	case string(v) == "HTTP/1.0":
		return 0, end, nil
	case string(v[:5]) == form[:5] && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]):
		return 0, 0, errVersionUnknown
	}
	return 0, 0, errVersion
}

// parseExpect reads Expect: 100-continue is the only expectation there is (RFC
// 9110, section 10.1.1), and any other is refused. In HTTP/1.0 it is ignored, and
// without a body nobody waits.
func parseExpect(req *message.Request) error {
	if !req.Fields.Has(message.Expect) {
		return nil
	}
	value, _ := req.Fields.Get(message.Expect)
	if req.Fields.Count(message.Expect) > 1 || !message.EqualFold(value, "100-continue") {
		return errExpect
	}
	req.ExpectContinue = req.Minor > 0 && req.Body != message.None
	return nil
}
