package variable

import (
	"os"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// What never changes while the process runs.
var (
	hostName, _ = os.Hostname()
	processID   = os.Getpid()
)

// statusNone stands for an exchange that ended without a response, as in nginx when
// the client closed the connection.
const statusNone = 499

// Layouts of times.
const (
	layoutLocal   = "02/Jan/2006:15:04:05 -0700"
	layoutISO8601 = "2006-01-02T15:04:05-07:00"
)

// value writes the value of p, and tells whether there is one: what is absent is not
// the same as what is empty. Only then has anything been written.
//
// It is one switch, rather than a function in each row of the Table, because what is
// handed to a function that is called through a value is moved to the heap.
func (s *sink) value(p *part, c *Context) bool {
	ex := c.Exchange
	req, trace := &ex.Request, &ex.Trace
	switch p.id {
	case args:
		return s.some(req.Query)
	case argNAME:
		return s.argument(req.Query, p.text)
	case bestHTTPHost:
		return s.some(c.Forwarded.Host) || s.some(req.Authority)
	case contentLength:
		return s.requestLength(req)
	case contentType:
		return s.field(&req.Fields, message.ContentType)
	case cookieNAME:
		return s.cookie(&req.Fields, p.text)
	case escapedRequestURI:
		s.escaped(req.Target)
		return len(req.Target) > 0
	case host:
		return s.host(req.Hostname) || c.Route != nil && s.someText(c.Route.Host)
	case http2:
		switch {
		case req.HTTP2 && ex.TLS != nil:
			s.text("h2")
		case req.HTTP2:
			s.text("h2c")
		}
	case httpNAME:
		return s.fields(&req.Fields, p)
	case httpHost:
		return s.some(req.Authority)
	case isArgs:
		if len(req.Query) > 0 {
			s.text("?")
		}
	case proxyAddXForwardedFor:
		return s.forwardedFor(ex)
	case remoteUser:
		return s.some(c.User) || s.claimedUser(&req.Fields)
	case request:
		s.requestLine(req)
	case requestID:
		return s.some(trace.RequestID)
	case requestLength:
		s.int(trace.Received)
	case requestMethod:
		return s.some(req.Method)
	case requestURI:
		return s.some(req.Target)
	case serverProtocol:
		s.text(protocol(req))
	case uri:
		return s.some(c.Path)

	case binaryRemoteAddr:
		return s.binaryAddr(ex.Remote)
	case connection:
		if ex.Session == nil {
			return false
		}
		s.int(int64(ex.Session.Number))
	case connectionRequests:
		s.int(int64(trace.Ordinal))
	case https:
		if ex.TLS != nil {
			s.text("on")
		}
	case passAccessScheme:
		return s.either(c.Forwarded.Scheme, schemeOf(ex))
	case passServerPort:
		return s.some(c.Forwarded.Port) || s.port(ex.Local)
	case pipe:
		s.text(".")
	case proxyProtocolAddr:
		return c.Forwarded.Proxied && s.addr(c.peer())
	case proxyProtocolPort:
		return c.Forwarded.Proxied && s.port(c.peer())
	case proxyProtocolServerAddr:
		return c.Forwarded.Proxied && s.addr(ex.Local)
	case proxyProtocolServerPort:
		return c.Forwarded.Proxied && s.port(ex.Local)
	case realIPRemoteAddr:
		return s.addr(c.peer())
	case realIPRemotePort:
		return s.port(c.peer())
	case remoteAddr:
		return s.addr(ex.Remote)
	case remotePort:
		return s.port(ex.Remote)
	case scheme:
		s.text(schemeOf(ex))
	case serverAddr:
		return s.addr(ex.Local)
	case serverPort:
		return s.port(ex.Local)

	case bodyBytesSent:
		s.int(trace.BodySent)
	case bytesSent:
		s.int(trace.Sent)
	case requestCompletion:
		if trace.Complete {
			s.text("OK")
		}
	case requestTime:
		s.seconds(c.Elapsed)
	case sentHTTPNAME:
		// Without a status no head was sent, whatever the fields are.
		return trace.Status != 0 && s.fields(&ex.Response.Fields, p)
	case sentHTTPContentLength:
		return trace.Status != 0 && s.responseLength(ex)
	case status:
		if trace.Status == 0 {
			s.int(statusNone)
		} else {
			s.int(int64(trace.Status))
		}

	case upstreamAddr, upstreamConnectTime, upstreamHeaderTime, upstreamResponseLength, upstreamResponseTime, upstreamStatus:
		return s.attempts(trace, p.id)

	case hostname:
		return s.someText(hostName)
	case msec:
		s.milliseconds(max(ex.Start.Add(c.Elapsed).UnixMilli(), 0))
	case pid:
		s.int(int64(processID))
	case timeISO8601:
		s.time(ex.Start.Add(c.Elapsed), layoutISO8601)
	case timeLocal:
		s.time(ex.Start.Add(c.Elapsed), layoutLocal)

	case sslALPNProtocol, sslCipher, sslClientEscapedCert, sslClientFingerprint, sslClientIDN, sslClientSDN,
		sslClientSerial, sslClientVerify, sslCurve, sslProtocol, sslServerName, sslSessionReused:
		return ex.TLS != nil && s.session(p.id, ex.TLS, c.Client)

	case proxyAlternativeUpstreamName:
		s.text(c.Alternative)
	case ingressName, locationPath, namespace, proxyUpstreamName, serverName, serviceName, servicePort:
		return c.Route != nil && s.route(p.id, c.Route)

	default: // missing
		return false
	}
	return true
}

// route writes what is known of the route.
func (s *sink) route(which id, r *Route) bool {
	switch which {
	case ingressName:
		return s.someText(r.Ingress)
	case locationPath:
		return s.someText(r.Path)
	case namespace:
		return s.someText(r.Namespace)
	case proxyUpstreamName:
		return s.someText(r.Upstream)
	case serverName:
		return s.someText(r.Host)
	case serviceName:
		return s.someText(r.Service)
	case servicePort:
		return s.someText(r.Port)
	}
	return false
}
