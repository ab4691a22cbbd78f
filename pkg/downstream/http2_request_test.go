package downstream

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// describe answers with what the handler sees of a request.
func describe(ex *message.Exchange) {
	var b strings.Builder
	r := &ex.Request
	b.Write(r.Method)
	b.WriteString(" " + string(r.Target) + " " + string(r.Authority) + "\n")
	for i := range r.Fields.Len() {
		if _, name, value, ok := r.Fields.At(i); ok {
			b.WriteString(string(name) + ": " + string(value) + "\n")
		}
	}
	for {
		data, err := ex.NextBody()
		b.Write(data)
		if err == io.EOF {
			break
		}
		if err != nil {
			b.WriteString("\n" + err.Error())
			break
		}
	}
	for i := range r.Trailers.Len() {
		if _, name, value, ok := r.Trailers.At(i); ok {
			b.WriteString("\ntrailer " + string(name) + ": " + string(value))
		}
	}
	respond(ex, []byte(b.String()))
}

// A request is the same to the handler whether it came with TLS or without.
func TestHTTP2Request(t *testing.T) {
	var mu sync.Mutex
	sessions := map[*message.Session]int{}
	handler := funcs{serve: func(ex *message.Exchange) {
		mu.Lock()
		sessions[ex.Session]++
		mu.Unlock()
		r := &ex.Request
		if !r.HTTP2 || r.Minor != 1 || r.Close || !ex.Remote.IsValid() || !ex.Local.IsValid() || ex.Start.IsZero() || ex.HeadRead.IsZero() {
			t.Errorf("%+v", ex)
		}
		if ex.TLS != nil && ex.TLS.NegotiatedProtocol != "h2" {
			t.Errorf("%+v", ex.TLS)
		}
		describe(ex)
	}}
	plain, sealed := startHTTP2(t, Config{Handler: handler}), startTLS(t, Config{Handler: handler, HTTP2: true})
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(tr.CloseIdleConnections)
	for url, client := range map[string]*http.Client{"http://" + plain.addr: usual(t), "https://" + sealed.addr: {Transport: tr}} {
		for range 2 {
			req := request(t, "POST", url+"/a%20b//c?q=1", "some body")
			req.Host = "Shop.example:8080"
			req.Header = http.Header{"X-Two": {"1", "2"}, "Cookie": {"a=1", "b=2"}, "User-Agent": {"test"}, "A_b": {"dropped"}}
			resp, body := fetch(t, client, req)
			const want = "POST /a%20b//c?q=1 Shop.example:8080\nHost: Shop.example:8080\nAccept-Encoding: gzip\nContent-Length: 9\n" +
				"Cookie: a=1; b=2\nUser-Agent: test\nX-Two: 1\nX-Two: 2\nsome body"
			if body != want || resp.ProtoMajor != 2 {
				t.Errorf("%s: %s %q", url, resp.Proto, body)
			}
		}
	}
	mu.Lock()
	if len(sessions) != 2 {
		t.Errorf("sessions: %v", sessions)
	}
	mu.Unlock()
	for _, s := range []*serving{plain, sealed} {
		eventually(t, "the connection is idle", func() bool { return s.Stats().Idle == 1 })
		if st := s.Stats(); st.Requests != 2 || st.Accepted != 1 || st.Received < 300 || st.Sent < 300 || st.Panics != 0 {
			t.Errorf("%+v", st)
		}
	}
}

