package http11

import (
	"net/http"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

func TestWrite(t *testing.T) {
	var f message.Fields
	f.AddName("X-One", []byte("a"))
	f.Add(message.Cookie, []byte("b"))
	f.AddName("X-Two", nil)
	f.Del(message.Cookie)
	b := func(s string) []byte { return []byte(s) }
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{AppendRequestLine(b("x"), b("GET"), b("/a"), b("b"), true), "xGET /a?b HTTP/1.1\r\n"},
		{AppendRequestLine(nil, b("GET"), b("/a"), nil, true), "GET /a? HTTP/1.1\r\n"},
		{AppendRequestLine(nil, b("GET"), b("/a"), nil, false), "GET /a HTTP/1.1\r\n"},
		{AppendStatusLine(b("x"), 200, nil), "xHTTP/1.1 200 OK\r\n"},
		{AppendStatusLine(nil, 200, b("Fine")), "HTTP/1.1 200 Fine\r\n"},
		{AppendStatusLine(nil, 404, nil), "HTTP/1.1 404 Not Found\r\n"},
		{AppendStatusLine(nil, 599, nil), "HTTP/1.1 599 Unknown\r\n"},
		{AppendField(b("x"), "A", b("b")), "xA: b\r\n"},
		{AppendFieldBytes(b("x"), b("A"), nil), "xA: \r\n"},
		{AppendFields(b("x"), &f), "xX-One: a\r\nX-Two: \r\n"},
		{AppendChunkHeader(b("x"), 0x1a), "x1a\r\n"},
		{AppendLastChunk(b("x"), nil), "x0\r\n\r\n"},
		{AppendLastChunk(nil, &f), "0\r\nX-One: a\r\nX-Two: \r\n\r\n"},
		{AppendInt(b("x"), 1<<62), "x4611686018427387904"},
	} {
		if string(c.got) != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestStatusText(t *testing.T) {
	for status := -1; status < 1001; status++ {
		want := http.StatusText(status)
		if want == "" {
			want = "Unknown"
		}
		if got := StatusText(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}
