package snapshot

import (
	"net/netip"
	"strings"

	"go4.org/netipx"

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

	// trusted is searched in logarithmic time: a client may choose how many addresses are
	// looked up.
	trusted *netipx.IPSet
}

func compileForwarding(l *model.Listener) Forwarding {
	f := Forwarding{Forwarded: l.Forwarded, Proxied: l.ProxyProtocol}
	f.Reads = f.Fields || f.Address || f.Proxied
	f.AddressName = message.LookupName([]byte(f.AddressField))
	f.trusted = networks(l.TrustedProxies)
	return f
}

// Trusts tells whether what this address tells is believed.
func (f *Forwarding) Trusts(addr netip.Addr) bool {
	return f.trusted.Contains(addr.Unmap().WithZone(""))
}

// networks makes a set of a list in the model's form.
func networks(list string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for text := range strings.SplitSeq(list, ",") {
		if p, err := netip.ParsePrefix(text); err == nil {
			b.AddPrefix(p)
		}
	}
	set, _ := b.IPSet() // only what is no network is an error
	return set
}
