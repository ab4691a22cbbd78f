package snapshot

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Forwarding says what is believed of what proxies in front tell of the client, and
// what endpoints are told besides.
type Forwarding struct {
	model.Forwarded
	// Proxied tells that connections begin with a PROXY header.
	Proxied bool
	// Reads tells that there is anything to believe: without it, an exchange need not
	// be looked at.
	Reads bool
	// AddressName is AddressField where it is a known name.
	AddressName message.Name

	trusted []span
}

func compileForwarding(l *model.Listener) Forwarding {
	f := Forwarding{Forwarded: l.Forwarded, Proxied: l.ProxyProtocol}
	f.Reads = f.Fields || f.Address || f.Proxied
	f.AddressName = message.LookupName([]byte(f.AddressField))
	f.trusted = spans(l.TrustedProxies)
	return f
}

// Trusts tells whether what this address tells is believed.
func (f *Forwarding) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	// The first span that begins behind addr; the one before it may have it.
	i, found := slices.BinarySearchFunc(f.trusted, addr, func(s span, a netip.Addr) int { return s.first.Compare(a) })
	return found || i > 0 && addr.Compare(f.trusted[i-1].last) <= 0
}

// span is all addresses from first to last.
type span struct{ first, last netip.Addr }

// spans makes a list of networks one that is searched in logarithmic time, since a
// client may choose how many addresses are looked up: sorted, and without overlaps.
func spans(list string) []span {
	var all []span
	for text := range strings.SplitSeq(list, ",") {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, span{p.Masked().Addr(), lastOf(p)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	var merged []span
	for _, s := range all {
		if n := len(merged); n > 0 && s.first.Compare(merged[n-1].last) <= 0 {
			if merged[n-1].last.Compare(s.last) < 0 {
				merged[n-1].last = s.last
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}
