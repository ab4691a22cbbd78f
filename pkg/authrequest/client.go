package authrequest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Bounds.
const (
	// mostAsking is how many questions may be open at a time.
	mostAsking = 8192
	// mostConnections is how many connections one service has, at most; mostIdle and
	// mostIdleOfAll are how many are kept of one and of all.
	mostConnections = 512
	mostIdle        = 64
	mostIdleOfAll   = 1024
	idleTime        = 60 * time.Second
	// mostHead and mostFields bound the head of an answer, and what of it is used.
	mostHead   = 64 << 10
	mostFields = 32 << 10
	// mostBody is read of an answer's body, for bodyTime at most, so that the
	// connection can be kept. Nobody wants the body.
	mostBody = 16 << 10
	bodyTime = 100 * time.Millisecond
	// handshakeTime bounds the beginning of TLS.
	handshakeTime = 10 * time.Second
)

// Errors of Ask, besides those of the connection and of the context.
var (
	ErrBusy    = errors.New("too many requests wait for services that decide about access")
	ErrURL     = errors.New("the URL that is to be asked is none")
	ErrAddress = errors.New("an address of this machine, of its link or of its cloud must not be asked")
	ErrAnswer  = errors.New("the answer has fields that are too large or cannot be passed on")
)

// Client asks services. The zero value is ready.
type Client struct {
	// Local lets services be at addresses of this machine and of its link, which
	// authors of Ingresses have no business with otherwise: the proxy's own
	// administration is there, and in clouds the keys of the machine. It is set before
	// the first question.
	Local bool
	// Logger is told why services cannot be asked, once in a while. nil: slog.Default.
	Logger *slog.Logger

	once                 sync.Once
	verified, unverified http.Transport
	asking               atomic.Int64
	cache                cache
	told                 atomic.Int64 // when, in seconds
	untold               atomic.Int64 // failures since then
}

// Question is what a service is asked.
type Question struct {
	Method, URL string
	// Host is the value of that field, empty for that of the URL.
	Host string
	// Fields are the others. They belong to the client from then on.
	Fields http.Header
	// Unverified takes any certificate.
	Unverified bool
	// Connect bounds the making of a connection.
	Connect time.Duration
	// Wanted are the names of the fields of the answer that matter.
	Wanted []string

	// Key is the same for questions that have one answer. Empty: nothing is remembered.
	// Durations say how long an answer holds.
	Key       string
	Durations Durations
}

// Answer is what a service said. It may be shared: nobody may change it.
type Answer struct {
	Status int
	// Fields are the values of the fields that were wanted, in their order. Those of
	// fields that are repeated are one list; what is absent is empty.
	Fields []string
	// Challenge is the value of WWW-Authenticate, Cookies are those of Set-Cookie.
	Challenge string
	Cookies   []string
}

// Allows tells whether the request may pass.
func (a *Answer) Allows() bool { return a.Status >= 200 && a.Status < 300 }

func (c *Client) init() {
	for _, t := range []*http.Transport{&c.verified, &c.unverified} {
		t.DialContext = c.dial
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		t.TLSHandshakeTimeout = handshakeTime
		t.DisableCompression = true // the client's Accept-Encoding is passed on
		t.MaxConnsPerHost = mostConnections
		t.MaxIdleConnsPerHost = mostIdle
		t.MaxIdleConns = mostIdleOfAll
		t.IdleConnTimeout = idleTime
		t.MaxResponseHeaderBytes = mostHead
	}
	// The author of the Ingress asks for it, or nginx's behaviour is (proxy_ssl_verify
	// is off by default).
	c.unverified.TLSClientConfig.InsecureSkipVerify = true
}

// connectTime is the key of Question.Connect in a context.
type connectTime struct{}

// dial makes a connection. Its context is one of the questions that wait for it.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	d.Timeout, _ = ctx.Value(connectTime{}).(time.Duration)
	if !c.Local {
		// It is checked what a name resolved to, and nothing else is connected to.
		d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return refuse(address) }
	}
	return d.DialContext(ctx, network, address)
}

// refuse fails for addresses that must not be asked.
func refuse(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !model.Outward(to.Addr()) {
		return fmt.Errorf("%w: %v", ErrAddress, to.Addr().Unmap())
	}
	return nil
}

