package annotation

import (
	"errors"
	"slices"
	"strings"
)

var sslCiphers = defineAt("ssl-ciphers", Host|Listener,
	"Ciphers of TLS 1.2, a list in OpenSSL's form. On an Ingress for its hosts: the oldest Ingress with a list decides. In the ConfigMap and on the IngressClass for all other hosts, where Go's are the default.",
	parseCiphers,
	func(v *Values, list string, at place) {
		if at.from.Object.Kind == ingressKind {
			v.Host.Ciphers = list
		} else {
			v.Listener.TLS.Ciphers = list
		}
	}).
	example("ECDHE-RSA-AES128-GCM-SHA256").defaults("")

var sslProtocols = define("ssl-protocols", Listener,
	"Versions of TLS: TLSv1.2, TLSv1.3 or both, which is the default. Older ones are not supported.",
	parseProtocols,
	func(v *Values, versions string) { v.Listener.TLS.Protocols = versions }).
	example("TLSv1.3").defaults("TLSv1.2 TLSv1.3")

var sslCurves = define("ssl-ecdh-curve", Listener,
	"Curves of the key exchange with colons between them, in any order: X25519MLKEM768, X25519, P-256, P-384, P-521 and others under OpenSSL's names. auto, the default, means Go's.",
	parseCurves,
	func(v *Values, list string) { v.Listener.TLS.Curves = list }).
	example("X25519:P-256").defaults("auto")

var sslSessionTickets = define("ssl-session-tickets", Listener,
	"\"true\" lets clients resume TLS sessions, with keys that the process makes and changes by itself. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.TLS.Tickets = on }).
	example("true").defaults("false")

var enableOCSP = define("enable-ocsp", Listener,
	"\"true\" staples what the authority says of a certificate to its handshakes. \"false\" by default.",
	parseBool,
	func(v *Values, on bool) { v.Listener.TLS.OCSP = on }).
	example("true").defaults("false")

var sslRejectHandshake = define("ssl-reject-handshake", Listener,
	"\"true\" ends TLS handshakes for names that no host has. \"false\", the default, shows them the default certificate.",
	parseBool,
	func(v *Values, on bool) { v.Listener.TLS.RejectUnknown = on }).
	example("true").defaults("false")

// parseProtocols reads versions of TLS and returns them in ascending order. Those
// that are no longer secure are left out, as long as there is another one.
func parseProtocols(text string, _ dialect) (string, error) {
	var versions, old []string
	for _, version := range strings.Fields(text) {
		switch version {
		case "TLSv1.2", "TLSv1.3":
			versions = append(versions, version)
		case "SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1":
			old = append(old, version)
		default:
			return "", errors.New("want TLSv1.2, TLSv1.3 or both, with a space between them")
		}
	}
	if len(versions) == 0 {
		return "", errors.New("want TLSv1.2, TLSv1.3 or both: older versions are not supported")
	}
	slices.Sort(versions)
	list := strings.Join(slices.Compact(versions), " ")
	if len(old) > 0 {
		return list, leftOut(old)
	}
	return list, nil
}

// longestCiphers bounds a list of ciphers. That of all which OpenSSL has is
// shorter.
const longestCiphers = 4096

// parseCiphers checks the form of a list of ciphers in OpenSSL's form. An empty one
// means Go's.
func parseCiphers(text string, at place) (string, error) {
	if text == "" {
		return "", nil
	}
	if len(text) > longestCiphers || !consistsOf(text, letters+digits+"!+-_=@:., ") {
		return "", errors.New("want names of ciphers with colons between them, such as ECDHE-RSA-AES128-GCM-SHA256")
	}
	return text, at.checks.ciphers(text)
}

// curveNames are the names of the groups that Go has, as OpenSSL, NIST and the
// registry know them.
var curveNames = []string{
	"X25519MLKEM768", "X25519", "P-256", "prime256v1", "secp256r1", "P-384", "secp384r1", "P-521", "secp521r1",
	"SecP256r1MLKEM768", "SecP384r1MLKEM1024",
}

// parseCurves reads "auto", or names with colons between them. OpenSSL 3.5 marks
// some: to be skipped when unknown, to be tried first.
func parseCurves(text string, _ dialect) (string, error) {
	if strings.EqualFold(text, "auto") {
		return "auto", nil
	}
	var known, ignored []string
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(":/, ", r) }) {
		same := func(curve string) bool { return strings.EqualFold(curve, strings.TrimLeft(name, "?*")) }
		if i := slices.IndexFunc(curveNames, same); i >= 0 {
			known = append(known, curveNames[i])
		} else {
			ignored = append(ignored, name)
		}
	}
	switch {
	case len(known) == 0:
		return "", errors.New("want auto, or names such as X25519:P-256 with colons between them")
	case len(ignored) > 0:
		return strings.Join(known, ":"), leftOut(ignored)
	}
	return strings.Join(known, ":"), nil
}
