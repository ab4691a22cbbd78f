package annotation

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

var useProxyProtocol = define("use-proxy-protocol", Listener,
	"\"true\" expects each connection to begin with a PROXY header, of version 1 or 2, which tells the client's address. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.ProxyProtocol = on }).
	example("true").defaults("false")

var proxyProtocolHeaderTimeout = define("proxy-protocol-header-timeout", Listener,
	"Time in which a PROXY header must have come, between 100ms and 1m. 5s by default.",
	parseDurationWithin(100*time.Millisecond, time.Minute),
	func(v *Values, d time.Duration) { v.Listener.ProxyHeaderTimeout = d }).
	example("2s").defaults("5s")

var proxyRealIPCIDR = define("proxy-real-ip-cidr", Listener,
	"Networks and addresses, with commas between them, whose PROXY headers and forwarded fields are believed; those of another peer are not. 0.0.0.0/0,::/0 by default: all.",
	parseNetworks,
	func(v *Values, list string) { v.Listener.TrustedProxies = list }).
	example("10.0.0.0/8").defaults("0.0.0.0/0,::/0")

// mostNetworks bounds a list of networks.
const mostNetworks = 1024

// parseNetworks reads a list of networks and returns it in normal form, sorted. A
// part that cannot be read is left out: nobody is believed by mistake.
func parseNetworks(text string, _ dialect) (string, error) {
	if strings.Count(text, ",") >= mostNetworks {
		return "", partial{fmt.Errorf("want %d networks at most: none is believed", mostNetworks)}
	}
	var list []string
	var wrong error
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		network, err := parseNetwork(part)
		if err != nil {
			wrong = partial{fmt.Errorf("%s is no network, such as 10.0.0.0/8: the others hold", quote(part))}
			continue
		}
		list = append(list, network.String())
	}
	if len(list) == 0 {
		wrong = partial{errors.New("want networks, such as 10.0.0.0/8,fd00::/8: none is believed")}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ","), wrong
}

// parseNetwork reads a network or an address.
func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, err
	}
	if network.Addr().Is4In6() {
		if network.Bits() < 96 {
			return network, errors.New("want a network of IPv4 or of IPv6")
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}
