package certs

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
)

func TestParseProtocols(t *testing.T) {
	for _, c := range []struct {
		list           string
		oldest, newest uint16
		err            string
	}{
		{"", tls.VersionTLS12, tls.VersionTLS13, ""},
		{"TLSv1.2 TLSv1.3", tls.VersionTLS12, tls.VersionTLS13, ""},
		{"TLSv1.3  TLSv1.2", tls.VersionTLS12, tls.VersionTLS13, ""},
		{"tlsv1.2", tls.VersionTLS12, tls.VersionTLS12, ""},
		{"TLSv1.3", tls.VersionTLS13, tls.VersionTLS13, ""},
		{"TLSv1 TLSv1.2", 0, 0, "protocol TLSv1 is no longer safe to use: there are TLSv1.2 and TLSv1.3"},
		{"TLSv1.2 SSLv3", 0, 0, "protocol SSLv3 is no longer safe to use: there are TLSv1.2 and TLSv1.3"},
		{"TLSv1.2,TLSv1.3", 0, 0, `there is no protocol "TLSv1.2,TLSv1.3": there are TLSv1.2 and TLSv1.3`},
	} {
		oldest, newest, err := ParseProtocols(c.list)
		if oldest != c.oldest || newest != c.newest || message(err) != c.err {
			t.Errorf("%q: %x to %x, error %v", c.list, oldest, newest, err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseCiphers(t *testing.T) {
	const (
		aead = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 " +
			"ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305"
		cbc = " ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA"
	)
	for _, c := range []struct{ list, want, ignored, err string }{
		{"", "", "", ""},
		{" ", "", "", ""},
		// The default of ingress-nginx.
		{
			"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
				"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
			aead, "DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384", "",
		},
		{"DEFAULT", aead + cbc, "", ""},
		{"HIGH:!aNULL:!MD5", aead + cbc, "", ""},
		{"HIGH:!SHA:!ECDSA", "ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305", "", ""},
		{"EECDH+AESGCM:EDH+AESGCM", "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384", "EDH+AESGCM", ""},
		{"ecdhe-rsa-aes256-sha@STRENGTH", "", "ecdhe-rsa-aes256-sha@STRENGTH", `none of the ciphers "ecdhe-rsa-aes256-sha@STRENGTH" is supported`},
		{"ecdhe-rsa-aes256-sha:@STRENGTH", "ECDHE-RSA-AES256-SHA", "", ""},
		{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "", ""},
		{"TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "", ""},
		{"TLS_AES_128_GCM_SHA256", "", "", `none of the ciphers "TLS_AES_128_GCM_SHA256" is supported`},
		// What is taken away for good does not come back; what is only taken away does.
		{"!AES256:DEFAULT:-CHACHA20:ECDHE-RSA-CHACHA20-POLY1305:-SHA1", "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-CHACHA20-POLY1305", "", ""},
		// RSA is the exchange of keys, which a keyword does not turn on.
		{"DEFAULT:!RSA:+AES", aead + cbc, "", ""},
		{"AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256 ECDHE-RSA-AES128-SHA256", "", ""},
		{"AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:!kRSA", "ECDHE-RSA-AES128-SHA", "", ""},
		{"kRSA", "", "kRSA", `none of the ciphers "kRSA" is supported`},
		{"ECDHE-RSA-RC4-SHA:DES-CBC3-SHA", "", "ECDHE-RSA-RC4-SHA DES-CBC3-SHA", `none of the ciphers "ECDHE-RSA-RC4-SHA:DES-CBC3-SHA" is supported`},
		{"!ALL", "", "", `none of the ciphers "!ALL" is supported`},
		{":!:-:+:@:", "", "", `none of the ciphers ":!:-:+:@:" is supported`},
	} {
		ids, ignored, err := ParseCiphers(c.list)
		var names []string
		for _, id := range ids {
			for _, s := range suites {
				if s.id == id {
					names = append(names, s.name)
				}
			}
		}
		if got := strings.Join(names, " "); got != c.want || strings.Join(ignored, " ") != c.ignored || message(err) != c.err {
			t.Errorf("%q: %s; ignored %v, error %v", c.list, got, ignored, err)
		}
	}
	for _, s := range tls.CipherSuites() {
		if !s.Insecure && s.SupportedVersions[0] == tls.VersionTLS12 && len(s.SupportedVersions) == 1 {
			if _, _, err := ParseCiphers(s.Name); err != nil {
				t.Error(err)
			}
		}
	}
}

func FuzzParseCiphers(f *testing.F) {
	f.Add("EECDH+AESGCM:!aNULL,-@+")
	f.Fuzz(func(t *testing.T, list string) {
		ids, _, err := ParseCiphers(list)
		if err != nil && ids != nil {
			t.Error("there are suites beside an error")
		}
		for _, id := range ids {
			if name := tls.CipherSuiteName(id); strings.Contains(name, "RC4") || strings.Contains(name, "3DES") {
				t.Error(name)
			}
		}
	})
}

func TestParseCurves(t *testing.T) {
	for _, c := range []struct {
		list, want, ignored, err string
	}{
		{"", "[]", "[]", ""},
		{"auto", "[]", "[]", ""},
		{"X25519:prime256v1:secp384r1", "[X25519 CurveP256 CurveP384]", "[]", ""},
		{"X25519MLKEM768:x25519", "[X25519MLKEM768 X25519]", "[]", ""},
		{"P-521:X448", "[CurveP521]", "[X448]", ""},
		{"?X25519MLKEM768 / *X25519", "[X25519MLKEM768 X25519]", "[]", ""},
		{"brainpoolP256r1", "[]", "[brainpoolP256r1]", `none of the curves "brainpoolP256r1" is supported`},
		{":", "[]", "[]", `none of the curves ":" is supported`},
	} {
		ids, ignored, err := ParseCurves(c.list)
		if got := fmt.Sprint(ids); got != c.want || fmt.Sprint(ignored) != c.ignored || message(err) != c.err {
			t.Errorf("%q: %s; ignored %v, error %v", c.list, got, ignored, err)
		}
	}
}
