package certs

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// suite is a cipher suite of TLS 1.2 as OpenSSL sees it.
type suite struct {
	id   uint16
	name string // OpenSSL's
	// weak suites are used when they are named; a keyword only takes them away.
	weak bool
	// words are the keywords of OpenSSL that mean this suite among others
	// (ciphers(1), section CIPHER STRINGS), in upper case.
	words []string
}

// The words of suites.
var (
	withECDSA = []string{"ALL", "DEFAULT", "HIGH", "ECDHE", "KECDHE", "EECDH", "KEECDH", "AECDSA", "ECDSA"}
	withRSA   = []string{"ALL", "DEFAULT", "HIGH", "ECDHE", "KECDHE", "EECDH", "KEECDH", "ARSA"}
	onlyRSA   = []string{"ALL", "DEFAULT", "HIGH", "RSA", "KRSA", "ARSA"}
	gcm128    = []string{"AES", "AES128", "AESGCM", "SHA256", "TLSV1.2"}
	gcm256    = []string{"AES", "AES256", "AESGCM", "SHA384", "TLSV1.2"}
	chacha    = []string{"CHACHA20", "TLSV1.2"}
	cbc128    = []string{"AES", "AES128", "SHA", "SHA1", "TLSV1"}
	cbc256    = []string{"AES", "AES256", "SHA", "SHA1", "TLSV1"}
	cbcSHA256 = []string{"AES", "AES128", "SHA256", "TLSV1.2"}
)

// suites are those of TLS 1.2 that can be had. Weak ones are those of
// tls.InsecureCipherSuites: they give no forward secrecy, or their padding is not
// guarded against Lucky Thirteen. RC4 and 3DES are left out whoever asks.
var suites = []suite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", false, slices.Concat(withECDSA, gcm128)},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", false, slices.Concat(withRSA, gcm128)},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", false, slices.Concat(withECDSA, gcm256)},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", false, slices.Concat(withRSA, gcm256)},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", false, slices.Concat(withECDSA, chacha)},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", false, slices.Concat(withRSA, chacha)},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", false, slices.Concat(withECDSA, cbc128)},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", false, slices.Concat(withRSA, cbc128)},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", false, slices.Concat(withECDSA, cbc256)},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", false, slices.Concat(withRSA, cbc256)},
	{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", true, slices.Concat(onlyRSA, gcm128)},
	{tls.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", true, slices.Concat(onlyRSA, gcm256)},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", true, slices.Concat(onlyRSA, cbc128)},
	{tls.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", true, slices.Concat(onlyRSA, cbc256)},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", true, slices.Concat(withECDSA, cbcSHA256)},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", true, slices.Concat(withRSA, cbcSHA256)},
	{tls.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", true, slices.Concat(onlyRSA, cbcSHA256)},
}

// named tells whether name, in upper case, is that of s: OpenSSL's or the
// registry's.
func (s *suite) named(name string) bool { return name == s.name || name == tls.CipherSuiteName(s.id) }

// among tells whether all words, in upper case, mean s.
func (s *suite) among(words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !s.named(word) && !slices.Contains(s.words, word) })
}

// tls13 are the suites of TLS 1.3, which are always on. A list may name them.
var tls13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// ParseCiphers reads a list in the form of OpenSSL (ssl-ciphers), such as
// "ECDHE-ECDSA-AES128-GCM-SHA256:EECDH+AESGCM:!aNULL", for TLS 1.2. Which suite is
// taken for a connection is for crypto/tls to choose, not for the list's order.
// Names and keywords for which there is no suite are ignored, and returned, as long
// as one suite remains. An empty list means Go's default, which is nil.
func ParseCiphers(list string) (ids []uint16, ignored []string, err error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil, nil
	}
	var in, never [64]bool // by the index in suites
	for item := range strings.FieldsFuncSeq(list, func(r rune) bool { return strings.ContainsRune(":, ;", r) }) {
		sign, name := byte(0), item
		if strings.IndexByte("!-+@", item[0]) >= 0 {
			sign, name = item[0], item[1:]
		}
		if sign == '@' || sign == '+' { // an order, which is not ours to set
			continue
		}
		name = strings.ToUpper(name)
		words := strings.Split(name, "+")
		found := slices.Contains(tls13, name)
		for i := range suites {
			s := &suites[i]
			switch {
			case !s.among(words):
			case sign == '!':
				never[i] = true
			case sign == '-':
				in[i] = false
			case s.named(name) || !s.weak:
				in[i], found = true, true
			}
		}
		if !found && sign == 0 {
			ignored = append(ignored, item)
		}
	}
	for i := range suites {
		if in[i] && !never[i] {
			ids = append(ids, suites[i].id)
		}
	}
	if len(ids) == 0 {
		return nil, ignored, fmt.Errorf("none of the ciphers %q is supported", list)
	}
	return ids, ignored, nil
}

// http2Ciphers tells whether HTTP/2 may be spoken over TLS 1.2 with one of these
// suites: it wants ephemeral keys and authenticated encryption (RFC 9113, section
// 9.2.2). nil means Go's default.
func http2Ciphers(ids []uint16) bool {
	return ids == nil || slices.ContainsFunc(suites[:6], func(s suite) bool { return slices.Contains(ids, s.id) })
}
