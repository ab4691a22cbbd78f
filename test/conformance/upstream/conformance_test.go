package upstream_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

func TestCases(t *testing.T) {
	cases := readCases(t)
	for _, c := range cases {
		name := fmt.Sprintf("%s:%d %s", c.file, c.line, c.name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, c)
		})
		c.scene.mixed = true
		t.Run(name+", modes mixed", func(t *testing.T) {
			t.Parallel()
			play(t, c)
		})
	}
	t.Logf("%d cases", len(cases))
}

// play has one conversation.
func play(t *testing.T, c testCase) {
	s := newSite(t, c.scene)
	client := s.client()
	var up *rawconn.Conn
	ended, over := false, false // the client's connection, the upstream's
	for _, st := range c.steps {
		text := s.text(st.text)
		switch st.word {
		case ">":
			client.Send(text)
		case "<":
			client.Expect(text)
		case "page":
			expectPage(t, client, text)
		case "fin":
			client.CloseWrite()
		case "quit":
			client.Close()
			ended = true
		case "eof":
			client.ExpectEOF()
			ended = true
		case "reset":
			client.ExpectReset()
			ended = true
		case "accept":
			up, over = s.accept(), false
		case ">>":
			up.Expect(text)
		case "<<":
			up.Send(text)
		case "up-fin":
			up.CloseWrite()
		case "up-close":
			up.Close()
			over = true
		case "up-reset":
			_ = up.NetConn().(*net.TCPConn).SetLinger(0)
			up.Close()
			over = true
		case "gone":
			if rest, _ := up.Rest(); rest != "" {
				t.Fatalf("the upstream got %q before the end", rest)
			}
			over = true
		case "unasked", "dialled":
			if n := fmt.Sprint(s.dials.Load()); n != text && (n != "0" || text != "") {
				t.Fatalf("%s connections were made, want %q", n, text)
			}
			over = true
		case "closed":
			s.closed(text)
			over = true
		}
	}
	if over || c.scene.endpoints > 1 {
		return
	}
	if ended {
		client = s.client()
	}
	client.Send(s.text("GET /probe HTTP/1.1\\r\\n{me}\\r\\n"))
	up.Expect(s.text("GET /probe HTTP/1.1\\r\\n{fwd}\\r\\n"))
	up.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nprobe")
	client.Expect("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 5\r\n\r\nprobe")
	client.ExpectSilence(time.Millisecond)
}

// expectPage reads an answer of the proxy's own.
func expectPage(t *testing.T, c *rawconn.Conn, status string) {
	t.Helper()
	head := c.Until("\r\n\r\n")
	var code, length int
	if _, err := fmt.Sscanf(head, "HTTP/1.1 %d", &code); err != nil || fmt.Sprint(code) != status {
		t.Fatalf("got %q, want the proxy's answer with status %s", head, status)
	}
	_, rest, _ := strings.Cut(head, "Content-Length: ")
	if _, err := fmt.Sscanf(rest, "%d", &length); err != nil {
		t.Fatalf("no length in %q", head)
	}
	if body := c.Until("</html>\n"); len(body) != length {
		t.Fatalf("%d bytes of body, announced %d", len(body), length)
	}
}
