package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/bench/load"
)

// client makes single requests, each on a connection of its own.
type client struct {
	addr string
	tls  *tls.Config // nil for plain
}

func get(target string) []byte { return request(http.MethodGet, target, hostName(0), nil, false) }

func post(target string, body []byte) []byte {
	return request(http.MethodPost, target, hostName(0), body, false)
}

// do sends a request and returns the body of the answer, which must be a 200.
func (c client) do(ctx context.Context, request []byte) (body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", c.addr)
	if err != nil {
		return nil, err
	}
	defer func() { conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if c.tls != nil {
		over := tls.Client(conn, c.tls)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = over
		if err := checkState(over.ConnectionState()); err != nil {
			return nil, err
		}
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	var data []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if n == 0 && err != nil {
			return nil, fmt.Errorf("after %.200q: %w", data, err)
		}
		data = append(data, buf[:n]...)
		head, body, _, err := load.ParseHead(data)
		if err != nil {
			return nil, fmt.Errorf("answer %.200q: %w", data, err)
		}
		if head > 0 && len(data) >= head+body {
			return data[head:], nil // with what should not be there
		}
	}
}

var errOtherTLS = errors.New("the TLS connection is not what it is for all")

// checkState checks that a handshake cost what it costs with all proxies.
func checkState(s tls.ConnectionState) error {
	key, ok := s.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() || s.Version != tls.VersionTLS13 || s.CipherSuite != tls.TLS_AES_128_GCM_SHA256 ||
		s.CurveID != tls.X25519 || s.DidResume {
		return fmt.Errorf("%w: %s, %s, %s, %T, resumed: %t", errOtherTLS,
			tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.CurveID, s.PeerCertificates[0].PublicKey, s.DidResume)
	}
	return nil
}

// check waits until the proxy serves and checks that it does what all have to, plain
// and over TLS.
func (p *proxy) check(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, err := client{addr: p.addr}.do(ctx, get(echoTarget))
		if err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("it does not serve: %w; its errors:\n%s", err, p.Complaint())
		}
	}
	if p.name == floor {
		return p.settle(ctx) // it does no work
	}
	if err := checkWork(ctx, client{addr: p.addr}); err != nil {
		return err
	}
	if err := checkWork(ctx, client{p.tlsAddr, clientTLS()}); err != nil {
		return fmt.Errorf("over TLS: %w", err)
	}
	return p.settle(ctx)
}

// settle waits until the proxy has nothing to do any more of what it began with, such
// as the reading of ten thousand hosts.
func (p *proxy) settle(ctx context.Context) error {
	const step, idleFor, atMost = 100 * time.Millisecond, 500 * time.Millisecond, time.Minute
	last, err := load.CPUClock(p.PID())
	quiet := time.Duration(0)
	for begun := time.Now(); err == nil && quiet < idleFor && time.Since(begun) < atMost && ctx.Err() == nil; {
		time.Sleep(step)
		var now time.Duration
		now, err = load.CPUClock(p.PID())
		if quiet += step; now-last > step/20 {
			quiet = 0
		}
		last = now
	}
	return err
}

// checkWork checks that a proxy tells the backend of the client and gives each
// request an identifier, and that bodies arrive whole on both sides.
func checkWork(ctx context.Context, c client) error {
	head, err := c.do(ctx, get(echoTarget))
	if err != nil {
		return err
	}
	proto := "http"
	if c.tls != nil {
		proto = "https"
	}
	for _, field := range []string{"x-forwarded-for: 127.0.0.1\r\n", "x-forwarded-proto: " + proto + "\r\n", "x-request-id: "} {
		if !strings.Contains(strings.ToLower(string(head)), "\r\n"+field) {
			return fmt.Errorf("the backend does not get %q:\n%s", field, head)
		}
	}
	const large = mib + 1
	for _, size := range []int{smallSize, large} {
		body, err := c.do(ctx, get(sizedTarget(size)))
		if err != nil {
			return err
		}
		if !bytes.Equal(body, bodyOf(size)) {
			return fmt.Errorf("a response of %d bytes does not arrive as it is sent: it has %d", size, len(body))
		}
	}
	for _, size := range []int{1 << 10, mib} {
		body := bodyOf(size)
		got, err := c.do(ctx, post(sumTarget, body))
		if err != nil {
			return err
		}
		if want := sumOf(size, sum(fnvOffset, body)); string(got) != want {
			return fmt.Errorf("a request of %d bytes does not arrive as it is sent: the backend got %q, not %q", size, got, want)
		}
	}
	return nil
}