// Ask asks, unless an answer is remembered. The context bounds it in time.
func (c *Client) Ask(ctx context.Context, q *Question) (*Answer, error) {
	c.once.Do(c.init)
	var key digest
	if q.Key != "" {
		key = digestOf(q.Key)
		if known := c.cache.get(key, time.Now()); known != nil {
			return known, nil
		}
	}
	if c.asking.Add(1) > mostAsking {
		c.asking.Add(-1)
		return nil, ErrBusy
	}
	defer c.asking.Add(-1)
	answer, head, err := c.ask(ctx, q)
	if err != nil && !errors.Is(err, context.Canceled) { // as it is when a client leaves
		c.tell(q, err)
	}
	if err == nil && q.Key != "" {
		c.cache.put(key, answer, q.Durations.of(answer, head), time.Now())
	}
	return answer, err
}

func (c *Client) ask(ctx context.Context, q *Question) (*Answer, http.Header, error) {
	u, err := url.Parse(q.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, nil, ErrURL
	}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, connectTime{}, q.Connect))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.Method, "", http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	req.URL, req.Host, req.Header = u, q.Host, q.Fields
	if !hasField(q.Fields, "User-Agent") {
		req.Header["User-Agent"] = []string{""} // keeps net/http from adding its own
	}
	// A question changes nothing, whatever its method: it may be asked again when a
	// kept connection turns out to be closed. net/http takes this for that promise, and
	// sends nothing.
	if !hasField(q.Fields, "X-Idempotency-Key") {
		req.Header["X-Idempotency-Key"] = []string{}
	}
	transport := &c.verified
	if q.Unverified {
		transport = &c.unverified
	}
	res, err := transport.RoundTrip(req) // redirects are answers: they are not followed
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	stop := time.AfterFunc(bodyTime, cancel)
	_, _ = io.CopyN(io.Discard, res.Body, mostBody)
	stop.Stop()
	answer, err := answerOf(res, q.Wanted)
	return answer, res.Header, err
}

// tellEvery is how many seconds lie between two words about failures.
const tellEvery = 10

// tell logs a failure, unless another one was logged just now. Of the URL only host and
// port are shown: the rest may be what clients sent.
func (c *Client) tell(q *Question, err error) {
	failures := c.untold.Add(1)
	last, now := c.told.Load(), time.Now().Unix()
	if now-last < tellEvery || !c.told.CompareAndSwap(last, now) {
		return
	}
	c.untold.Add(-failures)
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	host := ""
	if u, bad := url.Parse(q.URL); bad == nil {
		host = model.Excerpt(u.Host)
	}
	log.Warn("a service that decides about access cannot be asked", "service", host, "failures", failures, "err", reason(err))
}

// reason is an error without the URL that net/http puts into some.
func reason(err error) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return model.Excerpt(err.Error())
}

func hasField(h http.Header, name string) bool {
	_, ok := h[name]
	return ok
}

// answerOf takes from a response what is wanted of it.
func answerOf(res *http.Response, wanted []string) (*Answer, error) {
	a := &Answer{Status: res.StatusCode, Fields: make([]string, len(wanted)), Cookies: res.Header["Set-Cookie"]}
	a.Challenge = strings.Join(res.Header["Www-Authenticate"], ", ") // RFC 9110, section 11.6.1
	for i, name := range wanted {
		a.Fields[i] = strings.Join(res.Header.Values(name), ", ")
	}
	if !a.valid() || a.size() > mostFields {
		return nil, ErrAnswer
	}
	return a, nil
}

// valid tells whether all values can be passed on (RFC 9110, section 5.5).
func (a *Answer) valid() bool {
	for _, list := range [][]string{a.Fields, a.Cookies, {a.Challenge}} {
		for _, value := range list {
			if !http11.ValidFieldValue([]byte(value)) {
				return false
			}
		}
	}
	return true
}

func (a *Answer) size() int {
	n := len(a.Challenge)
	for _, list := range [][]string{a.Fields, a.Cookies} {
		for _, value := range list {
			n += len(value)
		}
	}
	return n
}

// Close closes connections that are kept.
func (c *Client) Close() {
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
}
