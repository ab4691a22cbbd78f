package filter

import (
	"context"

	"github.com/shockwave-ingress/shockwave/pkg/authrequest"
	"github.com/shockwave-ingress/shockwave/pkg/limit"
	"github.com/shockwave-ingress/shockwave/pkg/message"
	"github.com/shockwave-ingress/shockwave/pkg/variable"
)

// State is what filters know of one exchange. The zero value is that of a new one.
// What is not said to be kept are views that are valid until the exchange ends:
// memory for them comes from the exchange's region (message.Exchange.Mem).
type State struct {
	// Path is the path in normal form that the route was found by. Target is what is
	// forwarded in place of it.
	Path   []byte
	Target Target
	// Secured are the names for which https is served, nil for none.
	Secured *Names
	// Route is what variables tell of the route.
	Route *variable.Route
	// Forwarded is what a trusted proxy in front has told.
	Forwarded variable.Forwarded
	// Host is the value of Host for the endpoint; nil: as the client sent it.
	Host []byte
	// Lines are lines of fields for the endpoint, each with its CRLF, in place of the
	// fields whose names are in Replaced.
	Lines    []byte
	Replaced *FieldNames
	// Connection is the value of that field for the endpoint, empty for what the
	// exchange needs.
	Connection string
	// User is the user that was authenticated, empty for none. DropCredentials leaves
	// Authorization out of what is forwarded.
	User            []byte
	DropCredentials bool
	// Ticket is the place of the exchange among those in progress, if it has one. The
	// proxy releases it when the exchange ends.
	Ticket limit.Ticket
	// Auth is the answer of the service that was asked about access, nil for none. It is
	// kept: others may share it.
	Auth *authrequest.Answer
	// Leaving tells a filter that waits when the client has left. nil: nobody does.
	Leaving Leaving
	// Client is what was found out of the client's certificate, nil when the route has
	// no filter that looks at it.
	Client *variable.Client
	// Sticky is what the cookie of a client told, and is to tell.
	Sticky Cookie
	// preflight tells that the request was answered as a preflight of CORS.
	preflight bool
	// Alternative is the name of the upstream that takes the exchange in place of the
	// route's, empty for none.
	Alternative string
	// Own tells that the response is an answer of the proxy's own.
	Own bool
	// Reply is the answer of a filter that ended the exchange.
	Reply Reply
}

// Leaving tells when the client of an exchange has left.
type Leaving interface {
	// Hold has cancel called when the client leaves, at once if it has left, and Drop
	// ends that. cancel must not block.
	Hold(cancel context.CancelFunc)
	Drop()
}

// Target is a path and query that are forwarded. A nil Path: those of the request.
type Target struct {
	Path, Query []byte
	HasQuery    bool
}

// Reset readies s for another exchange. It keeps memory.
func (s *State) Reset() {
	sticky := s.Sticky
	sticky.reset()
	*s = State{Sticky: sticky}
}

// Context is what expressions with variables are evaluated for.
func (s *State) Context(ex *message.Exchange) variable.Context {
	return variable.Context{
		Exchange: ex, Path: s.Path, User: s.User, Route: s.Route, Alternative: s.Alternative, Forwarded: s.Forwarded, Client: s.Client,
	}
}

// HTTPS tells whether the client came by https, as far as is known.
func (s *State) HTTPS(ex *message.Exchange) bool {
	if len(s.Forwarded.Scheme) > 0 {
		return message.EqualFold(s.Forwarded.Scheme, "https")
	}
	return ex.TLS != nil
}

// Reply is an answer of the proxy's own.
type Reply struct {
	// Status is the status; 0 means that the client's connection is cut.
	Status int
	// Reason is a sentence for the client. Empty means that of the status.
	Reason string
	// Location is the value of that field, nil for none.
	Location []byte
	// Challenge is the value of WWW-Authenticate, empty for none.
	Challenge string
	// Empty leaves the body out, as a status without one needs no page.
	Empty bool
}
