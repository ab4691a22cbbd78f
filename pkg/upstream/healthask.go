package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

const (
	// mostCheckBytes is how much of a response to a check is read.
	mostCheckBytes = 128 << 10
	// mostInterim is how many interim responses may come before it.
	mostInterim = 5
)

// ask asks e how it is: nil is well. It connects as exchanges do, the PROXY header
// and TLS included, to Check.Port too. CheckHTTP then wants a response with a status
// from 200 to 399; where HTTP/2 is spoken, it wants no more than CheckTCP does, the
// connection, and that TLS has agreed to HTTP/2.
//
// There is one connection for each check, since an old one would not tell whether
// there can be a new one.
func (e *Endpoint) ask(ctx context.Context, s *settings) error {
	nc, err := e.reach(ctx, s)
	if err != nil {
		return err
	}
	defer nc.Close()
	// Whoever cancels ctx waits no longer than its deadline does.
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn := nc
	http2 := s.Transport.Protocol.HTTP2()
	if w := newWay(s, e.upstream.key); w.http1 != nil {
		config := w.http1
		if http2 {
			config = w.h2
		}
		over := tls.Client(nc, config)
		if err := over.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS: %w", err)
		}
		if http2 && over.ConnectionState().NegotiatedProtocol != "h2" {
			return errNoH2
		}
		conn = over
	}
	if s.Health.Check.Kind != model.CheckHTTP || http2 {
		return nil
	}
	return askHTTP(conn, &s.Health.Check, e.addr)
}

// reach connects to where e is checked.
func (e *Endpoint) reach(ctx context.Context, s *settings) (net.Conn, error) {
	addr := e.addr
	if port := s.Health.Check.Port; port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), port)
	}
	nc, err := e.upstream.registry.config.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if v := s.Transport.ProxyProtocol; v != 0 {
		if err := writeProxyHeader(ctx, nc, v, &Want{}); err != nil {
			_ = nc.Close()
			return nil, err
		}
	}
	return nc, nil
}

// askHTTP sends the request of a check and looks at the status of the response.
func askHTTP(conn net.Conn, set *model.Check, addr netip.AddrPort) error {
	path := set.Path
	if path == "" {
		path = "/"
	}
	target, err := url.ParseRequestURI(path)
	if err != nil {
		return err
	}
	host := set.Host
	if host == "" {
		host = addr.String()
	}
	req := &http.Request{
		Method: http.MethodGet, URL: target, Host: host, Close: true,
		Header: http.Header{"User-Agent": {"shockwave-health-check"}},
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	in := bufio.NewReader(io.LimitReader(conn, mostCheckBytes))
	for range mostInterim + 1 {
		resp, err := http.ReadResponse(in, req)
		if err != nil {
			return err
		}
		if status := resp.StatusCode; status >= 200 || status == http.StatusSwitchingProtocols {
			_, _ = io.Copy(io.Discard, resp.Body) // so that the endpoint can end well
			_ = resp.Body.Close()
			if status < 200 || status > 399 {
				return fmt.Errorf("status %d", status)
			}
			return nil
		}
		_ = resp.Body.Close()
	}
	return errInterim
}

var errInterim = fmt.Errorf("more than %d interim responses", mostInterim)