// What HTTP/1.1 refuses is refused here, and nothing gets past that because it is not
// written in lines.
func TestHTTP2RequestsThatAreRefused(t *testing.T) {
	var mu sync.Mutex
	var refusals []string
	limits := http11.DefaultLimits()
	limits.Head = 2000
	limits.StartLine = 1000
	limits.Fields = 20
	s := startHTTP2(t, Config{Limits: limits, MaxBody: 1000, Handler: funcs{serve: greet, observe: func(ex *message.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		refusals = append(refusals, ex.Trace.Refusal)
	}}})
	with := func(path string, more ...string) []string {
		return append([]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", path}, more...)
	}
	const byUs, byLibrary = true, false
	many := with("/")
	for range 21 {
		many = append(many, "x", "y")
	}
	for _, c := range []struct {
		name    string
		fields  []string
		status  string // or RST_STREAM
		refused bool   // after which the observer hears of it
	}{
		{"nothing wrong", with("/"), "200", byUs},
		{"a space in :path", with("/a HTTP/1.1"), "400", byUs},
		{"a fragment", with("/a#b"), "400", byUs},
		{"a byte beyond ASCII", with("/\xff"), "400", byUs},
		{"a line end in :path", with("/ HTTP/1.1\r\nx: y"), "", byLibrary},
		{"no slash", with("a"), "", byLibrary},
		{"no path", with(""), "", byLibrary},
		{"absolute-form", with("http://b/"), "", byLibrary},
		{"an asterisk for GET", with("*"), "400", byUs},
		{"a long target", with("/" + strings.Repeat("a", 1000)), "414", byUs},
		{"no authority", []string{":method", "GET", ":scheme", "http", ":path", "/"}, "400", byUs},
		{"no scheme", []string{":method", "GET", ":authority", "a", ":path", "/"}, "", byLibrary},
		{"a method in two words", []string{":method", "GET /", ":scheme", "http", ":authority", "a", ":path", "/"}, "400", byUs},
		{"no method", []string{":scheme", "http", ":authority", "a", ":path", "/"}, "", byLibrary},
		{"a malformed authority", []string{":method", "GET", ":scheme", "http", ":authority", "a..b", ":path", "/"}, "400", byUs},
		{"a user in the authority", []string{":method", "GET", ":scheme", "http", ":authority", "u@a", ":path", "/"}, "", byLibrary},
		{"Host in place of :authority", []string{":method", "GET", ":scheme", "http", ":path", "/", "host", "a"}, "200", byUs},
		{"the same Host", with("/", "host", "a"), "200", byUs},
		{"another Host", with("/", "host", "b"), "", byLibrary},
		{"two Hosts", with("/", "host", "a", "host", "a"), "", byLibrary},
		{"two paths", with("/", ":path", "/b"), "", byLibrary},
		{"an unknown pseudo-header field", with("/", ":x", "y"), "", byLibrary},
		{"a pseudo-header field too late", []string{":method", "GET", ":scheme", "http", "x", "y", ":path", "/"}, "", byLibrary},
		{"an upper-case name", with("/", "X", "y"), "", byLibrary},
		{"a name with a colon", with("/", "x:", "y"), "", byLibrary},
		{"a name with a line end", with("/", "x\r\ny", "z"), "", byLibrary},
		{"a value with a line end", with("/", "x", "y\r\nhost: b"), "", byLibrary},
		{"a value with NUL", with("/", "x", "y\x00"), "", byLibrary},
		{"Connection", with("/", "connection", "close"), "400", byLibrary},
		{"Upgrade", with("/", "upgrade", "websocket"), "400", byLibrary},
		{"Transfer-Encoding", with("/", "transfer-encoding", "chunked"), "400", byLibrary},
		{"TE: trailers", with("/", "te", "trailers"), "200", byUs},
		{"another TE", with("/", "te", "gzip"), "400", byLibrary},
		{"a length that is none", with("/", "content-length", "+1"), "400", byUs},
		{"a list of lengths", with("/", "content-length", "0, 0"), "400", byUs},
		{"two lengths", with("/", "content-length", "0", "content-length", "0"), "400", byUs},
		{"a length without a body", with("/", "content-length", "5"), "400", byUs},
		{"another expectation", with("/", "expect", "wonders"), "417", byUs},
		{"too many fields", many, "431", byUs},
		{"a large head", with("/", "x", strings.Repeat("y", 2000)), "431", byUs},
		{"a larger one", with("/", "x", strings.Repeat("y", 3000), "x", strings.Repeat("y", 3000)), "431", byLibrary},
		{"CONNECT", []string{":method", "CONNECT", ":authority", "a:80"}, "501", byUs},
		{"CONNECT with a protocol that is not on", []string{":method", "CONNECT", ":scheme", "http", ":authority", "a", ":path", "/", ":protocol", "websocket"}, "", byLibrary},
	} {
		t.Run(c.name, func(t *testing.T) {
			mu.Lock()
			refusals = nil
			mu.Unlock()
			cl := dialFrames(t, s.addr)
			a := cl.wait(cl.open(true, c.fields...))
			if a.status != c.status || a.reset != (c.status == "") || a.reset && a.code != http2.ErrCodeProtocol {
				t.Errorf("%+v", a)
			}
			mu.Lock()
			heard := refusals
			mu.Unlock()
			if (len(heard) == 1) != c.refused || c.refused && (heard[0] == "") != (c.status == "200") {
				t.Errorf("observed: %q", heard)
			}
			if ok := cl.wait(cl.get("/")); ok.status != "200" || ok.body != "hello" {
				t.Errorf("after that the connection has %+v", ok)
			}
		})
	}
	t.Run("a body that is announced too long", func(t *testing.T) {
		c := dialFrames(t, s.addr)
		if a := c.wait(c.post("/", "content-length", "1001")); a.status != "413" {
			t.Errorf("%+v", a)
		}
	})
}

func TestHTTP2RequestBodies(t *testing.T) {
	s := startHTTP2(t, Config{MaxBody: 20, Handler: funcs{serve: describe}})
	c := dialFrames(t, s.addr)
	const head = "POST / a\nHost: a\n"
	for _, tc := range []struct {
		name  string
		want  string
		begin func() uint32
	}{
		{"a length", "Content-Length: 6\nabcdef", func() uint32 {
			id := c.post("/", "content-length", "6")
			c.data(id, false, "abc")
			c.data(id, true, "def")
			return id
		}},
		{"no length", "abcdef", func() uint32 {
			id := c.post("/")
			c.data(id, false, "abc")
			c.data(id, false, "")
			c.data(id, true, "def")
			return id
		}},
		{"an empty body", "", func() uint32 {
			id := c.post("/")
			c.data(id, true, "")
			return id
		}},
		{"trailers", "abc\ntrailer X-One: 1", func() uint32 {
			id := c.post("/", "trailer", "x-one, authorization, x-two")
			c.data(id, false, "abc")
			_ = c.fr.WriteHeaders(http2.HeadersFrameParam{
				StreamID: id, EndHeaders: true, EndStream: true,
				BlockFragment: c.block("x-one", "1", "x-not-announced", "2"),
			})
			return id
		}},
		{"too long", "\n" + message.ErrBodyTooLarge.Error(), func() uint32 {
			id := c.post("/")
			c.data(id, true, strings.Repeat("x", 21))
			return id
		}},
		{"shorter than announced", "Content-Length: 6\nabc\n" + message.ErrBodyMalformed.Error(), func() uint32 {
			id := c.post("/", "content-length", "6")
			c.data(id, true, "abc")
			return id
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := c.wait(tc.begin()); a.status != "200" || a.body != head+tc.want {
				t.Errorf("%+v\nwant %q", a, head+tc.want)
			}
		})
	}
	t.Run("longer than announced", func(t *testing.T) {
		id := c.post("/", "content-length", "2")
		c.data(id, true, "abc")
		if a := c.wait(id); !a.reset || a.code != http2.ErrCodeProtocol {
			t.Errorf("%+v", a)
		}
	})
}

// The client is asked for its body when somebody reads it, once.
func TestHTTP2ExpectContinue(t *testing.T) {
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		if string(ex.Request.Path) == "/refuse" {
			ex.DropBody()
			greet(ex)
			return
		}
		describe(ex)
	}}})
	c := dialFrames(t, s.addr)
	id := c.post("/read", "expect", "100-continue", "content-length", "3")
	c.until("it is asked", func() bool { return len(c.streams[id].interim) > 0 })
	c.data(id, true, "abc")
	if a := c.wait(id); a.status != "200" || !strings.HasSuffix(a.body, "abc") || len(a.interim) != 1 || a.interim[0] != "100 " {
		t.Errorf("%+v", a)
	}
	id = c.post("/refuse", "expect", "100-continue", "content-length", "3")
	if a := c.wait(id); a.status != "200" || len(a.interim) != 0 {
		t.Errorf("%+v", a)
	}
}

