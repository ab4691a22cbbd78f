package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"unicode/utf16"
)

// value is a string of the tag.
func value(tag int, text string) asn1.RawValue { return asn1.RawValue{Tag: tag, Bytes: []byte(text)} }

func bmp(text string) asn1.RawValue {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return asn1.RawValue{Tag: asn1.TagBMPString, Bytes: b}
}

// TestDistinguishedName compares with what openssl x509 -nameopt RFC2253 prints.
func TestDistinguishedName(t *testing.T) {
	cn, o, c := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.ObjectIdentifier{2, 5, 4, 6}
	one := func(typ asn1.ObjectIdentifier, v asn1.RawValue) nameSET { return nameSET{{typ, v}} }
	const utf, printable = asn1.TagUTF8String, asn1.TagPrintableString
	for _, test := range []struct {
		name []nameSET
		want string
	}{
		{nil, ""},
		{[]nameSET{one(c, value(printable, "DE")), one(o, value(utf, "Shop")), one(cn, value(utf, "alice"))}, "CN=alice,O=Shop,C=DE"},
		{[]nameSET{one(cn, value(utf, `a,b+c"d\e<f>g;h=i#j`))}, `CN=a\,b\+c\"d\\e\<f\>g\;h=i#j`},
		{[]nameSET{one(cn, value(utf, " # x "))}, `CN=\ # x\ `},
		{[]nameSET{one(cn, value(utf, "#x"))}, `CN=\#x`},
		{[]nameSET{one(cn, value(utf, " "))}, `CN=\ `},
		{[]nameSET{one(cn, value(utf, "é€\r\n\x00\x7f"))}, `CN=\C3\A9\E2\82\AC\0D\0A\00\7F`},
		{[]nameSET{one(cn, value(asn1.TagT61String, "\xe9"))}, `CN=\C3\A9`},
		{[]nameSET{one(cn, bmp("é€"))}, `CN=\C3\A9\E2\82\AC`},
		{[]nameSET{one(cn, value(asn1.TagIA5String, "x"))}, `CN=x`},
		{[]nameSET{one(o, value(utf, "O")), {{cn, value(utf, "a")}, {asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, value(utf, "u")}}}, "UID=u+CN=a,O=O"},
		{[]nameSET{one(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, value(asn1.TagIA5String, "a@b.c"))}, "emailAddress=a@b.c"},
		{[]nameSET{one(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 7}, value(utf, "odd"))}, "1.3.6.1.4.1.55555.7=#0C036F6464"},
		{[]nameSET{one(cn, value(asn1.TagInteger, "\x07"))}, "CN=#020107"},
	} {
		der, err := asn1.Marshal(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := distinguishedName(der); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
	if got := distinguishedName([]byte("no name")); got != "" {
		t.Errorf("got %q for what is no name", got)
	}
}

func TestDistinguishedNameOfCertificate(t *testing.T) {
	leaf := sign(t, x509.Certificate{Subject: pkix.Name{
		CommonName: "alice", Organization: []string{"Shop"}, Country: []string{"DE"}, SerialNumber: "7", Province: []string{"BY"},
	}}, nil).cert
	if got := distinguishedName(leaf.RawSubject); got != "serialNumber=7,CN=alice,O=Shop,ST=BY,C=DE" {
		t.Error(got)
	}
}

// FuzzDistinguishedName looks for a name that would break a field value.
func FuzzDistinguishedName(f *testing.F) {
	der, _ := asn1.Marshal([]nameSET{{{asn1.ObjectIdentifier{2, 5, 4, 3}, value(asn1.TagUTF8String, "a\r\nb")}}})
	f.Add(der)
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, c := range []byte(distinguishedName(der)) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q", distinguishedName(der))
			}
		}
	})
}
