package filter

import (
	"fmt"
	"strings"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/credential"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// Request is a filter of requests.
type Request interface {
	// Request looks at a request, and may change its fields. It returns false when
	// the exchange ends here: then s.Reply is the answer.
	Request(ex *message.Exchange, s *State) bool
}

// Response is a filter of responses.
type Response interface {
	// Response looks at a response before its head is written, and may change its
	// fields. The proxy's own answers are among them: then s.Own is set.
	Response(ex *message.Exchange, s *State)
}

// Settings are what the chain of a route is made from.
type Settings struct {
	// Filters are the route's.
	Filters model.Filters
	// Host and Path are those of the route; Path is "/" for a fallback. Pattern tells
	// that it is a pattern.
	Host, Path string
	// ConnectTimeout and ReadTimeout are those of the route. A filter that asks somebody
	// waits no longer, nor longer than RequestTimeout after the request came; 0 means no
	// limit.
	ConnectTimeout, ReadTimeout, RequestTimeout time.Duration
	Pattern                                     bool
	// Sticky keeps clients at endpoints, if it names a cookie.
	Sticky model.Sticky
	// ClientAuth is what the host wants of clients' certificates, nil for nothing,
	// and ClientTLS the host's settings of TLS.
	ClientAuth *certs.ClientAuth
	ClientTLS  model.HostTLS
	// Users are those of Filters.BasicAuth, nil where nobody is asked.
	Users *credential.Users
	// Ingress is the object that the route came from.
	Ingress model.ObjectRef
	// Shared is what outlives snapshots. It is never nil.
	Shared *Shared
}

// Kind is a kind of filter, a row of Table.
type Kind struct {
	// Name is how people are told, empty for a part of another kind.
	Name string
	// stage says when requests meet the filter.
	stage stage
	// make returns the filters of a route, nil where it has none. It fails for
	// settings that translation should have refused.
	make func(*Settings) (Request, Response, error)
}

// stage is when requests meet a filter.
type stage uint8

const (
	// early filters come before it is found out whether the route has endpoints.
	early stage = iota
	// late ones come after it.
	late
)

// Table lists the kinds of filters in the order in which a request meets them. A
// response meets them in the same order.
//
// The order is ingress-nginx's, whose phases follow one another: redirects are
// answered whoever asks, that of app-root first and that to https last, a route without
// endpoints answers 503 to everybody, and limits spare the authentication
// (ingress-nginx: rootfs/etc/nginx/template/nginx.tmpl).
var Table = []Kind{
	{"block", early, newBlock},
	{"client-certificate", early, newClientCertificate},
	{"hidden-fields", early, newHiddenFields},
	{"response-rewrite", early, newResponseRewrite},
	{"app-root", early, newAppRoot},
	{"cors", early, newCORS},
	{"redirect", early, newRedirect},
	{"rewrite-redirect", early, newRewriteRedirect},
	{"https-redirect", early, newHTTPSRedirect},
	{"", early, newClearText}, // the other half of client-certificate
	{"hsts", early, newHSTS},
	{"sticky-cookie", early, newStickyCookie},
	{"limits", late, newLimits},
	{"access", late, newAccess},
	{"external-auth", late, newAuthAnswer},
	{"rewrite", late, newRewrite},
	{"upstream-vhost", late, newUpstreamHost},
	{"request-fields", late, newRequestFields},
	{"response-fields", late, newResponseFields},
}

// Chain is the filters of one route, in order. The zero value has none.
type Chain struct {
	// Early come before the route's endpoints are looked at, Late after that.
	Early, Late []Request
	Responses   []Response
	// Told are the fields that tell the endpoint who the client is. Until all filters have
	// run they are what the client says.
	Told *FieldNames
	// Names are those of the kinds in use.
	Names []string
}

// Compile makes the chain of a route.
func Compile(s *Settings) (Chain, error) {
	c := Chain{Told: told(s)}
	for _, kind := range Table {
		req, resp, err := kind.make(s)
		if err != nil {
			return Chain{}, fmt.Errorf("%s: %w", kind.Name, err)
		}
		switch {
		case req == nil:
		case kind.stage == early:
			c.Early = append(c.Early, req)
		default:
			c.Late = append(c.Late, req)
		}
		if resp != nil {
			c.Responses = append(c.Responses, resp)
		}
		if kind.Name != "" && (req != nil || resp != nil) {
			c.Names = append(c.Names, kind.Name)
		}
	}
	return c, nil
}

// told are the names of Chain.Told, nil for none.
func told(s *Settings) *FieldNames {
	var names []string
	if list := s.Filters.ExternalAuth.ResponseFields; list != "" {
		names = strings.Split(list, ",")
	}
	if s.ClientAuth != nil {
		names = append(names, clientFields[:]...)
	}
	if names == nil {
		return nil
	}
	set := new(FieldNames)
	for _, name := range names {
		set.add(name)
	}
	return set
}

// Run runs filters of requests. It returns false when one has ended the exchange: then
// s.Reply is the answer.
func Run(filters []Request, ex *message.Exchange, s *State) bool {
	for _, f := range filters {
		if !f.Request(ex, s) {
			return false
		}
	}
	return true
}

// Response runs the filters of responses.
func (c *Chain) Response(ex *message.Exchange, s *State) {
	for _, f := range c.Responses {
		f.Response(ex, s)
	}
}
