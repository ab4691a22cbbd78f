package proxy

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/metrics"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/snapshot"
	"github.com/shockwave-ingress/shockwave/pkg/upstream"
)

// brokenStream is a connection to a client on which one call panics or fails.
type brokenStream struct {
	message.Stream
	panicAt string
	failAt  string
	aborted chan struct{}
	body    []string
}

func (b *brokenStream) DropBody()    {}
func (b *brokenStream) Watch(func()) {}

func (b *brokenStream) at(call string) error {
	if b.panicAt == call {
		panic("broken on purpose")
	}
	if b.failAt == call {
		return message.ErrClientGone
	}
	return nil
}

func (b *brokenStream) NextBody() ([]byte, error) {
	if len(b.body) == 0 {
		if err := b.at("NextBody"); err != nil {
			return nil, err
		}
		<-b.aborted // a client that sends no more
		return nil, message.ErrClientGone
	}
	part := b.body[0]
	b.body = b.body[1:]
	return []byte(part), nil
}

func (b *brokenStream) WriteHead() error             { return b.at("WriteHead") }
func (b *brokenStream) WriteBody([]byte) error       { return b.at("WriteBody") }
func (b *brokenStream) Finish(*message.Fields) error { return b.at("Finish") }
func (b *brokenStream) Flush() error                 { return b.at("Flush") }
func (b *brokenStream) HeadWritten() bool            { return false }
func (b *brokenStream) Abort() {
	select {
	case <-b.aborted:
	default:
		close(b.aborted)
	}
}

// Whatever breaks in the middle of an exchange, its upstream connection is closed
// and not reused, its goroutines end, and a panic reaches the server, which
// contains it.
func TestBrokenExchangeLosesItsConnection(t *testing.T) {
	for _, c := range []struct {
		name   string
		stream brokenStream
		panics bool
	}{
		{"panic in WriteHead", brokenStream{panicAt: "WriteHead"}, true},
		{"panic in WriteBody", brokenStream{panicAt: "WriteBody"}, true},
		{"panic in Finish", brokenStream{panicAt: "Finish"}, true},
		{"panic while a body is sent", brokenStream{panicAt: "WriteHead", body: []string{"hello"}}, true},
		{"panic in the sender", brokenStream{panicAt: "NextBody", body: []string{"hello"}}, false},
		{"client gone at WriteHead", brokenStream{failAt: "WriteHead"}, false},
		{"client gone at WriteBody", brokenStream{failAt: "WriteBody"}, false},
		{"client gone at Finish", brokenStream{failAt: "Finish"}, false},
		{"client gone while a body is sent", brokenStream{failAt: "WriteBody", body: []string{"hello"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				buf := make([]byte, 4<<10)
				_, _ = nc.Read(buf)
				if c.stream.panicAt != "NextBody" {
					_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
				_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.Copy(io.Discard, nc)
			}()

			reg := upstream.NewRegistry(upstream.Config{Logger: slog.New(slog.DiscardHandler)})
			p := New(Config{Current: published(t, reg, ln.Addr()), Logger: slog.New(slog.DiscardHandler)})
			b := c.stream
			b.aborted = make(chan struct{})
			ex := newExchange(t, &b)
			if got := panics(func() { p.ServeExchange(ex) }); got != c.panics {
				t.Errorf("panic reaches the server: %v, want %v", got, c.panics)
			}
			select {
			case <-gone:
			case <-time.After(5 * time.Second):
				t.Fatal("the upstream connection stays open")
			}
			s := reg.Stats()[0].Endpoints[0]
			if s.Idle != 0 || s.Active != 0 || s.Created != 1 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func published(t *testing.T, reg *upstream.Registry, to net.Addr) *snapshot.Current {
	t.Helper()
	key := model.UpstreamKey{Namespace: "default", Service: "shop", Port: "80"}
	reg.SetEndpoints(model.Endpoints{key: {{Addr: to.(*net.TCPAddr).AddrPort()}}})
	cfg := &model.Config{
		Hosts:     []model.Host{{Routes: []model.Route{{Path: "/", Upstream: key, Options: model.DefaultOptions()}}}},
		Upstreams: []model.Upstream{{Key: key, Policy: model.DefaultPolicy()}},
		Listener:  model.DefaultListener(),
	}
	snap, err := snapshot.Compile(cfg, nil, reg, metrics.New(metrics.Labels{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	current := new(snapshot.Current)
	current.Publish(snap)
	return current
}

func newExchange(t *testing.T, b *brokenStream) *message.Exchange {
	t.Helper()
	head := "GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n"
	if len(b.body) > 0 {
		head = "POST /a HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	}
	ex := &message.Exchange{
		Stream: b, Session: new(message.Session), Start: time.Now(), Mem: alloc.Take(inmodes.Mode()),
		Remote: netip.MustParseAddrPort("192.0.2.1:1"), Local: netip.MustParseAddrPort("192.0.2.2:80"),
	}
	t.Cleanup(func() { ex.Mem.Release() })
	lim := http11.DefaultLimits()
	if err := http11.ParseRequest(&ex.Request, []byte(head), &lim); err != nil {
		t.Fatal(err)
	}
	return ex
}

func TestStatusOfBodyErrors(t *testing.T) {
	for err, want := range map[error]int{
		message.ErrBodyTooLarge: 413, message.ErrBodyMalformed: 400, message.ErrTimeout: 408,
		message.ErrClientGone: 0, errors.New("another"): 400,
	} {
		if got := statusOf(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
