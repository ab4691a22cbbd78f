package downstream

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"
)

// plainOnTLS is the answer to a client that speaks HTTP on a port for HTTPS.
const plainOnTLS = "HTTP/1.1 400 Bad Request\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Content-Length: 53\r\n" +
	"Connection: close\r\n" +
	"\r\n" +
	"a plain HTTP request was sent to a port made for TLS\n"

// handshake returns the TLS connection over c.nc, or nil when the client cannot
// be talked to.
func (c *conn) handshake(cfg *tls.Config) *tls.Conn {
	if d := c.srv.set.Load().handshakeTimeout; d > 0 {
		_ = c.nc.SetDeadline(time.Now().Add(d))
	}
	tc := tls.Server(c.nc, cfg)
	if err := tc.Handshake(); err != nil {
		c.count.failedHandshakes.Add(1)
		var re tls.RecordHeaderError
		if errors.As(err, &re) && re.Conn != nil && looksLikeHTTP(re.RecordHeader) {
			_, _ = c.nc.Write([]byte(plainOnTLS))
			c.finish()
		}
		return nil
	}
	_ = c.nc.SetDeadline(time.Time{})
	state := tc.ConnectionState()
	c.tls = &state
	return tc
}

// http11Only returns a clone of cfg that offers http/1.1 only.
func http11Only(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	choose := cfg.GetConfigForClient
	if choose == nil {
		return cfg
	}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen, err := choose(hello)
		if err != nil || chosen == nil || slices.Equal(chosen.NextProtos, cfg.NextProtos) {
			return chosen, err
		}
		// A clone for each handshake is small beside the handshake, and follows
		// changes of session ticket keys, which a clone that is kept would miss.
		// Keys that crypto/tls makes by itself are those of cfg in any case.
		chosen = chosen.Clone()
		chosen.NextProtos = cfg.NextProtos
		return chosen, nil
	}
	return cfg
}

// looksLikeHTTP tells whether what should be a TLS record header is the
// beginning of a usual method.
func looksLikeHTTP(h [5]byte) bool {
	switch string(h[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO":
		return true
	}
	return false
}

// isTLSRecord tells whether what should be a request begins like a TLS
// handshake (RFC 8446, section 5.1).
func isTLSRecord(b []byte) bool { return len(b) > 0 && b[0] == 0x16 }
