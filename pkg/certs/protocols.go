package certs

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// ParseProtocols reads versions such as "TLSv1.2 TLSv1.3" (ssl-protocols) and
// returns the oldest and the newest. Empty means both. Older versions are refused:
// RFC 8996 takes them out of use.
func ParseProtocols(list string) (oldest, newest uint16, err error) {
	oldest, newest = tls.VersionTLS13, tls.VersionTLS12
	for name := range strings.FieldsSeq(list) {
		var version uint16
		switch strings.ToLower(name) {
		case "tlsv1.2":
			version = tls.VersionTLS12
		case "tlsv1.3":
			version = tls.VersionTLS13
		case "tlsv1.1", "tlsv1", "tlsv1.0", "sslv3", "sslv2":
			return 0, 0, fmt.Errorf("protocol %s is no longer safe to use: there are TLSv1.2 and TLSv1.3", name)
		default:
			return 0, 0, fmt.Errorf("there is no protocol %q: there are TLSv1.2 and TLSv1.3", name)
		}
		oldest, newest = min(oldest, version), max(newest, version)
	}
	if oldest > newest { // nothing was named
		return tls.VersionTLS12, tls.VersionTLS13, nil
	}
	return oldest, newest, nil
}
