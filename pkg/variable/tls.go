package variable

import (
	"crypto/sha1" //nolint:gosec // nginx's $ssl_client_fingerprint; it protects nothing
	"crypto/tls"
	"math/big"
)

// session writes what is known of a TLS session.
func (s *sink) session(which id, state *tls.ConnectionState, client *Client) bool {
	switch which {
	case sslALPNProtocol:
		return s.someText(state.NegotiatedProtocol)
	case sslCipher:
		return s.someText(cipher(state.CipherSuite))
	case sslCurve:
		return s.someText(curve(state.CurveID))
	case sslProtocol:
		return s.someText(version(state.Version))
	case sslServerName:
		return s.someText(state.ServerName)
	case sslSessionReused:
		if state.DidResume {
			s.text("r")
		} else {
			s.text(".")
		}
		return true
	case sslClientFingerprint:
		if len(state.PeerCertificates) == 0 {
			return false
		}
		sum := sha1.Sum(state.PeerCertificates[0].Raw) //nolint:gosec // see above
		s.hex(sum[:], lowerDigits)
		return true
	case sslClientSerial:
		return len(state.PeerCertificates) > 0 && s.serial(state.PeerCertificates[0].SerialNumber)
	case sslClientVerify:
		if len(state.PeerCertificates) == 0 {
			s.text("NONE")
			return true
		}
	}
	if client == nil {
		return false
	}
	switch which {
	case sslClientEscapedCert:
		return s.someText(client.Certificate)
	case sslClientIDN:
		return s.someText(client.Issuer)
	case sslClientSDN:
		return s.someText(client.Subject)
	case sslClientVerify:
		return s.someText(client.Verify)
	}
	return false
}

// longestSerial bounds the serial numbers that are told. 20 bytes are allowed (RFC
// 5280, section 4.1.2.2), but clients make certificates too.
const longestSerial = 64

func (s *sink) serial(n *big.Int) bool {
	if n == nil || n.BitLen() > 8*longestSerial {
		return false
	}
	var space [longestSerial]byte
	s.hex(n.FillBytes(space[:max((n.BitLen()+7)/8, 1)]), digits)
	return true
}

// version is nginx's name of a version of TLS.
func version(v uint16) string {
	switch v {
	case tls.VersionTLS10:
		return "TLSv1"
	case tls.VersionTLS11:
		return "TLSv1.1"
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	}
	return ""
}

// cipher is OpenSSL's name of a suite, of those that package certs lets a connection
// have. The names are written out because tls.CipherSuiteName allocates.
func cipher(suite uint16) string {
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
		return "TLS_AES_128_GCM_SHA256"
	case tls.TLS_AES_256_GCM_SHA384:
		return "TLS_AES_256_GCM_SHA384"
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return "TLS_CHACHA20_POLY1305_SHA256"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
		return "ECDHE-ECDSA-AES128-GCM-SHA256"
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
		return "ECDHE-RSA-AES128-GCM-SHA256"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
		return "ECDHE-ECDSA-AES256-GCM-SHA384"
	case tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return "ECDHE-RSA-AES256-GCM-SHA384"
	case tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return "ECDHE-ECDSA-CHACHA20-POLY1305"
	case tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
		return "ECDHE-RSA-CHACHA20-POLY1305"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA:
		return "ECDHE-ECDSA-AES128-SHA"
	case tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:
		return "ECDHE-RSA-AES128-SHA"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA:
		return "ECDHE-ECDSA-AES256-SHA"
	case tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA:
		return "ECDHE-RSA-AES256-SHA"
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256:
		return "ECDHE-ECDSA-AES128-SHA256"
	case tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256:
		return "ECDHE-RSA-AES128-SHA256"
	case tls.TLS_RSA_WITH_AES_128_GCM_SHA256:
		return "AES128-GCM-SHA256"
	case tls.TLS_RSA_WITH_AES_256_GCM_SHA384:
		return "AES256-GCM-SHA384"
	case tls.TLS_RSA_WITH_AES_128_CBC_SHA:
		return "AES128-SHA"
	case tls.TLS_RSA_WITH_AES_256_CBC_SHA:
		return "AES256-SHA"
	case tls.TLS_RSA_WITH_AES_128_CBC_SHA256:
		return "AES128-SHA256"
	}
	return ""
}

// curve is OpenSSL's name of a group.
func curve(id tls.CurveID) string {
	switch id {
	case tls.CurveP256:
		return "prime256v1"
	case tls.CurveP384:
		return "secp384r1"
	case tls.CurveP521:
		return "secp521r1"
	case tls.X25519:
		return "X25519"
	case tls.X25519MLKEM768:
		return "X25519MLKEM768"
	case tls.SecP256r1MLKEM768:
		return "SecP256r1MLKEM768"
	case tls.SecP384r1MLKEM1024:
		return "SecP384r1MLKEM1024"
	}
	return ""
}
