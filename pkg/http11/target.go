package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// parseTarget reads a request target (RFC 9112, section 3.2) whose bytes are all
// of targetText: origin-form, absolute-form of http and https, or "*" for
// OPTIONS. Of an absolute-form req.Authority keeps the authority, for parseHost
// to compare with Host, and Target the rest.
func parseTarget(req *message.Request, target []byte) error {
	switch {
	case len(target) == 0:
		return errTarget
	case target[0] == '/':
		setTarget(req, target)
		return nil
	case string(target) == "*":
		if req.MethodID != message.OPTIONS {
			return errTargetForm
		}
		req.Target, req.Path = target, target
		return nil
	}
	authority, rest, ok := cutAuthority(target)
	if !ok {
		return errTargetForm
	}
	req.Authority = authority
	switch {
	case len(rest) > 0 && rest[0] == '/':
	case len(rest) > 0:
		// "http://host?query": the origin-form is "/?query", of which the slash
		// is nowhere in head. Nobody sends this, so it may cost memory.
		rest = append([]byte{'/'}, rest...)
	case req.MethodID == message.OPTIONS:
		req.Target, req.Path = asterisk, asterisk // RFC 9112, section 3.2.4
		return nil
	default:
		rest = slash
	}
	setTarget(req, rest)
	return nil
}

// What stands for an absolute-form without a path.
var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// setTarget splits a target in origin-form into path and query.
func setTarget(req *message.Request, target []byte) {
	req.Target, req.Path = target, target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		req.Path, req.Query, req.HasQuery = target[:i], target[i+1:], true
	}
}

// cutAuthority splits an absolute-form of http or https after its authority (RFC
// 3986, section 3.2), which is not empty. A user name in it never equals a Host.
func cutAuthority(target []byte) (authority, rest []byte, ok bool) {
	i := bytes.IndexByte(target, ':')
	if i < 0 || !message.EqualFold(target[:i], "http") && !message.EqualFold(target[:i], "https") {
		return nil, nil, false
	}
	rest, ok = bytes.CutPrefix(target[i+1:], []byte("//"))
	if !ok {
		return nil, nil, false
	}
	i = 0
	for i < len(rest) && rest[i] != '/' && rest[i] != '?' {
		i++
	}
	return rest[:i], rest[i:], i > 0
}
