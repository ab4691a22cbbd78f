package certs

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// curves are the groups that Go has, by their names in lower case: those of
// OpenSSL, of NIST and of the registry (RFC 8422, section 5.1.1).
var curves = map[string]tls.CurveID{
	"x25519":             tls.X25519,
	"prime256v1":         tls.CurveP256,
	"p-256":              tls.CurveP256,
	"secp256r1":          tls.CurveP256,
	"p-384":              tls.CurveP384,
	"secp384r1":          tls.CurveP384,
	"p-521":              tls.CurveP521,
	"secp521r1":          tls.CurveP521,
	"x25519mlkem768":     tls.X25519MLKEM768,
	"secp256r1mlkem768":  tls.SecP256r1MLKEM768,
	"secp384r1mlkem1024": tls.SecP384r1MLKEM1024,
}

// ParseCurves reads names such as "X25519:prime256v1" (ssl-ecdh-curve). Which of
// them is taken for a connection is for crypto/tls to choose, not for their order.
// Names that Go does not have are ignored, and returned, as long as one remains.
// "auto" and an empty list mean Go's default, which is nil.
func ParseCurves(list string) (ids []tls.CurveID, ignored []string, err error) {
	if list == "" || strings.EqualFold(list, "auto") {
		return nil, nil, nil
	}
	for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(":/, ", r) }) {
		// OpenSSL 3.5 marks names: to be skipped when unknown, to be tried first.
		if id, ok := curves[strings.ToLower(strings.TrimLeft(name, "?*"))]; ok {
			ids = append(ids, id)
		} else {
			ignored = append(ignored, name)
		}
	}
	if len(ids) == 0 {
		return nil, ignored, fmt.Errorf("none of the curves %q is supported", list)
	}
	return ids, ignored, nil
}
