package filter

import (
	"github.com/shockwave-ingress/shockwave/pkg/certs"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/model"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// Request is a filter of requests.
type Request interface {
	// Request looks at a request, and may change its fields. It returns false when
	// the exchange ends here: then s.Reply is the answer.
	Request(ex *message.Exchange, s *State) bool
}

// Response is a filter of responses.
type Response interface {
	// Response looks at a response whose head was read, and may change its fields.
	Response(ex *message.Exchange, s *State)
}

// State is what filters know of one exchange. The zero value is that of a new one.
type State struct {
	// Reply is the answer of a filter that ended the exchange.
	Reply Reply
	// Sticky is what the cookie of a client told, and is to tell.
	Sticky Cookie
	// Client is what was found out of the client's certificate, nil when the route has
	// no filter that looks at it.
	Client *variable.Client
}

// Reset readies s for another exchange. It keeps memory.
func (s *State) Reset() {
	s.Reply = Reply{}
	s.Sticky.reset()
	s.Client = nil
}

// Reply is an answer of the proxy's own.
type Reply struct {
	// Status is the status; 0 means that the client's connection is cut.
	Status int
	// Reason is a sentence for the client. Empty means that of the status.
	Reason string
	// Location is the value of that field, empty for none.
	Location string
}

// Settings are what the chain of a route is made from.
type Settings struct {
	// Path is the route's.
	Path string
	// Sticky keeps clients at endpoints, if it names a cookie.
	Sticky model.Sticky
	// ClientAuth is what the host wants of clients' certificates, nil for nothing,
	// and ClientTLS the host's settings of TLS.
	ClientAuth *certs.ClientAuth
	ClientTLS  model.HostTLS
}

// Kind is a kind of filter, a row of Table.
type Kind struct {
	// Name is how people are told.
	Name string
	// make returns the filters of a route, nil where it has none.
	make func(*Settings) (Request, Response)
}

// Table lists the kinds of filters in the order in which a request meets them. A
// response meets them in the same order.
var Table = []Kind{
	{"client-certificate", newClientCertificate},
	{"sticky-cookie", newStickyCookie},
}

// Chain is the filters of one route, in order. The zero value has none.
type Chain struct {
	Requests  []Request
	Responses []Response
	// Names are those of the kinds in use.
	Names []string
}

// Compile makes the chain of a route.
func Compile(s *Settings) Chain {
	var c Chain
	for _, kind := range Table {
		req, resp := kind.make(s)
		if req != nil {
			c.Requests = append(c.Requests, req)
		}
		if resp != nil {
			c.Responses = append(c.Responses, resp)
		}
		if req != nil || resp != nil {
			c.Names = append(c.Names, kind.Name)
		}
	}
	return c
}

// Request runs the filters of requests. It returns false when one has ended the
// exchange: then s.Reply is the answer.
func (c *Chain) Request(ex *message.Exchange, s *State) bool {
	for _, f := range c.Requests {
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
