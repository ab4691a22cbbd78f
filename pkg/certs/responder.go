package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Bounds of the talk with a responder. Its address comes from a certificate, so
// whoever may write an Ingress chooses it.
const (
	responderTimeout = 10 * time.Second
	mostResponse     = 64 << 10
	mostResponderURL = 1 << 10
	mostResponders   = 2 // tried of one certificate
)

// dialer makes connections, as net.Dialer.DialContext does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialPublic connects to a responder. Addresses that reach the process itself or
// its node are refused: a certificate must not make the controller talk to what
// listens there, or to the metadata service of a cloud. The address is looked at when
// names have been resolved.
func dialPublic(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: responderTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !model.Outward(to.Addr()) {
				return fmt.Errorf("responders may not have the address %s", to.Addr())
			}
			return nil
		},
	}
	return dialer.DialContext(ctx, network, address)
}

// newResponderClient returns a client that keeps no connections.
func newResponderClient(dial dialer) *http.Client {
	return &http.Client{
		Timeout: responderTimeout,
		Transport: &http.Transport{
			// No proxy of the environment: it would connect to where we do not.
			DialContext:            dial,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 16 << 10,
			TLSHandshakeTimeout:    responderTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var (
	errNoResponder = errors.New("the certificate names no responder that can be asked")
	errTooLarge    = fmt.Errorf("the response is larger than %d KiB", mostResponse>>10)
)

// responders returns the addresses of a certificate's responders that can be asked.
func responders(leaf *x509.Certificate) []string {
	var list []string
	for _, text := range leaf.OCSPServer {
		u, err := url.Parse(text)
		if err == nil && len(text) <= mostResponderURL && (u.Scheme == "http" || u.Scheme == "https") &&
			u.Host != "" && u.User == nil && len(list) < mostResponders {
			list = append(list, text)
		}
	}
	return list
}

// ask posts a request to a responder (RFC 6960, appendix A).
func ask(ctx context.Context, c *http.Client, address string, request []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	req.Header.Set("Accept", "application/ocsp-response")
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the responder answers with status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostResponse+1))
	if err != nil {
		return nil, err
	}
	if len(body) > mostResponse {
		return nil, errTooLarge
	}
	return body, nil
}
