package downstream

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// startHTTP2 is start with HTTP/2 on.
func startHTTP2(t testing.TB, cfg Config) *serving {
	t.Helper()
	cfg.HTTP2 = true
	return start(t, cfg)
}

// usual returns a client with prior knowledge of HTTP/2, as programs have it.
func usual(t testing.TB) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: rawconn.Patience}
}

// fetch sends a request and returns the response with its body.
func fetch(t testing.TB, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// frames is a client that sends the frames it is told to, and no others but
// acknowledgements and, unless it is stingy, windows.
type frames struct {
	t      testing.TB
	nc     net.Conn
	fr     *http2.Framer
	buf    bytes.Buffer
	enc    *hpack.Encoder
	next   uint32
	stingy bool

	settings map[http2.SettingID]uint32 // of the server
	streams  map[uint32]*answer
	goAway   *http2.GoAwayFrame
	pongs    bool
	err      error // that ended the connection
}

// answer is what came on a stream.
type answer struct {
	interim  []string // status codes
	status   string
	fields   map[string]string
	body     string
	trailers map[string]string
	frames   int
	ended    bool
	reset    bool
	code     http2.ErrCode
}

func (a *answer) over() bool { return a.ended || a.reset }

// dialFrames begins a connection in clear text.
func dialFrames(t testing.TB, addr string, settings ...http2.Setting) *frames {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, rawconn.Patience)
	if err != nil {
		t.Fatal(err)
	}
	return newFrames(t, nc, settings...)
}

func newFrames(t testing.TB, nc net.Conn, settings ...http2.Setting) *frames {
	t.Helper()
	t.Cleanup(func() { _ = nc.Close() })
	c := &frames{t: t, nc: nc, fr: http2.NewFramer(nc, nc), next: 1, streams: map[uint32]*answer{}}
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.fr.AllowIllegalWrites = true
	c.enc = hpack.NewEncoder(&c.buf)
	_ = nc.SetDeadline(time.Now().Add(2 * rawconn.Patience))
	if _, err := io.WriteString(nc, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.fr.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return c
}

// block encodes names and values by turns.
func (c *frames) block(fields ...string) []byte {
	c.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return c.buf.Bytes()
}

// open begins a stream with these fields, and ends our side of it with last.
func (c *frames) open(last bool, fields ...string) uint32 {
	c.t.Helper()
	id := c.next
	c.next += 2
	c.streams[id] = &answer{}
	block := c.block(fields...)
	const most = 16 << 10
	first := block[:min(len(block), most)]
	block = block[len(first):]
	_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: last, EndHeaders: len(block) == 0})
	for len(block) > 0 {
		part := block[:min(len(block), most)]
		block = block[len(part):]
		_ = c.fr.WriteContinuation(id, len(block) == 0, part)
	}
	return id
}

// get begins a request that is whole.
func (c *frames) get(path string, more ...string) uint32 {
	c.t.Helper()
	return c.open(true, append([]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", path}, more...)...)
}

// post begins a request with a body.
func (c *frames) post(path string, more ...string) uint32 {
	c.t.Helper()
	return c.open(false, append([]string{":method", "POST", ":scheme", "http", ":authority", "a", ":path", path}, more...)...)
}

func (c *frames) data(id uint32, last bool, data string) {
	_ = c.fr.WriteData(id, last, []byte(data))
}

// pump reads one frame. It tells whether there was one.
func (c *frames) pump() bool {
	c.t.Helper()
	if c.err != nil {
		return false
	}
	f, err := c.fr.ReadFrame()
	if err != nil {
		c.err = err
		return false
	}
	a := c.streams[f.Header().StreamID]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			break
		}
		c.settings = map[http2.SettingID]uint32{}
		_ = f.ForeachSetting(func(s http2.Setting) error { c.settings[s.ID] = s.Val; return nil })
		_ = c.fr.WriteSettingsAck()
	case *http2.PingFrame:
		if c.pongs = f.IsAck(); !c.pongs {
			_ = c.fr.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		c.goAway = f
	case *http2.MetaHeadersFrame:
		a.take(f)
	case *http2.DataFrame:
		a.frames++
		a.body += string(f.Data())
		a.ended = a.ended || f.StreamEnded()
		if n := uint32(len(f.Data())); n > 0 && !c.stingy {
			_ = c.fr.WriteWindowUpdate(0, n)
			if !f.StreamEnded() {
				_ = c.fr.WriteWindowUpdate(f.StreamID, n)
			}
		}
	case *http2.RSTStreamFrame:
		a.reset, a.code = true, f.ErrCode
	}
	return true
}

func (a *answer) take(f *http2.MetaHeadersFrame) {
	a.frames++
	fields := map[string]string{}
	for _, hf := range f.RegularFields() {
		if v, ok := fields[hf.Name]; ok {
			hf.Value = v + "|" + hf.Value
		}
		fields[hf.Name] = hf.Value
	}
	status := f.PseudoValue("status")
	switch {
	case a.status != "":
		a.trailers = fields
	case status[0] == '1':
		a.interim = append(a.interim, status+" "+fields["link"])
	default:
		a.status, a.fields = status, fields
	}
	a.ended = a.ended || f.StreamEnded()
}

// until reads frames until ok.
func (c *frames) until(what string, ok func() bool) {
	c.t.Helper()
	for !ok() {
		if !c.pump() {
			c.t.Fatalf("never: %s: %v", what, c.err)
		}
	}
}

// ping reads what the server has sent before it answers a PING.
func (c *frames) ping() {
	c.t.Helper()
	c.pongs = false
	_ = c.fr.WritePing(false, [8]byte{1})
	c.until("the answer to a PING", func() bool { return c.pongs })
}

// wait reads until a stream is over.
func (c *frames) wait(id uint32) *answer {
	c.t.Helper()
	a := c.streams[id]
	c.until("the stream is over", a.over)
	return a
}

// end reads until the server closes the connection.
func (c *frames) end() {
	c.t.Helper()
	for c.pump() {
	}
	if err, ok := c.err.(net.Error); ok && err.Timeout() {
		c.t.Fatal("the connection was not closed")
	}
}
