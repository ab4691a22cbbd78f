package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// parseHost checks Host and sets Authority and Hostname. There is exactly one in
// HTTP/1.1 and at most one in HTTP/1.0 (RFC 9112, section 3.2), it is
// uri-host [ ":" port ], and an absolute-form target names the same.
func parseHost(req *message.Request) error {
	named := req.Authority
	value, ok := req.Fields.Get(message.Host)
	switch {
	case !ok && req.Minor == 0:
		// An HTTP/1.0 client may leave it out; an absolute target then names it.
		value = named
		if value == nil {
			return nil
		}
	case !ok:
		return errHostMissing
	case req.Fields.Count(message.Host) > 1:
		return errHostRepeated
	}
	hostname, ok := cutPort(value)
	if !ok || !validHostname(hostname) {
		return errHost
	}
	if named != nil && !equalFoldToken(named, value) {
		return errAuthorityMismatch
	}
	req.Authority, req.Hostname = value, hostname
	return nil
}

// cutPort removes ":port" from an authority. The port may be empty (RFC 3986,
// section 3.2.3).
func cutPort(authority []byte) (hostname []byte, ok bool) {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 || bytes.IndexByte(authority[i:], ']') >= 0 {
		return authority, true
	}
	port := authority[i+1:]
	if len(port) > 5 {
		return nil, false
	}
	n := 0
	for _, c := range port {
		if !isDigit(c) {
			return nil, false
		}
		n = n*10 + int(c-'0')
	}
	return authority[:i], n <= 65535
}

// validHostname tells whether b is an IP-literal in brackets or a reg-name of
// letters, digits and "-._~" and the sub-delimiters that names in use have. It is
// narrower than RFC 3986, section 3.2.2: no percent-encoding, no delimiters.
func validHostname(b []byte) bool {
	if len(b) == 0 || len(b) > 255 {
		return false
	}
	if b[0] == '[' {
		return len(b) > 3 && b[len(b)-1] == ']' && validIPv6(b[1:len(b)-1])
	}
	for _, c := range b {
		if classes[c]&tcharClass == 0 || c != '-' && c != '.' && c != '_' && c != '~' && !isAlphanumeric(c) {
			return false
		}
	}
	return b[0] != '.'
}

func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// validIPv6 checks the form of an IPv6 address: hexadecimal groups, and IPv4 at
// the end. A zone is refused (RFC 9110 has none in Host).
func validIPv6(b []byte) bool {
	groups, double := 0, false
	for len(b) > 0 {
		if b[0] == ':' {
			if len(b) < 2 || b[1] != ':' || double {
				return false
			}
			double = true
			b = b[2:]
			continue
		}
		end := bytes.IndexByte(b, ':')
		group := b
		if end >= 0 {
			group = b[:end]
		}
		if bytes.IndexByte(group, '.') >= 0 {
			if end >= 0 || !validIPv4(group) {
				return false
			}
			groups += 2
			break
		}
		if len(group) > 4 || !all(group, hexClass) {
			return false
		}
		groups++
		if end < 0 {
			break
		}
		b = b[end:]
		if len(b) == 1 { // a single colon at the end
			return false
		}
		if b[1] != ':' {
			b = b[1:]
		}
	}
	return groups == 8 && !double || double && groups < 8
}

func validIPv4(b []byte) bool {
	for i := range 4 {
		end := bytes.IndexByte(b, '.')
		if i == 3 {
			end = len(b)
		}
		if end < 1 || end > 3 {
			return false
		}
		n := 0
		for _, c := range b[:end] {
			if !isDigit(c) {
				return false
			}
			n = n*10 + int(c-'0')
		}
		if n > 255 || end > 1 && b[0] == '0' {
			return false
		}
		if i < 3 {
			b = b[end+1:]
		}
	}
	return true
}

