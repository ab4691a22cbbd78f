package http11

import (
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// fieldsOf parses field lines that are separated by "|".
func fieldsOf(t testing.TB, lines string) *message.Fields {
	t.Helper()
	f, b := new(message.Fields), []byte(strings.ReplaceAll(lines, "|", "\r\n")+"\r\n\r\n")
	f.Reset(b)
	if err := parseFields(f, b, 0, 1000, 0, errTooManyFields); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return f
}

// line is describeFields in the form that fieldsOf reads.
func line(f *message.Fields) string {
	var b []byte
	b = AppendFields(b, f)
	return strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "|"), "|")
}

func TestStripRequest(t *testing.T) {
	for _, c := range []struct{ name, fields, want string }{
		{"nothing to do", "Host: a|X: b", "Host: a|X: b"},
		{"those of the connection (RFC 9110, 7.6.1)",
			"Host: a|Connection: close|Keep-Alive: b|Proxy-Connection: c|TE: d|Trailer: e|Transfer-Encoding: chunked|Upgrade: f|HTTP2-Settings: g",
			"Host: a"},
		{"those for a proxy", "Proxy-Authorization: a|Proxy-Authenticate: b|X: c", "X: c"},
		{"in any case", "connection: x|UPGRADE: b|X: c", ""},
		{"nominated", "Connection: close, X-One ,,x-TWO|X-One: a|X-Three: b|X-Two: c|x-one: d", "X-Three: b"},
		{"nominated by the second", "Connection: close|X-One: a|Connection: x-one", ""},
		{"nominated, and known", "Connection: Referer|Referer: a|Accept: b", "Accept: b"},
		{"nominated but absent", "Connection: x|Y: a", "Y: a"},
		{"Connection itself", "Connection: connection, x|X: a|Y: b", "Y: b"},
		{"a part of a name is none", "Connection: X|X-One: a", "X-One: a"},
		{"as many as may be", "Connection: " + strings.Repeat("x,", maxOptions) + "|X: a|Y: b", "Y: b"},
		{"names like those that are guarded", "Connection: X-Forwarded, X-Forwarded-, Hosts|X-Forwarded: a|X-Forwarded-: b|Hosts: c", ""},
	} {
		f := fieldsOf(t, c.fields)
		if err := StripRequest(f); err != nil || line(f) != c.want {
			t.Errorf("%s: %s\nbecomes %q, %v; want %q", c.name, c.fields, line(f), err, c.want)
		}
	}
}

func TestStripRequestRefuses(t *testing.T) {
	for _, guarded := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Authorization", "Cookie", "Expect", "Forwarded",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Real-IP",
		"X-Request-ID", "X-Scheme", "X-Original-Forwarded-For", "X-Original-Forwarded-Host",
		"X-Forwarded-Prefix", "x-forwarded-client-cert", "X-Original-URL",
	} {
		for _, connection := range []string{guarded, strings.ToUpper(guarded), "close, x," + strings.ToLower(guarded)} {
			if err := StripRequest(fieldsOf(t, "X: a|Connection: "+connection)); err != errNominated {
				t.Errorf("Connection: %s (CVE-2024-45410): %v, want %v", connection, err, errNominated)
			}
		}
	}
	for fields, want := range map[string]error{
		"Connection: a b":                                               errConnection,
		"Connection: close|Connection: a;b":                             errConnection,
		"Connection: " + strings.Repeat("x,", maxOptions) + "y":         errOptions,
		strings.Repeat("Connection: x|", maxOptions) + "Connection: y|": errOptions,
	} {
		if err := StripRequest(fieldsOf(t, strings.TrimSuffix(fields, "|"))); err != want {
			t.Errorf("%s: %v, want %v", fields, err, want)
		}
	}
}

func TestStripResponse(t *testing.T) {
	f := fieldsOf(t, "Server: a|Connection: Server, x-one, Set-Cookie|X-One: b|Set-Cookie: c|Keep-Alive: d|X-Two: e|Proxy-Authenticate: f")
	if err := StripResponse(f); err != nil || line(f) != "X-Two: e" {
		t.Errorf("what is left is %q, %v", line(f), err)
	}
	if err := StripResponse(fieldsOf(t, "Connection: a b")); err != errConnection {
		t.Errorf("%v, want %v", err, errConnection)
	}
}
