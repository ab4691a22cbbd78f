package downstream

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// x/net reads its setting as the process starts, so the tests are run in another one.
func TestHTTP2WebSocket(t *testing.T) {
	const child = "SHOCKWAVE_TEST_EXTENDED_CONNECT"
	if os.Getenv(child) != "" {
		for name, test := range map[string]func(*testing.T){
			"tunnel": webSocketTunnel, "refused": webSocketRefused, "malformed": webSocketMalformed, "ends": webSocketEnds,
		} {
			t.Run(name, test)
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestHTTP2WebSocket$", "-test.v", "-test.timeout=60s", "-test.short")
	cmd.Env = append(os.Environ(), child+"=1", "GODEBUG=http2xconnect=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestHTTP2WebSocket") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// webSocket begins an extended CONNECT.
func (c *frames) webSocket(path string, more ...string) uint32 {
	return c.open(false, append([]string{
		":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "a", ":path", path, "sec-websocket-protocol", "chat",
	}, more...)...)
}

// echo answers 101 and sends back what comes, line by line, until the client ends. It
// ends in several ways.
func echo(t *testing.T) func(*message.Exchange) {
	return func(ex *message.Exchange) {
		r := &ex.Request
		key, _ := r.Fields.Lookup("Sec-WebSocket-Key")
		version, _ := r.Fields.Lookup("Sec-WebSocket-Version")
		if r.MethodID != message.GET || string(r.Method) != "GET" || string(r.UpgradeTo) != "websocket" || r.Body != message.None || len(key) != 24 || string(version) != "13" {
			t.Errorf("%s %s %q %v, key %q, version %q", r.Method, r.Target, r.UpgradeTo, r.Body, key, version)
		}
		if _, err := ex.NextBody(); err != io.EOF {
			t.Errorf("NextBody: %v", err)
		}
		if _, _, err := ex.Upgrade(); err == nil {
			t.Error("upgraded without a head")
		}
		ex.Response.Status = 101
		addTo(&ex.Response.Fields, "Upgrade", "websocket", "Connection", "upgrade", "Sec-WebSocket-Accept", "x", "Sec-WebSocket-Protocol", "chat")
		if err := ex.WriteHead(); err != nil {
			t.Errorf("WriteHead: %v", err)
		}
		tun, early, err := ex.Upgrade()
		if err == message.ErrClientGone && string(r.Path) == "/reset" {
			return
		}
		if err != nil || len(early) > 0 {
			t.Errorf("%q, %v", early, err)
			return
		}
		buf := make([]byte, 100)
		for {
			n, err := tun.Read(buf)
			switch {
			case err == io.EOF:
				_ = tun.CloseWrite()
				_ = tun.Close()
				return
			case err != nil:
				return
			}
			switch text := string(buf[:n]); text {
			case "bye":
				_ = tun.CloseWrite()
				if _, err := tun.Read(buf); err != io.EOF {
					t.Errorf("Read after CloseWrite: %v", err)
				}
				if _, err := tun.Write(buf); err == nil {
					t.Error("written after CloseWrite")
				}
				_ = tun.Close()
				return
			case "cut":
				time.AfterFunc(10*time.Millisecond, func() { _ = tun.Close() })
				if _, err := tun.Read(buf); err == nil || err == io.EOF {
					t.Errorf("Read after Close: %v", err)
				}
				return
			case "idle":
				tun.SetIdle(20 * time.Millisecond)
				if _, err := tun.Read(buf); err != message.ErrTimeout {
					t.Errorf("Read: %v", err)
				}
				return
			default:
				if _, err := tun.Write([]byte(strings.ToUpper(text))); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		}
	}
}

func webSocketTunnel(t *testing.T) {
	traces := make(chan message.Trace, 1)
	s := startHTTP2(t, Config{MaxBody: 1, Handler: funcs{serve: echo(t), observe: func(ex *message.Exchange) { traces <- ex.Trace }}})
	c := dialFrames(t, s.addr)
	c.until("SETTINGS", func() bool { return c.settings != nil })
	if c.settings[http2.SettingEnableConnectProtocol] != 1 {
		t.Error("extended CONNECT is not offered")
	}
	id := c.webSocket("/chat?room=1")
	a := c.streams[id]
	c.until("the tunnel is there", func() bool { return a.status != "" })
	_, accept := a.fields["sec-websocket-accept"]
	_, length := a.fields["content-length"]
	_, upgrade := a.fields["upgrade"]
	if a.status != "200" || a.fields["sec-websocket-protocol"] != "chat" || accept || length || upgrade {
		t.Errorf("%+v", a)
	}
	for _, text := range []string{"hello", "how are you"} {
		before := a.body
		c.data(id, false, text)
		c.until("an echo", func() bool { return a.body == before+strings.ToUpper(text) })
	}
	if n := s.Stats().Active; n != 1 {
		t.Errorf("%d active", n)
	}
	c.data(id, true, "")
	if c.wait(id); !a.ended {
		t.Errorf("%+v", a)
	}
	if tr := <-traces; tr.Status != 200 || tr.BodySent != 16 || tr.Received < 100 {
		t.Errorf("%+v", tr)
	}
}

func webSocketEnds(t *testing.T) {
	s := startHTTP2(t, Config{Handler: funcs{serve: echo(t)}})
	c := dialFrames(t, s.addr)
	for text, code := range map[string]http2.ErrCode{"bye": http2.ErrCodeNo, "cut": http2.ErrCodeInternal} {
		id := c.webSocket("/")
		c.data(id, false, text)
		a := c.streams[id]
		c.until("the stream is reset", func() bool { return a.reset })
		if a.ended != (code == http2.ErrCodeNo) || a.code != code {
			t.Errorf("%s: %+v", text, a)
		}
	}
	id := c.webSocket("/")
	c.data(id, false, "idle")
	c.wait(id)
	_ = c.fr.WriteRSTStream(c.webSocket("/reset"), http2.ErrCodeCancel)
	eventually(t, "all have ended", func() bool { return s.Stats().Idle == 1 })
	if st := s.Stats(); st.Panics != 0 {
		t.Errorf("%+v\n%s", st, s.log)
	}
}

// A 2xx that does not switch would be taken for a tunnel.
func webSocketRefused(t *testing.T) {
	s := startHTTP2(t, Config{Handler: byPath(map[string]func(*message.Exchange){
		"/403": func(ex *message.Exchange) {
			ex.Response.Status = 403
			_ = ex.WriteHead()
			_ = ex.Finish(nil)
		},
		"/early": func(ex *message.Exchange) {
			_ = ex.WriteInterim(103, nil)
			greet(ex)
		},
	})})
	c := dialFrames(t, s.addr)
	for path, status := range map[string]string{"/403": "403", "/200": "502", "/early": "502"} {
		if a := c.wait(c.webSocket(path)); a.status != status {
			t.Errorf("%s: %+v", path, a)
		}
	}
}

func webSocketMalformed(t *testing.T) {
	s := startHTTP2(t, Config{Handler: funcs{serve: func(*message.Exchange) { t.Error(errors.New("the handler was called")) }}})
	c := dialFrames(t, s.addr)
	for _, tc := range []struct {
		status string
		fields []string
	}{
		{"501", []string{":method", "CONNECT", ":protocol", "connect-udp", ":scheme", "http", ":authority", "a", ":path", "/"}},
		{"400", []string{":method", "GET", ":protocol", "websocket", ":scheme", "http", ":authority", "a", ":path", "/"}},
		{"400", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "a", ":path", "/", "content-length", "5"}},
		{"400", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/"}},
		{"501", []string{":method", "CONNECT", ":authority", "a:80"}},
		{"", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", "a", ":path", ""}},
	} {
		if a := c.wait(c.open(false, tc.fields...)); a.status != tc.status || a.reset != (tc.status == "") && a.code != http2.ErrCodeNo {
			t.Errorf("%q: %+v", tc.fields, a)
		}
	}
}
