package model

import (
	"net/netip"
	"testing"
)

func TestOutward(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "10.0.0.1": true, "192.168.1.1": true, "100.64.0.1": true, "2001:db8::1": true, "fd00::1": true,
		"::ffff:10.0.0.1": true, "64:ff9b::5db8:d822": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "2001:db8::1%eth0": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"fd00:ec2::254": false, "fd00:ec2::23": false, "fd20:ce::254": false, "fd00:c1::a9fe:a9fe": false,
		"168.63.129.16": false, "::ffff:168.63.129.16": false, "64:ff9b::a83f:8110": false, "100.100.100.200": false,
		"168.63.129.17": true, "100.100.100.201": true, "fd00:ec2::255": true,
	} {
		if got := Outward(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if Outward(netip.Addr{}) {
		t.Error("no address is one")
	}
}
