package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// ParseRequest reads a request head, complete with the empty line at its end, as
// HeadScanner found it. It resets req and fills all of it but MaxBody. Its views
// are of head. An error is an *Error with the status to answer; req then holds
// what was read before the mistake.
func ParseRequest(req *message.Request, head []byte, lim *Limits) error {
	resetRequest(req, head)
	end := bytes.IndexByte(head, '\r')
	if end < 0 || end+1 >= len(head) || head[end+1] != '\n' {
		return errBareCR
	}
	if end+2 > lim.StartLine {
		return errStartLineTooLong
	}
	if err := parseRequestLine(req, head[:end]); err != nil {
		return err
	}
	if err := parseFields(&req.Fields, head, end+2, lim.Underscores, lim.Fields); err != nil {
		return err
	}
	if err := parseHost(req); err != nil {
		return err
	}
	var err error
	if req.Body, err = requestFraming(&req.Fields, req.Minor); err != nil {
		return err
	}
	if err := parseConnectionOptions(req); err != nil {
		return err
	}
	return parseExpect(req)
}

// resetRequest empties req and keeps the memory of its fields.
func resetRequest(req *message.Request, head []byte) {
	fields, trailers := req.Fields, req.Trailers
	fields.Reset(head)
	trailers.Reset(nil)
	*req = message.Request{Fields: fields, Trailers: trailers}
}

// parseRequestLine reads method SP request-target SP HTTP-version (RFC 9112,
// section 3). The separators are exactly one space.
func parseRequestLine(req *message.Request, line []byte) error {
	space := bytes.IndexByte(line, ' ')
	if space < 0 {
		return errStartLine
	}
	method, rest := line[:space], line[space+1:]
	if !isToken(method) {
		return errMethod
	}
	req.Method, req.MethodID = method, message.LookupMethod(method)
	space = bytes.IndexByte(rest, ' ')
	if space < 0 {
		return errStartLine
	}
	target, version := rest[:space], rest[space+1:]
	minor, err := parseVersion(version)
	if err != nil {
		return err
	}
	req.Minor = minor
	if req.MethodID == message.CONNECT {
		return errConnect
	}
	return parseTarget(req, target)
}

// parseVersion reads HTTP/1.0 or HTTP/1.1 (RFC 9112, section 2.3). A higher minor
// version is no version that exists, and is refused like another major one.
func parseVersion(v []byte) (minor uint8, err error) {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || v[6] != '.' || !isDigit(v[5]) || !isDigit(v[7]) {
		return 0, errVersion
	}
	if v[5] != '1' || v[7] > '1' {
		return 0, errVersionUnknown
	}
	return v[7] - '0', nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parseExpect reads Expect: 100-continue is the only expectation there is (RFC
// 9110, section 10.1.1). In HTTP/1.0 it is ignored.
func parseExpect(req *message.Request) error {
	value, ok := req.Fields.Get(message.Expect)
	if !ok || req.Minor == 0 {
		return nil
	}
	if req.Fields.Count(message.Expect) > 1 || !message.EqualFold(value, "100-continue") {
		return errExpect
	}
	req.ExpectContinue = req.Body != message.None
	return nil
}
