package filter

import (
	"net/netip"
	"strings"

	// Sets of networks that are compact and fast to search, by the author of
	// net/netip.
	"go4.org/netipx"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// networks is a set of clients' addresses. A nil one has none.
type networks struct{ set *netipx.IPSet }

// networksOf makes a set of a list in the model's form, nil of an empty one.
func (s *Shared) networksOf(list string) (*networks, error) {
	if list == "" {
		return nil, nil
	}
	return s.networks.get(list, parseNetworks)
}

func parseNetworks(list string) (*networks, error) {
	var b netipx.IPSetBuilder
	for text := range strings.SplitSeq(list, ",") {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		b.AddPrefix(network)
	}
	set, err := b.IPSet()
	return &networks{set}, err
}

// has tells whether the client of an exchange is among them.
func (n *networks) has(ex *message.Exchange) bool {
	return n != nil && n.set.Contains(clientOf(ex))
}

// clientOf is the address of a client, that of IPv4 whatever socket it came by.
func clientOf(ex *message.Exchange) netip.Addr { return ex.Remote.Addr().Unmap().WithZone("") }
