package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ParseResponse reads a response head, complete with the empty line at its end,
// as HeadScanner found it, to a request with this method. It resets resp; its
// views are of head. An error means that the upstream cannot be understood.
func ParseResponse(resp *message.Response, head []byte, method message.Method, lim *Limits) error {
	fields, trailers := resp.Fields, resp.Trailers
	fields.Reset(head)
	trailers.Reset(nil)
	*resp = message.Response{Length: -1, Fields: fields, Trailers: trailers}

	end := bytes.IndexByte(head, '\r')
	if end < 0 || end+1 >= len(head) || head[end+1] != '\n' {
		return errBareCR
	}
	if end+2 > lim.StartLine {
		return errStartLineTooLong
	}
	if err := parseStatusLine(resp, head[:end]); err != nil {
		return err
	}
	if err := parseFields(&resp.Fields, head, end+2, lim.Underscores, lim.Fields); err != nil {
		return err
	}
	o, err := connectionOptions(&resp.Fields)
	if err != nil {
		return err
	}
	resp.Close = o.close || resp.Minor == 0 && !o.keepAlive
	resp.Body, resp.Length, err = responseFraming(&resp.Fields, resp.Minor, resp.Status, method)
	if resp.Body == message.UntilClose {
		resp.Close = true
	}
	return err
}

// parseStatusLine reads HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112,
// section 4). The space before an absent reason phrase may be missing too, as
// many servers send it.
func parseStatusLine(resp *message.Response, line []byte) error {
	if len(line) < 12 || line[8] != ' ' {
		return errStatusLine
	}
	minor, err := parseVersion(line[:8])
	if err != nil {
		return err
	}
	code := line[9:12]
	if !isDigit(code[0]) || !isDigit(code[1]) || !isDigit(code[2]) {
		return errStatusLine
	}
	status := int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	if status < 100 || status > 599 {
		return errStatusLine
	}
	reason := line[12:]
	if len(reason) > 0 {
		if reason[0] != ' ' || !all(reason, valueClass) {
			return errStatusLine
		}
		reason = reason[1:]
	}
	resp.Minor, resp.Status, resp.Reason = minor, status, reason
	return nil
}
