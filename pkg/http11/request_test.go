package http11

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// describe writes what was parsed of a request on one line, and its fields each
// on a line.
func describe(r *message.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s 1.%d", r.Method, r.Path, r.Minor)
	if r.HasQuery {
		fmt.Fprintf(&b, " query=%q", r.Query)
	}
	if string(r.Hostname) != string(r.Authority) {
		fmt.Fprintf(&b, " hostname=%s", r.Hostname)
	}
	fmt.Fprintf(&b, " host=%s", r.Authority)
	b.WriteString(framing(r.Body))
	if r.Close {
		b.WriteString(" close")
	}
	if r.ExpectContinue {
		b.WriteString(" continue")
	}
	if len(r.UpgradeTo) > 0 {
		fmt.Fprintf(&b, " upgrade=%s", r.UpgradeTo)
	}
	return b.String() + "\n" + describeFields(&r.Fields)
}

func describeFields(f *message.Fields) string {
	var b strings.Builder
	for i := range f.Len() {
		if n, name, value, ok := f.At(i); ok {
			if n != message.LookupName(name) {
				b.WriteString("(wrong id) ")
			}
			fmt.Fprintf(&b, "%s: %q\n", name, value)
		}
	}
	return b.String()
}

func framing(f message.Framing) string {
	switch f {
	case message.None:
		return ""
	case message.Chunked:
		return " chunked"
	case message.UntilClose:
		return " until-close"
	}
	return fmt.Sprintf(" length=%d", f)
}

