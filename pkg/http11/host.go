package http11

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// parseHost checks Host and sets Authority and Hostname. There is exactly one in
// HTTP/1.1 and at most one in HTTP/1.0 (RFC 9112, section 3.2). It is uri-host
// [ ":" port ] and not empty, as for all http and https URIs (RFC 9110, section
// 4.2.1), and an absolute-form target names the same.
func parseHost(req *message.Request) error {
	named := req.Authority
	value, ok := req.Fields.Get(message.Host)
	switch {
	case !ok && req.Minor > 0:
		return errHostMissing
	case !ok && named == nil:
		return nil
	case !ok:
		value = named
	case req.Fields.Count(message.Host) > 1:
		return errHostRepeated
	}
	hostname, ok := cutPort(value)
	switch {
	case !ok || !validHostname(hostname):
		return errHost
	case named != nil && !equalFold(named, value):
		return errHostDiffers
	}
	req.Authority, req.Hostname = value, hostname
	return nil
}

// cutPort removes ":port" from an authority. The port may be empty (RFC 3986,
// section 3.2.3).
func cutPort(authority []byte) (hostname []byte, ok bool) {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 || authority[len(authority)-1] == ']' {
		return authority, true
	}
	port := authority[i+1:]
	if len(port) > len("65535") {
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

// maxHostname is the length of the longest DNS name.
const maxHostname = 255

// validHostname tells whether b is an IPv6 address in brackets or a name of
// letters, digits and "-._~". Names are narrower than reg-name of RFC 3986,
// section 3.2.2: no host is called by percent-encodings and delimiters, and what
// reads them wrongly is somewhere further on. A zone and IPvFuture are refused,
// and labels that are empty (RFC 1034, section 3.1), but for the root's: nginx too
// refuses "a..b" (ngx_http_validate_host).
func validHostname(b []byte) bool {
	if len(b) == 0 || len(b) > maxHostname {
		return false
	}
	if b[0] == '[' && b[len(b)-1] == ']' {
		return validIPv6(b[1 : len(b)-1])
	}
	last := byte('.')
	for _, c := range b {
		if !is(c, unreserved) || c == '.' && last == '.' {
			return false
		}
		last = c
	}
	return true
}

// validIPv6 checks an IPv6address (RFC 3986, section 3.2.2): eight groups of 16
// bits, of which the last two may be an IPv4 address, or fewer with one "::".
func validIPv6(b []byte) bool {
	groups, elided := 0, false
	if rest, ok := bytes.CutPrefix(b, []byte("::")); ok {
		if b, elided = rest, true; len(b) == 0 {
			return true
		}
	}
	for {
		n := 0
		for n < len(b) && is(b[n], hexDigit) {
			n++
		}
		if n < len(b) && b[n] == '.' {
			groups += 2
			return validIPv4(b) && (groups == 8 && !elided || groups < 8 && elided)
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		if b = b[n:]; len(b) == 0 {
			return groups == 8 && !elided || groups < 8 && elided
		}
		if b[0] != ':' {
			return false
		}
		if b = b[1:]; len(b) > 0 && b[0] == ':' {
			if elided {
				return false
			}
			elided = true
			if b = b[1:]; len(b) == 0 {
				return groups < 8
			}
		}
	}
}

// validIPv4 checks four decimal numbers below 256, without leading zeros.
func validIPv4(b []byte) bool {
	for part := 1; ; part++ {
		n, value := 0, 0
		for n < len(b) && n < 3 && isDigit(b[n]) {
			value = value*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || value > 255 || n > 1 && b[0] == '0' {
			return false
		}
		if b = b[n:]; part == 4 {
			return len(b) == 0
		}
		if len(b) == 0 || b[0] != '.' {
			return false
		}
		b = b[1:]
	}
}

// ValidHost tells whether b is what Host may be: a name or an address with or without
// port (RFC 9110, section 7.2).
func ValidHost(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	hostname, ok := cutPort(b)
	return ok && validHostname(hostname)
}
