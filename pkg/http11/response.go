package http11

import "github.com/shockwave-ingress/shockwave/pkg/message"

// ParseResponse reads a response head, complete with the empty line at its end
// and nothing after it, as HeadScanner found it. method is the method of its
// request, on which the framing depends. It resets resp, whose fields keep their
// memory; the views in resp are of head, which is not changed. An error is an
// *Error and means that the upstream cannot be understood: a proxy answers 502
// and closes that connection.
//
// It is as strict as ParseRequest. A 101 comes out like any other 1xx: whether it
// was asked for is known to the caller.
func ParseResponse(resp *message.Response, head []byte, method message.Method, lim *Limits) error {
	resp.Status, resp.Reason, resp.Minor = 0, nil, 0
	resp.Body, resp.Length, resp.Close = message.None, -1, true
	resp.Fields.Reset(head)
	resp.Trailers.Reset(nil)
	if len(head) > lim.Head {
		return errHeadTooLarge
	}
	at, err := parseStatusLine(resp, head, lim)
	if err != nil {
		return err
	}
	if err := parseFields(&resp.Fields, head, at, lim.Fields, lim.dropped(), errTooManyFields); err != nil {
		return err
	}
	o, err := connectionOptions(&resp.Fields)
	if err != nil {
		return err
	}
	resp.Close = o.closes(resp.Minor)
	return responseFraming(resp, method)
}

// parseStatusLine reads HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC
// 9112, section 4) and returns the position after it. The space before an absent
// reason phrase may be missing too, as from many servers. The code has three
// digits and is at least 100; codes above 599 are passed on as nginx does,
// although no RFC has them, since applications use them and they change no
// framing.
func parseStatusLine(resp *message.Response, head []byte, lim *Limits) (end int, err error) {
	minor, i, err := parseVersion(head, 0)
	switch {
	case err != nil:
		return 0, err
	case i+4 > len(head) || head[i] != ' ':
		return 0, errStatusCode
	}
	code := head[i+1 : i+4]
	if code[0] < '1' || code[0] > '9' || !isDigit(code[1]) || !isDigit(code[2]) {
		return 0, errStatusCode
	}
	resp.Minor = minor
	resp.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	i += 4
	if i < len(head) && head[i] == ' ' {
		at := i + 1
		i = textEnd(head, at)
		resp.Reason = head[at:i]
	} else if i < len(head) && head[i] != '\r' {
		return 0, lineEndError(head, i, errStatusCode)
	}
	switch {
	case i+len(crlf) > len(head) || head[i] != '\r' || head[i+1] != '\n':
		return 0, lineEndError(head, i, errReason)
	case i > lim.StartLine:
		return 0, errStartLineTooLong
	}
	return i + len(crlf), nil
}