// acceptedRequests are heads and the first line of describe.
var acceptedRequests = []struct{ name, head, want string }{
	{"the smallest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1 host=a"},
	{"the smallest of 1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 host= close"},
	{"query", "GET /a?b=c?d HTTP/1.1\r\nHost: a\r\n\r\n", `GET /a 1.1 query="b=c?d" host=a`},
	{"empty query", "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", `GET /a 1.1 query="" host=a`},
	{"all bytes of a target", "GET /!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /!\"$%&'()*+,-./09:;<=> 1.1 query=\"@AZ[\\\\]^_`az{|}~\" host=a"},
	{"encodings are left alone", "GET /%2e%zz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%2e%zz 1.1 host=a"},
	{"any token is a method", "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH!#$%&'*+.^_`|~ / 1.1 host=a"},
	{"a method in lower case is another method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "get / 1.1 host=a"},
	{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "TRACE / 1.1 host=a"},

	{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1 host=a"},
	{"absolute", "GET http://a.test:80/b?c HTTP/1.1\r\nHost: a.test:80\r\n\r\n", `GET /b 1.1 query="c" hostname=a.test host=a.test:80`},
	{"absolute, in any case", "GET HtTpS://A.test/ HTTP/1.1\r\nHost: a.TEST\r\n\r\n", "GET / 1.1 host=a.TEST"},
	{"absolute without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1 host=a"},
	{"absolute without path but query", "GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", `GET / 1.1 query="b" host=a`},
	{"absolute without path for OPTIONS (RFC 9112, 3.2.4)", "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1 host=a"},
	{"absolute with query for OPTIONS", "OPTIONS http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", `OPTIONS / 1.1 query="b" host=a`},
	{"absolute of 1.0 names the host", "GET http://a:1/ HTTP/1.0\r\n\r\n", "GET / 1.0 hostname=a host=a:1 close"},

	{"Host of 1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET / 1.0 host=a close"},
	{"port", "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", "GET / 1.1 hostname=a host=a:65535"},
	{"empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET / 1.1 hostname=a host=a:"},
	{"IPv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "GET / 1.1 hostname=[2001:db8::1] host=[2001:db8::1]:80"},
	{"any case", "GET / HTTP/1.1\r\nhOST: A.b-C_d~1.\r\n\r\n", "GET / 1.1 host=A.b-C_d~1."},

	{"length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "POST / 1.1 host=a length=5"},
	{"length zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST / 1.1 host=a"},
	{"length with leading zeros", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0010\r\n\r\n", "POST / 1.1 host=a length=10"},
	{"the greatest length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n", "POST / 1.1 host=a length=999999999999999999"},
	{"length in 1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "POST / 1.0 host= length=5 close"},
	{"GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "GET / 1.1 host=a length=5"},
	{"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / 1.1 host=a chunked"},
	{"chunked in any case", "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding:\t cHuNKed \t\r\n\r\n", "POST / 1.1 host=a chunked"},

	{"close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n", "GET / 1.1 host=a close"},
	{"keep-alive is the default of 1.1", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "GET / 1.1 host=a"},
	{"keep-alive in 1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 host="},
	{"close wins over keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: x, ,close\r\n\r\n", "GET / 1.0 host= close"},
	{"an option that holds another is neither", "GET / HTTP/1.1\r\nHost: a\r\nConnection: xclose, close1\r\n\r\n", "GET / 1.1 host=a"},

	{"expect", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "PUT / 1.1 host=a length=1 continue"},
	{"expect, chunked", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", "PUT / 1.1 host=a chunked continue"},
	{"expect without a body", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", "GET / 1.1 host=a"},
	{"expect in 1.0 (RFC 9110, 10.1.1)", "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "PUT / 1.0 host= length=1 close"},

	{"upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / 1.1 host=a upgrade=websocket"},
	{"upgrade that Connection does not name", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", "GET / 1.1 host=a"},
	{"upgrade named but absent", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", "GET / 1.1 host=a"},
	{"upgrade in 1.0 (RFC 9110, 7.8)", "GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n", "GET / 1.0 host="},
	{"upgrade with a body", "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n", "POST / 1.1 host=a length=1"},
	{"two upgrades", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n", "GET / 1.1 host=a"},
}

func TestAcceptedRequests(t *testing.T) {
	lim := DefaultLimits()
	for _, c := range acceptedRequests {
		t.Run(c.name, func(t *testing.T) {
			var req message.Request
			if err := ParseRequest(&req, []byte(c.head), &lim); err != nil {
				t.Fatalf("%q: %v", c.head, err)
			}
			if got, _, _ := strings.Cut(describe(&req), "\n"); got != c.want {
				t.Errorf("%q is read as\n%s, want\n%s", c.head, got, c.want)
			}
			if req.MethodID != message.LookupMethod(req.Method) {
				t.Errorf("method %q has id %d", req.Method, req.MethodID)
			}
			target := string(req.Path)
			if req.HasQuery {
				target += "?" + string(req.Query)
			}
			if string(req.Target) != target {
				t.Errorf("target %q does not consist of %q", req.Target, target)
			}
		})
	}
}

// refusedRequests are heads and why they are refused.
var refusedRequests = []struct {
	name, head string
	want       *Error
}{
	{"nothing", "", errIncomplete},
	{"an empty line", "\r\n", errMethod},
	{"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"a method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"NUL in the method", "G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"only a method", "GET\r\nHost: a\r\n\r\n", errMethod},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", errMethod},
	{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", errConnect},
	{"tab for space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},

	{"HTTP/0.9", "GET /\r\n\r\n", errTarget},
	{"no target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"two spaces after the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"fragment (CVE-2023-45539)", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"fragment after eight bytes", "GET /12345678#b HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"control in the target", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"NUL in the target", "GET /a\x00b HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"DEL in the target", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"query only", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"two asterisks", "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"authority-form for GET", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", errTargetForm},
	{"opaque URI", "GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"URI with one slash", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"URI without authority", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"URI with a query for an authority", "GET http://?a HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"no scheme", "GET ://a/ HTTP/1.1\r\nHost: a\r\n\r\n", errTargetForm},
	{"URI with another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", errHostDiffers},
	{"URI with another port", "GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", errHostDiffers},
	{"URI with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", errHostDiffers},
	{"URI with a user, and Host too", "GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", errHost},
	{"URI with a user in 1.0", "GET http://u@a/ HTTP/1.0\r\n\r\n", errHost},
	{"URI with a user that ends like a port", "GET http://a:80@b/ HTTP/1.1\r\nHost: a:80\r\n\r\n", errHostDiffers},

	{"no version", "GET / \r\nHost: a\r\n\r\n", errVersion},
	{"version cut short", "GET / HTTP/1.", errVersion},
	{"lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"other protocol", "GET / ICAP/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"no minor version", "GET / HTTP/1\r\nHost: a\r\n\r\n", errVersion},
	{"comma in the version", "GET / HTTP/1,1\r\nHost: a\r\n\r\n", errVersion},
	{"two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", errVersion},
	{"leading zero", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", errVersion},
	{"space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", errVersion},
	{"HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", errVersionUnknown},
	{"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\n", errVersionUnknown},
	{"HTTP/0.9 named", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", errVersionUnknown},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", errVersionUnknown},

	{"LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", errBareLF},
	{"LF after the target", "GET /\nHost: a\r\n\r\n", errBareLF},
	{"LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", errBareLF},
	{"LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", errBareLF},
	{"LF in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\n: a\r\n\r\n", errBareLF},
	{"CR in the method", "GE\rT / HTTP/1.1\r\nHost: a\r\n\r\n", errBareCR},
	{"CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", errBareCR},
	{"CR after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", errBareCR},
	{"CR in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\rY: a\r\n\r\n", errBareCR},
	{"CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", errBareCR},
	{"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", errBareCR},
	{"no empty line", "GET / HTTP/1.1\r\nHost: a\r\n", errIncomplete},
	{"half an empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r", errIncomplete},
	{"cut in a name", "GET / HTTP/1.1\r\nHos", errIncomplete},
	{"cut in a value", "GET / HTTP/1.1\r\nHost: a", errIncomplete},
	{"cut in a target", "GET /abc", errIncomplete},
	{"cut after the version", "GET / HTTP/1.1", errIncomplete},
	{"bytes after the head", "GET / HTTP/1.1\r\nHost: a\r\n\r\nG", errAfterHead},

	{"space before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", errFieldName},
	{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", errFieldName},
	{"empty name (CVE-2023-25725)", "GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", errFieldName},
	{"name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n", errFieldName},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n", errFieldName},
	{"UTF-8 in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa4: a\r\n\r\n", errFieldName},
	{"a byte before Content-Length", "GET / HTTP/1.1\r\nHost: a\r\n\x01Content-Length: 4\r\n\r\n", errFieldName},
	{"folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", errObsFold},
	{"line folded with tab", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb: c\r\n\r\n", errObsFold},
	{"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", errObsFold},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", errFieldValue},
	{"control in a long value", "GET / HTTP/1.1\r\nHost: a\r\nX: 123456789012345\x1b6789\r\n\r\n", errFieldValue},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", errFieldValue},
	{"vertical tab before a value", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \x0b4\r\n\r\n", errFieldValue},

	{"no Host", "GET / HTTP/1.1\r\n\r\n", errHostMissing},
	{"no Host, absolute", "GET http://a/ HTTP/1.1\r\n\r\n", errHostMissing},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", errHostRepeated},
	{"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", errHostRepeated},
	{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", errHost},
	{"empty Host in 1.0", "GET / HTTP/1.0\r\nHost: \r\n\r\n", errHost},
	{"list in Host", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", errHost},

	{"length and coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", errBothLengths},
	{"coding and length in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", errBothLengths},
	{"a bad coding does not hide that there are both (CVE-2026-2835)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n", errBothLengths},
	{"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingVersion},
	{"two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", errCoding},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", errCoding},
	{"chunked in a list", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n", errCoding},
	{"chunked not last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", errCoding},
	{"identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", errCoding},
	{"xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", errCoding},
	{"chunked with a parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", errCoding},
	{"chunked in quotes", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", errCoding},
	{"empty coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", errCoding},
	{"two fields of coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingRepeated},
	{"two fields of coding, the first empty", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingRepeated},
	{"two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", errLengthRepeated},
	{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n", errLengthRepeated},
	{"list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", errLength},
	{"empty length (CVE-2023-40225)", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", errLength},
	{"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", errLength},
	{"length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", errLength},
	{"hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", errLength},
	{"length with an underscore", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n", errLength},
	{"length with a space", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 0\r\n\r\n", errLength},
	{"length with a fraction", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1.0\r\n\r\n", errLength},
	{"length beyond an int64", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", errLength},
	{"length of 19 digits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0000000000000000005\r\n\r\n", errLength},

	{"other expectation", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", errExpect},
	{"expectation with a parameter", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue;a\r\nContent-Length: 1\r\n\r\n", errExpect},
	{"expectation in a list", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, 100-continue\r\n\r\n", errExpect},
	{"two expectations", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", errExpect},
	{"empty expectation", "PUT / HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n", errExpect},

	{"Connection that is no list of tokens", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close x\r\n\r\n", errConnection},
	{"Connection in quotes", "GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"\r\n\r\n", errConnection},
	{"too many connection options", "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + strings.Repeat("a,", maxOptions) + "\r\nConnection: b\r\n\r\n", errOptions},

	{"long request line", "GET /" + strings.Repeat("a", 8<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", errStartLineTooLong},
	{"large head", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 32<<10) + "\r\n\r\n", errHeadTooLarge},
	{"many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: a\r\n", 100) + "\r\n", errTooManyFields},
	{"many fields that are dropped", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X_: a\r\n", 100) + "\r\n", errTooManyFields},
}

func TestRefusedRequests(t *testing.T) {
	lim := DefaultLimits()
	for _, c := range refusedRequests {
		t.Run(c.name, func(t *testing.T) {
			var req message.Request
			if err := ParseRequest(&req, []byte(c.head), &lim); err != c.want {
				t.Errorf("%.200q: %v, want %v", c.head, err, c.want)
			}
		})
	}
}

func TestStatusOfErrors(t *testing.T) {
	for err, want := range map[*Error]int{
		errBareLF: 400, errBothLengths: 400, errHost: 400, errNominated: 400, errChunkSize: 400,
		errStartLineTooLong: 414, errExpect: 417, errHeadTooLarge: 431, errTooManyFields: 431,
		errConnect: 501, errVersionUnknown: 505,
	} {
		if err.Status != want || err.Error() != err.Text || err.Text == "" {
			t.Errorf("%v: status %d, want %d", err, err.Status, want)
		}
	}
}

func TestLimitsAreExact(t *testing.T) {
	head := "GET /abc HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"
	exact := Limits{StartLine: len("GET /abc HTTP/1.1"), Head: len(head), Fields: 2}
	for _, c := range []struct {
		name string
		lim  Limits
		want error
	}{
		{"exact", exact, nil},
		{"request line", Limits{exact.StartLine - 1, exact.Head, exact.Fields, 0, 0, 0, false, false, false}, errStartLineTooLong},
		{"head", Limits{exact.StartLine, exact.Head - 1, exact.Fields, 0, 0, 0, false, false, false}, errHeadTooLarge},
		{"fields", Limits{exact.StartLine, exact.Head, exact.Fields - 1, 0, 0, 0, false, false, false}, errTooManyFields},
	} {
		var req message.Request
		if err := ParseRequest(&req, []byte(head), &c.lim); err != c.want {
			t.Errorf("%s: ParseRequest: %v, want %v", c.name, err, c.want)
		}
		var s HeadScanner
		if end, err := s.Scan([]byte(head), &c.lim); err != c.want || err == nil && end != len(head) {
			t.Errorf("%s: Scan: %d, %v, want %v", c.name, end, err, c.want)
		}
	}
}

func TestFieldsOfARequest(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost:a\r\nX-Empty:\r\nX-Blank: \t \r\nx-One:\t a\t b \t\r\nX_Under: c\r\n" +
		"X-Colon: a:b: c\r\nX-Text: \xe4\xff\r\nX-One: d\r\n!#$%&'*+-.^`|~: e\r\n\r\n"
	without := `Host: "a"
X-Empty: ""
X-Blank: ""
x-One: "a\t b"
X-Colon: "a:b: c"
X-Text: "\xe4\xff"
X-One: "d"
` + "!#$%&'*+-.^`|~: \"e\"\n"
	lim := DefaultLimits()
	var req message.Request
	if err := ParseRequest(&req, []byte(head), &lim); err != nil {
		t.Fatal(err)
	}
	if got := describeFields(&req.Fields); got != without {
		t.Errorf("fields are\n%s, want\n%s", got, without)
	}
	lim.Underscores = true
	if err := ParseRequest(&req, []byte(head), &lim); err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(without, "X-Colon", "X_Under: \"c\"\nX-Colon", 1)
	if got := describeFields(&req.Fields); got != with {
		t.Errorf("with underscores, fields are\n%s, want\n%s", got, with)
	}
	lim.PlainNames = true
	if err := ParseRequest(&req, []byte(head), &lim); err != nil {
		t.Fatal(err)
	}
	plain := with[:strings.Index(with, "!#$")]
	if got := describeFields(&req.Fields); got != plain {
		t.Errorf("with plain names, fields are\n%s, want\n%s", got, plain)
	}
}

// A spelling with underscores must never act as the field that it resembles.
func TestUnderscoresDoNotFrameOrRoute(t *testing.T) {
	lim := DefaultLimits()
	for _, lim.Underscores = range []bool{false, true} {
		var req message.Request
		head := "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n"
		if err := ParseRequest(&req, []byte(head), &lim); err != nil || req.Body != message.None {
			t.Errorf("underscores %v: body %d, %v", lim.Underscores, req.Body, err)
		}
	}
}

func TestParseRequestResetsAllButMaxBody(t *testing.T) {
	lim := DefaultLimits()
	req := message.Request{MaxBody: 7}
	full := "POST /a?b HTTP/1.1\r\nHost: a:1\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"
	if err := ParseRequest(&req, []byte(full), &lim); err != nil {
		t.Fatal(err)
	}
	req.Trailers.AddName("X", nil)
	if err := ParseRequest(&req, []byte("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), &lim); err != nil {
		t.Fatal(err)
	}
	if got, want := describe(&req), "GET / 1.0 host=\nConnection: \"keep-alive\"\n"; got != want {
		t.Errorf("after another request:\n%s, want\n%s", got, want)
	}
	if req.MaxBody != 7 || req.Trailers.Len() != 0 {
		t.Errorf("MaxBody is %d, there are %d trailers", req.MaxBody, req.Trailers.Len())
	}
	if err := ParseRequest(&req, []byte("?"), &lim); err == nil || req.Method != nil || req.Target != nil || req.Fields.Len() != 0 {
		t.Errorf("a refused request shows another: %v, %s", err, describe(&req))
	}
}