// HTTP/2 in clear text begins with the first byte of a connection, where it is on, and
// never with an Upgrade.
func TestHTTP2Preface(t *testing.T) {
	const preface, refused = http2.ClientPreface, "HTTP/1.1 505 HTTP Version Not Supported\r\n"
	off, on := start(t, Config{}), startHTTP2(t, Config{})
	for name, begin := range map[string]func() *rawconn.Conn{
		"off": func() *rawconn.Conn {
			c := rawconn.Dial(t, off.addr)
			c.Send(preface)
			return c
		},
		"after a request": func() *rawconn.Conn {
			c := rawconn.Dial(t, on.addr)
			c.Send(get)
			c.Expect(hello)
			c.Send(preface)
			return c
		},
		"behind a request": func() *rawconn.Conn {
			c := rawconn.Dial(t, on.addr)
			c.Send(get + preface)
			c.Expect(hello)
			return c
		},
		"after an empty line": func() *rawconn.Conn {
			c := rawconn.Dial(t, on.addr)
			c.Send("\r\n" + preface)
			return c
		},
		"in TLS, where http/1.1 was agreed on": func() *rawconn.Conn {
			s := startTLS(t, Config{HTTP2: true})
			c := rawconn.DialTLS(t, s.addr, &tls.Config{InsecureSkipVerify: true})
			c.Send(preface)
			return c
		},
	} {
		t.Run(name, func(t *testing.T) { begin().Expect(refused) })
	}
	t.Run("Upgrade", func(t *testing.T) {
		c := rawconn.Dial(t, on.addr)
		c.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
		c.Expect(hello)
	})
	t.Run("in pieces", func(t *testing.T) {
		nc, err := net.Dial("tcp", on.addr)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(preface) - 1 {
			if _, err := nc.Write([]byte(preface[i : i+1])); err != nil {
				t.Fatal(err)
			}
		}
		c := newFrames(t, &withoutPreface{Conn: nc, rest: preface[len(preface)-1:]})
		if a := c.wait(c.get("/")); a.body != "hello" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("and no more", func(t *testing.T) {
		c := rawconn.Dial(t, on.addr)
		c.Send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
		_, _ = c.Rest() // the server's SETTINGS, and the end
	})
}

// withoutPreface writes rest in place of the first write.
type withoutPreface struct {
	net.Conn
	rest string
}

func (c *withoutPreface) Write(p []byte) (int, error) {
	if c.rest != "" {
		_, err := io.WriteString(c.Conn, c.rest)
		c.rest = ""
		return len(p), err
	}
	return c.Conn.Write(p)
}
