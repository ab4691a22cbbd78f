package mixedload

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/race"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
)

var (
	lasts   = flag.Duration("duration", 2*time.Second, "how long the load lasts")
	workers = flag.Int("workers", 4, "clients of each listener")
)

// patience is how long a client waits for anything.
const patience = 20 * time.Second

// client is one worker of the load.
type client struct {
	to     *listener
	random *rand.Rand
	kept   [2]net.Conn // plain and TLS
	reader [2]*bufio.Reader
	marks  int
}

// op is one thing that a client does. It returns what was wrong.
type op struct {
	name   string
	weight int
	do     func(c *client) error
}

var ops = []op{
	{"get", 30, (*client).get},
	{"pipelined", 10, (*client).pipelined},
	{"post", 15, (*client).post},
	{"chunked post", 10, (*client).chunkedPost},
	{"in pieces", 4, (*client).inPieces},
	{"refused", 4, (*client).refused},
	{"client leaves", 6, (*client).leaves},
	{"upstream leaves", 4, (*client).upstreamLeaves},
	{"unread body", 4, (*client).unreadBody},
	{"tunnel", 4, (*client).tunnel},
}

func TestMixedLoad(t *testing.T) {
	site := newSite(t)
	before := alloc.ReadStats()
	counts := make([]atomic.Int64, len(ops))
	var wg sync.WaitGroup
	end := time.Now().Add(*lasts)
	for _, l := range site {
		for w := range *workers {
			wg.Go(func() {
				c := &client{to: l, random: rand.New(rand.NewPCG(uint64(l.mode), uint64(w)))}
				defer c.hangUp()
				for time.Now().Before(end) && !t.Failed() {
					i := pick(c.random)
					if err := ops[i].do(c); err != nil {
						t.Errorf("listener in mode %v: %s: %v", l.mode, ops[i].name, err)
						return
					}
					counts[i].Add(1)
				}
			})
		}
	}
	wg.Wait()
	for i, o := range ops {
		if counts[i].Load() == 0 {
			t.Errorf("%s never happened", o.name)
		}
		t.Logf("%8d × %s", counts[i].Load(), o.name)
	}
	for _, l := range site {
		_ = l.server.Close()
	}
	released(t, before)
}

