package filter

import (
	"bytes"

	"github.com/shockwave-ingress/shockwave/pkg/alloc"
	"github.com/shockwave-ingress/shockwave/pkg/http11"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// appRoot answers requests for exactly "/" (ingress-nginx: app-root).
type appRoot struct{ path string }

func newAppRoot(s *Settings) (Request, Response, error) {
	if s.Filters.AppRoot.Path == "" || s.Path != "/" && !s.Pattern { // a pattern may match / among others
		return nil, nil, nil
	}
	return &appRoot{s.Filters.AppRoot.Path}, nil, nil
}

// Request implements Request.
func (f *appRoot) Request(ex *message.Exchange, s *State) bool {
	if len(s.Path) != 1 || s.Path[0] != '/' {
		return true
	}
	b := s.appendOrigin(s.location(ex, len(f.path)), ex, s.authority(ex))
	s.Reply = Reply{Status: 302, Location: append(b, f.path...)}
	return false
}

// redirect answers every request.
type redirect struct {
	model.Redirect
	url []byte
}

func newRedirect(s *Settings) (Request, Response, error) {
	if !s.Filters.Redirect.On() {
		return nil, nil, nil
	}
	return &redirect{s.Filters.Redirect, []byte(s.Filters.Redirect.URL)}, nil, nil
}

// Request implements Request.
func (f *redirect) Request(ex *message.Exchange, s *State) bool {
	s.Reply = Reply{Status: f.Code, Location: f.url}
	switch {
	case f.Host != "":
		s.Reply.Location = f.toHost(ex, s)
	case f.AddSlash:
		s.Reply.Location = f.toSlash(ex, s)
	}
	return false
}

// toHost keeps all but the host. The port is always told, and one slash at the end of
// the path is lost (ingress-nginx: rootfs/etc/nginx/lua/nginx/ngx_srv_redirect.lua).
func (f *redirect) toHost(ex *message.Exchange, s *State) []byte {
	b := s.appendOrigin(s.location(ex, len(f.Host)), ex, alloc.Bytes(f.Host))
	b = s.appendPort(b, ex, true)
	return appendTarget(b, &ex.Request, false)
}

// toSlash adds a slash to the path (nginx: the last paragraphs on the directive
// location of ngx_http_core_module).
func (f *redirect) toSlash(ex *message.Exchange, s *State) []byte {
	b := s.location(ex, 1)
	if host := s.hostname(ex); !f.Relative && len(host) > 0 {
		b = s.appendOrigin(b, ex, host)
		if f.Port {
			b = s.appendPort(b, ex, false)
		}
	}
	b = append(append(b, s.Path...), '/')
	return appendQuery(b, &ex.Request)
}

// httpsRedirect sends requests in clear text to https (ingress-nginx:
// rootfs/etc/nginx/lua/lua_ingress.lua).
type httpsRedirect struct{ model.HTTPSRedirect }

func newHTTPSRedirect(s *Settings) (Request, Response, error) {
	f := &httpsRedirect{s.Filters.HTTPS}
	if !f.On && !f.Force || s.unredirected() {
		return nil, nil, nil
	}
	if f.Code == 0 {
		f.Code = 308
	}
	return f, nil, nil
}

// Request implements Request.
func (f *httpsRedirect) Request(ex *message.Exchange, s *State) bool {
	if !s.clear(ex) || !f.Force && !s.Secured.Has(ex.Request.Hostname) {
		return true
	}
	host := s.hostname(ex)
	if len(host) == 0 { // HTTP/1.0 without Host: there is nowhere to send it
		return true
	}
	b := s.location(ex, 0)
	b = append(append(b, "https://"...), host...)
	if f.Port != 0 {
		b = http11.AppendInt(append(b, ':'), int64(f.Port))
	}
	s.Reply = Reply{Status: f.Code, Location: appendTarget(b, &ex.Request, f.KeepSlash)}
	return false
}

// hsts tells browsers to come by https only. A field of the endpoint's gives way, as in
// ingress-nginx. Only a connection that is secure here may tell it (RFC 6797, section
// 7.2): what is in front of us has its own way.
type hsts struct{ value []byte }

func newHSTS(s *Settings) (Request, Response, error) {
	h := s.Filters.HSTS
	if !h.On {
		return nil, nil, nil
	}
	b := http11.AppendInt([]byte("max-age="), int64(h.MaxAge))
	if h.IncludeSubdomains {
		b = append(b, "; includeSubDomains"...)
	}
	if h.Preload {
		b = append(b, "; preload"...)
	}
	return nil, &hsts{b}, nil
}

const strictTransportSecurity = "Strict-Transport-Security"

// Response implements Response.
func (f *hsts) Response(ex *message.Exchange, _ *State) {
	if ex.TLS == nil {
		return
	}
	ex.Response.Fields.DelName(strictTransportSecurity)
	ex.Response.Fields.AddName(strictTransportSecurity, f.value)
}

// clear tells whether the client came in clear text, as far as is known. A scheme that
// is neither http nor https is not ours to send elsewhere.
func (s *State) clear(ex *message.Exchange) bool {
	if len(s.Forwarded.Scheme) > 0 {
		return message.EqualFold(s.Forwarded.Scheme, "http")
	}
	return ex.TLS == nil
}

// authority is the value of Host as the client sent it, or as a trusted proxy told.
func (s *State) authority(ex *message.Exchange) []byte {
	if len(s.Forwarded.Host) > 0 {
		return s.Forwarded.Host
	}
	return ex.Request.Authority
}

// hostname is authority without its port.
func (s *State) hostname(ex *message.Exchange) []byte {
	if len(s.Forwarded.Host) > 0 {
		host, _ := splitPort(s.Forwarded.Host)
		return host
	}
	return ex.Request.Hostname
}

// splitPort takes the port from a host, empty for none. An IPv6 address stays in its
// brackets.
func splitPort(authority []byte) (host, port []byte) {
	at := bytes.LastIndexByte(authority, ':')
	if at < 0 || bytes.IndexByte(authority[at:], ']') >= 0 {
		return authority, nil
	}
	return authority[:at], authority[at+1:]
}

// location is memory for the value of a Location with a host, the request's target and
// more bytes.
func (s *State) location(ex *message.Exchange, more int) []byte {
	const around = len("https://") + len(":65535")
	n := around + len(s.authority(ex)) + len(s.Path) + len(ex.Request.Target) + more
	return ex.Mem.Alloc(n)[:0]
}

// appendOrigin appends the scheme by which the client came, and a host; nothing without
// one, which HTTP/1.0 allows.
func (s *State) appendOrigin(b []byte, ex *message.Exchange, host []byte) []byte {
	switch {
	case len(host) == 0:
		return b
	case s.HTTPS(ex):
		b = append(b, "https://"...)
	default:
		b = append(b, "http://"...)
	}
	return append(b, host...)
}

// appendPort appends the port that the client asked, which need not be the one that we
// listen on. That of the scheme is appended only with always.
func (s *State) appendPort(b []byte, ex *message.Exchange, always bool) []byte {
	_, port := splitPort(s.authority(ex))
	usual := "80"
	if s.HTTPS(ex) {
		usual = "443"
	}
	switch {
	case len(s.Forwarded.Port) > 0:
		port = s.Forwarded.Port
	case len(port) == 0:
		port = alloc.Bytes(usual)
	}
	if !always && string(port) == usual {
		return b
	}
	return append(append(b, ':'), port...)
}

// appendTarget appends the path and query of a request as received. Without keep the
// path loses a slash at its end; a query is left as it is.
func appendTarget(b []byte, req *message.Request, keep bool) []byte {
	path := req.Path
	if len(path) == 0 || path[0] != '/' { // OPTIONS *
		return b
	}
	if n := len(path) - 1; !keep && !req.HasQuery && path[n] == '/' {
		path = path[:n]
	}
	return appendQuery(append(b, path...), req)
}

func appendQuery(b []byte, req *message.Request) []byte {
	if !req.HasQuery {
		return b
	}
	return append(append(b, '?'), req.Query...)
}
