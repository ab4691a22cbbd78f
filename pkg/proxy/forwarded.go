package proxy

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
)

// mostForwarded bounds how many addresses of a request are looked at: a client chooses how
// many there are.
const mostForwarded = 64

var schemeHTTPS, schemeHTTP = []byte("https"), []byte("http")

// believe takes from a request what a trusted proxy in front tells of the client
// (ingress-nginx: rootfs/etc/nginx/lua/lua_ingress.lua and the realip module of nginx).
// From here on Remote is the client's address.
//
// ingress-nginx believes scheme, port and host of anybody; here only those of peers
// whose address it would believe, too. What is no scheme, port or host is not believed
// of anybody.
func (x *exchange) believe(f *snapshot.Forwarding) {
	told := &x.filters.Forwarded
	told.Proxied = f.Proxied
	if f.Proxied && x.Local.Port() == 443 {
		told.Scheme = schemeHTTPS // the PROXY header tells of a connection to port 443
	}
	if !f.Fields && !f.Address || !f.Trusts(x.Remote.Addr()) {
		return
	}
	fields := &x.Request.Fields
	if f.Fields {
		if told.Scheme == nil {
			told.Scheme = scheme(first(fields, message.XForwardedProto))
		}
		if port := first(fields, message.XForwardedPort); validPort(port) {
			told.Port = port
		}
		if host := first(fields, message.XForwardedHost); http11.ValidHost(host) {
			told.Host = host
		}
	}
	told.Peer = x.Remote
	if !f.Proxied { // the PROXY header has told the address
		x.Remote = x.client(f)
	}
}

// client is the client's address: from the right, the first one that is not of a
// trusted proxy, or the leftmost.
func (x *exchange) client(f *snapshot.Forwarding) netip.AddrPort {
	addr, hops := x.Remote, 0
	fields := &x.Request.Fields
	for i := fields.Len() - 1; i >= 0; i-- {
		n, name, list, ok := fields.At(i)
		if !ok || n != f.AddressName || n == message.Unknown && !message.EqualFold(name, f.AddressField) {
			continue
		}
		for list != nil {
			hop := list
			if comma := bytes.LastIndexByte(list, ','); comma >= 0 {
				hop, list = list[comma+1:], list[:comma]
			} else {
				list = nil
			}
			told, ok := address(trim(hop))
			if hops++; !ok || hops > mostForwarded {
				return addr
			}
			addr = told
			if !f.Trusts(addr.Addr()) {
				return addr
			}
		}
	}
	return addr
}

// address reads an address, with or without port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1]:80.
func address(text []byte) (addr netip.AddrPort, ok bool) {
	const longest = len("[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535")
	if len(text) == 0 || len(text) > longest {
		return addr, false
	}
	t := alloc.String(text)
	if colon := bytes.IndexByte(text, ':'); text[0] == '[' || colon >= 0 && colon == bytes.LastIndexByte(text, ':') {
		if t[len(t)-1] != ']' {
			a, err := netip.ParseAddrPort(t)
			return plain(a.Addr(), a.Port(), err)
		}
		t = t[1 : len(t)-1]
		if !strings.Contains(t, ":") {
			return addr, false // brackets are for IPv6
		}
	}
	a, err := netip.ParseAddr(t)
	return plain(a, 0, err)
}

// plain refuses zones, which mean something on the machine that wrote them only.
func plain(a netip.Addr, port uint16, err error) (netip.AddrPort, bool) {
	return netip.AddrPortFrom(a.Unmap(), port), err == nil && a.Zone() == ""
}

// first is the first element of a field that is a list.
func first(f *message.Fields, n message.Name) []byte {
	v, _ := f.Get(n)
	if i := bytes.IndexByte(v, ','); i >= 0 {
		v = v[:i]
	}
	return trim(v)
}

func trim(b []byte) []byte { return bytes.Trim(b, " \t") }

// scheme is http, https or nil.
func scheme(text []byte) []byte {
	switch {
	case message.EqualFold(text, "https"):
		return schemeHTTPS
	case message.EqualFold(text, "http"):
		return schemeHTTP
	}
	return nil
}

func validPort(text []byte) bool {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || n > 65535 {
			return false
		}
		n = 10*n + int(c-'0')
	}
	return n > 0 && n <= 65535 && len(text) <= len("65535")
}