// released fails unless all memory was given back, and every mode was used.
func released(t *testing.T, before [alloc.Modes]alloc.Stats) {
	var now [alloc.Modes]alloc.Stats
	left := func() (n int64) {
		now = alloc.ReadStats()
		for _, s := range now {
			n += s.BytesInUse
		}
		return n
	}
	for wait := time.Now().Add(5 * time.Second); left() != 0 && time.Now().Before(wait); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := left(); n != 0 {
		t.Errorf("%d bytes are still in use", n)
	}
	if err := inmodes.Released(); err != nil {
		t.Error(err)
	}
	for m, s := range now {
		t.Logf("%-9v %7d exchanges, %d beside their slab", alloc.Mode(m), s.Exchanges-before[m].Exchanges, s.Misses-before[m].Misses)
		if s.Exchanges == before[m].Exchanges {
			t.Errorf("no exchange in mode %v", alloc.Mode(m))
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pick(r *rand.Rand) int {
	total := 0
	for _, o := range ops {
		total += o.weight
	}
	n := r.IntN(total)
	for i, o := range ops {
		if n -= o.weight; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

// size is a size of a body: mostly small, and now and then of every order.
func (c *client) size() int {
	if race.Enabled {
		return c.random.IntN(1 << c.random.IntN(17))
	}
	return c.random.IntN(1 << c.random.IntN(21))
}

// host is the host of routes of a random mode.
func (c *client) host() string { return hostOf(alloc.Mode(c.random.IntN(alloc.Modes))) }

// mark is a field value that no other request has.
func (c *client) mark() string {
	c.marks++
	return fmt.Sprintf("%v-%p-%d-%s", c.to.mode, c, c.marks, strings.Repeat("m", c.random.IntN(300)))
}

// dial connects anew, with TLS every other time.
func (c *client) dial() (net.Conn, error) { return c.dialOn(c.random.IntN(2)) }

func (c *client) dialOn(secure int) (nc net.Conn, err error) {
	if secure == 1 {
		nc, err = tls.Dial("tcp", c.to.tls, &tls.Config{InsecureSkipVerify: true})
	} else {
		nc, err = net.Dial("tcp", c.to.plain)
	}
	if err == nil {
		err = nc.SetDeadline(time.Now().Add(patience))
	}
	return nc, err
}

// conn is a connection that the client keeps.
func (c *client) conn() (net.Conn, *bufio.Reader, error) {
	i := c.random.IntN(2)
	if c.kept[i] == nil {
		nc, err := c.dialOn(i)
		if err != nil {
			return nil, nil, err
		}
		c.kept[i], c.reader[i] = nc, bufio.NewReader(nc)
	}
	return c.kept[i], c.reader[i], c.kept[i].SetDeadline(time.Now().Add(patience))
}

func (c *client) hangUp() {
	for i, nc := range c.kept {
		if nc != nil {
			_ = nc.Close()
			c.kept[i] = nil
		}
	}
}

// answer reads a response whole.
func (c *client) answer(r *bufio.Reader, method string) (*http.Response, []byte, error) {
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return nil, nil, fmt.Errorf("read the head: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, nil, fmt.Errorf("read the body: %w", err)
	}
	if resp.Close {
		c.hangUp()
	}
	return resp, body, nil
}

// question is a GET with what should be answered.
type question struct {
	method, text, mark string
	body               []byte
}

func (c *client) question() question {
	n, seed, chunked := c.size(), c.random.IntN(1000), 0
	if c.random.IntN(3) == 0 {
		chunked = 1 + n/(1+c.random.IntN(8))
	}
	q := question{method: "GET", mark: c.mark(), body: content(uint64(seed), n)}
	if c.random.IntN(10) == 0 {
		q.method, q.body = "HEAD", nil
	}
	q.text = fmt.Sprintf("%s /bytes?n=%d&seed=%d&chunked=%d HTTP/1.1\r\nHost: %s\r\nX-Probe: %s\r\n\r\n",
		q.method, n, seed, chunked, c.host(), q.mark)
	return q
}

func (q question) check(resp *http.Response, body []byte) error {
	switch {
	case resp.StatusCode != 200:
		return fmt.Errorf("status %d: %.80q", resp.StatusCode, body)
	case resp.Header.Get("X-Echo") != q.mark:
		return fmt.Errorf("%q is not the answer to %q", resp.Header.Get("X-Echo"), q.mark)
	case !bytes.Equal(body, q.body):
		return fmt.Errorf("a body of %d bytes is not the one of %d bytes that was asked for", len(body), len(q.body))
	}
	return nil
}

func (c *client) get() error {
	nc, r, err := c.conn()
	if err != nil {
		return err
	}
	q := c.question()
	if _, err := io.WriteString(nc, q.text); err != nil {
		return err
	}
	resp, body, err := c.answer(r, q.method)
	if err != nil {
		return err
	}
	return q.check(resp, body)
}

func (c *client) pipelined() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	var all []question
	var text strings.Builder
	for range 1 + c.random.IntN(16) {
		q := c.question()
		all = append(all, q)
		text.WriteString(q.text)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(nc, text.String())
		sent <- err
	}()
	r := bufio.NewReader(nc)
	for _, q := range all {
		resp, body, err := c.answer(r, q.method)
		if err == nil {
			err = q.check(resp, body)
		}
		if err != nil {
			return err
		}
	}
	return <-sent
}

// sends writes a request with a body in pieces, and checks the sum.
func (c *client) sends(fields string, body []byte, write func(w io.Writer, body []byte) error) error {
	nc, r, err := c.conn()
	if err != nil {
		return err
	}
	mark := c.mark()
	sent := make(chan error, 1)
	head := fmt.Sprintf("POST /sum HTTP/1.1\r\nHost: %s\r\nX-Probe: %s\r\n%s\r\n", c.host(), mark, fields)
	go func() {
		_, err := io.WriteString(nc, head)
		if err == nil {
			err = write(nc, body)
		}
		sent <- err
	}()
	resp, got, err := c.answer(r, "POST")
	if err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	if want := fmt.Sprintf("%d %s %s", len(body), sum(body), mark); resp.StatusCode != 200 || string(got) != want {
		return fmt.Errorf("status %d, %.80q, want %.80q", resp.StatusCode, got, want)
	}
	return nil
}

func (c *client) post() error {
	body := content(uint64(c.random.IntN(1000)), c.size())
	return c.sends(fmt.Sprintf("Content-Length: %d\r\n", len(body)), body, func(w io.Writer, body []byte) error {
		_, err := w.Write(body)
		return err
	})
}

func (c *client) chunkedPost() error {
	piece := 1 + c.random.IntN(1<<c.random.IntN(17))
	body := content(uint64(c.random.IntN(1000)), min(c.size(), 200*piece))
	return c.sends("Transfer-Encoding: chunked\r\n", body, func(w io.Writer, body []byte) error {
		for len(body) > 0 {
			n := min(piece, len(body))
			if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", n, body[:n]); err != nil {
				return err
			}
			body = body[n:]
		}
		_, err := io.WriteString(w, "0\r\n\r\n")
		return err
	})
}

// inPieces sends a head a few bytes at a time.
func (c *client) inPieces() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	q := c.question()
	for text := q.text; text != ""; {
		n := min(len(text), 1+c.random.IntN(60))
		if _, err := io.WriteString(nc, text[:n]); err != nil {
			return err
		}
		text = text[n:]
		time.Sleep(time.Duration(c.random.IntN(500)) * time.Microsecond)
	}
	resp, body, err := c.answer(bufio.NewReader(nc), q.method)
	if err != nil {
		return err
	}
	return q.check(resp, body)
}

// refused sends what is no request, after one that is.
func (c *client) refused() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	q := c.question()
	bad := []string{
		"GET / HTTP/1.1\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\n",
		"\x16\x03\x01 ",
	}
	if _, err := io.WriteString(nc, q.text+bad[c.random.IntN(len(bad))]); err != nil {
		return err
	}
	r := bufio.NewReader(nc)
	resp, body, err := c.answer(r, q.method)
	if err == nil {
		err = q.check(resp, body)
	}
	if err != nil {
		return err
	}
	if resp, _, err = c.answer(r, "GET"); err != nil {
		return err
	}
	if resp.StatusCode/100 != 4 || !resp.Close {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// leaves goes away in the middle of a request or of a response.
func (c *client) leaves() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	if c.random.IntN(2) == 0 {
		_, err = fmt.Fprintf(nc, "POST /sum HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\n%s", c.host(), content(1, c.random.IntN(50000)))
		return err
	}
	if _, err := fmt.Fprintf(nc, "GET /bytes?n=900000 HTTP/1.1\r\nHost: %s\r\n\r\n", c.host()); err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, nc, int64(c.random.IntN(100000)))
	return nil
}

// upstreamLeaves sees a response cut short.
func (c *client) upstreamLeaves() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	if _, err := fmt.Fprintf(nc, "GET /cut HTTP/1.1\r\nHost: %s\r\n\r\n", c.host()); err != nil {
		return err
	}
	resp, body, err := c.answer(bufio.NewReader(nc), "GET")
	if err == nil && resp.StatusCode == 200 {
		return fmt.Errorf("a response that was cut has a clean end after %d bytes", len(body))
	}
	return nil
}

// unreadBody sends a body that nobody reads, with another request behind it.
func (c *client) unreadBody() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	body := content(1, c.random.IntN(30000))
	q := c.question()
	if _, err := fmt.Fprintf(nc, "POST /nowhere HTTP/1.1\r\nHost: unknown.test\r\nContent-Length: %d\r\n\r\n%s%s", len(body), body, q.text); err != nil {
		return err
	}
	r := bufio.NewReader(nc)
	resp, _, err := c.answer(r, "POST")
	if err != nil {
		return err
	}
	if resp.StatusCode != 404 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	resp, got, err := c.answer(r, q.method)
	if err != nil {
		return err
	}
	return q.check(resp, got)
}

// tunnel sends bytes through an upgraded connection and back.
func (c *client) tunnel() error {
	nc, err := c.dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	early := content(3, c.random.IntN(2000))
	if _, err := fmt.Fprintf(nc, "GET /tunnel HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n%s", c.host(), early); err != nil {
		return err
	}
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != 101 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	body := content(uint64(c.random.IntN(1000)), c.size())
	sent := make(chan error, 1)
	go func() {
		_, err := nc.Write(body)
		sent <- err
	}()
	want := append(early, body...)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes came back as others", len(want))
	}
	return <-sent
}
