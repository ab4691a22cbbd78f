package model

import (
	"net/netip"
	"slices"
)

// Outward tells whether the proxy may connect to an address that an object, a certificate
// or a name in one of them has led to. What it refuses is this machine and its link, what
// is no address of a single host, and where clouds give their credentials to whoever asks
// from the machine. Private networks are allowed.
func Outward(a netip.Addr) bool {
	a = a.Unmap()
	if bits := a.As16(); nat64.Contains(a) {
		a = netip.AddrFrom4([4]byte(bits[12:]))
	}
	// Global unicast is neither unspecified, loopback, link-local, multicast nor broadcast.
	return a.Zone() == "" && a.IsGlobalUnicast() && !thisNetwork.Contains(a) && !slices.Contains(ofClouds, a)
}

var (
	nat64       = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052, section 2.1
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")    // RFC 1122, section 3.2.1.3
)

// ofClouds are the addresses of metadata services that are not link-local.
var ofClouds = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),      // AWS, of a machine
	netip.MustParseAddr("fd00:ec2::23"),       // AWS, of a pod
	netip.MustParseAddr("fd20:ce::254"),       // Google Cloud
	netip.MustParseAddr("fd00:c1::a9fe:a9fe"), // Oracle Cloud
	netip.MustParseAddr("168.63.129.16"),      // Azure
	netip.MustParseAddr("100.100.100.200"),    // Alibaba Cloud
}
