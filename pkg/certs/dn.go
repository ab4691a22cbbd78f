package certs

import (
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// attribute is one AttributeTypeAndValue of a distinguished name (RFC 5280,
// section 4.1.2.4), with the value as it was encoded.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// nameSET is a relative distinguished name. Package encoding/asn1 reads a type with
// such a name as a SET.
type nameSET []attribute

// shortNames are the names that OpenSSL writes for attribute types.
var shortNames = map[string]string{
	"2.5.4.3":                    "CN",
	"2.5.4.4":                    "SN",
	"2.5.4.5":                    "serialNumber",
	"2.5.4.6":                    "C",
	"2.5.4.7":                    "L",
	"2.5.4.8":                    "ST",
	"2.5.4.9":                    "street",
	"2.5.4.10":                   "O",
	"2.5.4.11":                   "OU",
	"2.5.4.12":                   "title",
	"2.5.4.13":                   "description",
	"2.5.4.15":                   "businessCategory",
	"2.5.4.17":                   "postalCode",
	"2.5.4.41":                   "name",
	"2.5.4.42":                   "GN",
	"2.5.4.43":                   "initials",
	"2.5.4.44":                   "generationQualifier",
	"2.5.4.45":                   "x500UniqueIdentifier",
	"2.5.4.46":                   "dnQualifier",
	"2.5.4.65":                   "pseudonym",
	"2.5.4.97":                   "organizationIdentifier",
	"0.9.2342.19200300.100.1.1":  "UID",
	"0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1":       "emailAddress",
	"1.2.840.113549.1.9.2":       "unstructuredName",
	"1.3.6.1.4.1.311.60.2.1.1":   "jurisdictionL",
	"1.3.6.1.4.1.311.60.2.1.2":   "jurisdictionST",
	"1.3.6.1.4.1.311.60.2.1.3":   "jurisdictionC",
}

// distinguishedName writes a name, as DER, in the form of RFC 2253: the most
// specific part first, as nginx writes $ssl_client_s_dn (XN_FLAG_RFC2253). The
// result has printable ASCII only, whatever the name holds, so that it is safe in a
// field value. It is empty for what is no name.
func distinguishedName(der []byte) string {
	var name []nameSET
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		return ""
	}
	var b strings.Builder
	for i, set := range slices.Backward(name) {
		for j, a := range slices.Backward(set) {
			switch {
			case j < len(set)-1:
				b.WriteByte('+')
			case i < len(name)-1:
				b.WriteByte(',')
			}
			writeAttribute(&b, a)
		}
	}
	return b.String()
}

func writeAttribute(b *strings.Builder, a attribute) {
	oid := a.Type.String()
	short, known := shortNames[oid]
	if !known {
		short = oid
	}
	b.WriteString(short + "=")
	text, ok := stringValue(a.Value)
	if !known || !ok {
		b.WriteString("#" + strings.ToUpper(hex.EncodeToString(a.Value.FullBytes)))
		return
	}
	writeEscaped(b, text)
}

// stringValue returns the text of a string type that OpenSSL reads, as UTF-8.
func stringValue(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagNumericString, asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String,
		asn1.TagUTCTime, asn1.TagGeneralizedTime, 26: // VisibleString
		runes := make([]rune, len(v.Bytes)) // a byte is a character of Latin-1
		for i, c := range v.Bytes {
			runes[i] = rune(c)
		}
		return string(runes), true
	case asn1.TagBMPString:
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		return string(utf16.Decode(units)), len(v.Bytes)%2 == 0
	}
	return "", false
}

// writeEscaped writes a value with what RFC 2253, section 2.4 has escaped, and as
// two hexadecimal digits what is not printable ASCII.
func writeEscaped(b *strings.Builder, text string) {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		switch {
		case c < ' ' || c >= 0x7f:
			b.WriteString(`\` + string(digits[c>>4]) + string(digits[c&15]))
			continue
		case strings.IndexByte(`,+"\<>;`, c) >= 0,
			i == 0 && (c == '#' || c == ' '),
			i == len(text)-1 && c == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}
