package downstream

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// plainOnTLS is the answer to a client that speaks HTTP on a port for HTTPS.
const plainOnTLS = "HTTP/1.1 400 Bad Request\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Content-Length: 53\r\n" +
	"Connection: close\r\n" +
	"\r\n" +
	"a plain HTTP request was sent to a port made for TLS\n"

// handshake returns the TLS connection over nc, which is c.nc, or nil when there is
// none: the client cannot be talked to, or was passed through.
func (c *conn) handshake(nc net.Conn, cfg *tls.Config) *tls.Conn {
	set := c.srv.set.Load()
	if d := set.handshakeTimeout; d > 0 {
		_ = c.nc.SetDeadline(time.Now().Add(d))
	}
	hello := set.peek(nc)
	if hello != nil {
		nc = hello
	}
	tc := tls.Server(nc, cfg)
	err := tc.Handshake()
	if c.passThrough(hello) {
		return nil
	}
	if err != nil {
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
