package rawconn

import (
	"net"
	"testing"
)

func TestNormalizeDate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: @\r\nA: b\r\n\r\n"},
		{"x\r\nDate: Sun\r\ny\r\nDate: Mon\r\n", "x\r\nDate: @\r\ny\r\nDate: @\r\n"},
		{"x\r\nDate: Su", "x\r\nDate: "},
		{"x\r\nDate-Of: Sun\r\n", "x\r\nDate-Of: Sun\r\n"},
	} {
		if got := string(NormalizeDate([]byte(c.in))); got != c.want {
			t.Errorf("NormalizeDate(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestExpectInPieces(t *testing.T) {
	ours, peer := net.Pipe()
	c := New(t, ours)
	go func() {
		for _, p := range []string{"HTTP/1.1 200 OK\r", "\nDate: Sun, 06 ", "Nov 1994\r\n", "\r\nabc"} {
			_, _ = peer.Write([]byte(p))
		}
		_ = peer.Close()
	}()
	c.Expect("HTTP/1.1 200 OK\r\nDate: @\r\n\r\n")
	if got := c.Until("b"); got != "ab" {
		t.Fatalf("Until: %q", got)
	}
	c.Expect("c")
	c.ExpectEOF()
}
