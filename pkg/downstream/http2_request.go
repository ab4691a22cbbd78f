package downstream

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// Reasons for refusing a request over HTTP/2 that http11 does not know of, or does not
// get to see.
var (
	errStreamMethod   = &http11.Error{Status: 400, Text: "malformed method"}
	errStreamTarget   = &http11.Error{Status: 400, Text: "malformed request target"}
	errStreamField    = &http11.Error{Status: 400, Text: "malformed field line"}
	errStreamHead     = &http11.Error{Status: 431, Text: "head is too large"}
	errStreamLength   = &http11.Error{Status: 400, Text: "Content-Length differs from the body's length"}
	errStreamProtocol = &http11.Error{Status: 501, Text: "CONNECT to another protocol than websocket"}
	errStreamConnect  = &http11.Error{Status: 400, Text: "malformed extended CONNECT"}
)

// protocolField is where x/net leaves the pseudo-header field :protocol (RFC 8441).
const protocolField = ":protocol"

// readHead writes the request out as an HTTP/1.1 head in the exchange's memory and
// parses that, under the rules that hold for HTTP/1.1: what a host or path is, which
// lengths and how many fields there may be, and what is refused. Field lines are in
// the order of their names.
func (x *stream) readHead() *http11.Error {
	limits, req := &x.set.limits, &x.ex.Request
	clearRequest(req)
	req.HTTP2, req.MaxBody = true, x.set.maxBody
	method, refusal := x.method()
	if refusal != nil {
		return refusal
	}
	size, refusal := x.checkHead(method)
	switch {
	case refusal != nil:
		return refusal
	case size > limits.Head:
		x.ex.Trace.Received = int64(size)
		return errStreamHead
	}
	head := x.appendHead(x.mem.In.Alloc(size)[:0], method)
	x.ex.Trace.Received = int64(len(head))
	if err := http11.ParseRequest(req, head, limits); err != nil {
		return err.(*http11.Error) // never wrapped
	}
	return x.frame()
}

// method is the method that the handler sees: an extended CONNECT for WebSocket is the
// GET that begins one in HTTP/1.1.
func (x *stream) method() (string, *http11.Error) {
	protocol, extended := x.req.Header[protocolField]
	method := x.req.Method
	switch {
	case !http11.ValidFieldName(alloc.Bytes(method)):
		return "", errStreamMethod
	case !extended:
		return method, nil
	case method != http.MethodConnect, len(protocol) != 1:
		return "", errStreamConnect // RFC 8441, section 4
	case protocol[0] != "websocket":
		return "", errStreamProtocol
	}
	x.connect = true
	return http.MethodGet, nil
}

// target is the request target: of CONNECT it is the authority.
func (x *stream) target() string {
	if x.req.Method == http.MethodConnect && !x.connect {
		return x.req.Host
	}
	return x.req.RequestURI
}

// What appendHead writes beside the parts of the request.
const (
	version       = " HTTP/1.1\r\n"
	upgradeLines  = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	webSocketKey  = "Sec-WebSocket-Key"
	webSocketLine = "Sec-WebSocket-Version: 13\r\n"
	fieldSpare    = len(": \r\n")
	keyLength     = 24 // of a WebSocket key: 16 bytes in base64
)

// checkHead refuses what would make other lines of the head than it seems, whether or
// not x/net lets it pass, and returns the size of the head. It sorts the names.
func (x *stream) checkHead(method string) (size int, refusal *http11.Error) {
	req, target := x.req, x.target()
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return 0, errStreamTarget
		}
	}
	if !oneLine(req.Host) {
		return 0, errStreamField
	}
	size = len(method) + 1 + len(target) + len(version) + len("\r\n")
	if req.Host != "" {
		size += len("Host") + len(req.Host) + fieldSpare
	}
	x.names = x.names[:0]
	for name, values := range req.Header {
		if name == protocolField {
			continue
		}
		if !http11.ValidFieldName(alloc.Bytes(name)) {
			return 0, errStreamField
		}
		for _, value := range values {
			if !oneLine(value) {
				return 0, errStreamField
			}
			size += len(name) + len(value) + fieldSpare
		}
		x.names = append(x.names, name)
	}
	slices.Sort(x.names)
	if x.connect {
		size += len(upgradeLines) + len(webSocketKey) + keyLength + fieldSpare + len(webSocketLine)
	}
	return size, nil
}

// oneLine tells whether s has no byte that ends a line or a string.
func oneLine(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") }

// appendHead appends the request as the head of one in HTTP/1.1.
func (x *stream) appendHead(b []byte, method string) []byte {
	req := x.req
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, x.target()...)
	b = append(b, version...)
	if req.Host != "" {
		b = http11.AppendField(b, message.Host.String(), alloc.Bytes(req.Host))
	}
	for _, name := range x.names {
		for _, value := range req.Header[name] {
			b = http11.AppendField(b, name, alloc.Bytes(value))
		}
	}
	if x.connect {
		b = append(b, upgradeLines...)
		// RFC 8441, section 5: clients leave out what only HTTP/1.1 needs.
		if len(req.Header["Sec-Websocket-Key"]) == 0 {
			var nonce [16]byte
			_, _ = rand.Read(nonce[:]) // never fails
			b = http11.AppendField(b, webSocketKey, base64.StdEncoding.AppendEncode(nil, nonce[:]))
		}
		if len(req.Header["Sec-Websocket-Version"]) == 0 {
			b = append(b, webSocketLine...)
		}
	}
	return append(b, '\r', '\n')
}

// frame decides on the request's body: x/net knows whether there is one, and holds it
// to its Content-Length.
func (x *stream) frame() *http11.Error {
	req := &x.ex.Request
	length := x.req.ContentLength // -1: the body may be empty
	switch {
	case x.connect && (req.Body != message.None || len(req.UpgradeTo) == 0):
		return errStreamConnect
	case x.connect:
		return nil // what follows is the tunnel's
	case length < 0:
		req.Body = message.Chunked
	case length != int64(req.Body):
		return errStreamLength // HEADERS ended the stream (RFC 9113, section 8.1.1)
	}
	if most := x.set.maxBody; most > 0 && int64(req.Body) > most {
		return errBodyTooLong
	}
	x.body.begin(req)
	return nil
}
