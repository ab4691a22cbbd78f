package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// parseTarget reads a request target (RFC 9112, section 3.2): origin-form,
// absolute-form of http and https, or "*" for OPTIONS. For absolute-form
// req.Authority is set, for parseHost to compare, and Target is the rest.
func parseTarget(req *message.Request, target []byte) error {
	if len(target) == 0 || !all(target, targetClass) {
		return errTarget
	}
	if target[0] != '/' {
		if len(target) == 1 && target[0] == '*' {
			if req.MethodID != message.OPTIONS {
				return errTargetForm
			}
			req.Target, req.Path = target, target
			return nil
		}
		authority, rest, ok := cutAbsolute(target)
		if !ok {
			return errTargetForm
		}
		req.Authority = authority
		if len(rest) == 0 || rest[0] == '?' {
			return parseEmptyPath(req, rest)
		}
		target = rest
	}
	req.Target = target
	req.Path = target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		req.Path, req.Query, req.HasQuery = target[:i], target[i+1:], true
	}
	return nil
}

var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// parseEmptyPath is for an absolute-form without a path: "/" stands in for it, or
// "*" for OPTIONS (RFC 9112, section 3.2.4).
func parseEmptyPath(req *message.Request, rest []byte) error {
	req.Path = slash
	if len(rest) > 0 {
		req.Query, req.HasQuery = rest[1:], true
	} else if req.MethodID == message.OPTIONS {
		req.Path = asterisk
	}
	req.Target = req.Path
	return nil
}

// cutAbsolute splits "http://authority/path" after the authority.
func cutAbsolute(target []byte) (authority, rest []byte, ok bool) {
	var n int
	switch {
	case len(target) > 7 && message.EqualFold(target[:7], "http://"):
		n = 7
	case len(target) > 8 && message.EqualFold(target[:8], "https://"):
		n = 8
	default:
		return nil, nil, false
	}
	rest = target[n:]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return rest[:end], rest[end:], end > 0
}
