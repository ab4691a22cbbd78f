package filter

import (
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// verdict is what a gate says of a request.
type verdict uint8

const (
	// abstains: the gate has no opinion.
	abstains verdict = iota
	passes
	refuses
)

// gate is one condition of access to a route.
type gate interface {
	// check says whether a request may pass. When it refuses, s.Reply is the answer.
	check(ex *message.Exchange, s *State) verdict
}

// gates make the conditions of a route in the order in which they are asked: those
// that cost more come later, as in nginx. They return nil where the route has none.
var gates = []func(*Settings) (gate, error){newAddresses, newBasicAuth, newExternalAuth}

// access is all gates of a route. Usually none may refuse; with any (satisfy any) a
// request passes as soon as one lets it pass.
type access struct {
	gates []gate
	any   bool
	// private tells that credentials are meant for this proxy: they go no further, also
	// where nobody has looked at them, as in ingress-nginx.
	private bool
}

func newAccess(s *Settings) (Request, Response, error) {
	a := &access{any: s.Filters.Access.Any, private: s.asksUsers()}
	for _, of := range gates {
		g, err := of(s)
		if err != nil {
			return nil, nil, err
		}
		if g != nil {
			a.gates = append(a.gates, g)
		}
	}
	if len(a.gates) == 0 {
		return nil, nil, nil
	}
	return a, nil, nil
}

// Request implements Request.
func (a *access) Request(ex *message.Exchange, s *State) bool {
	s.DropCredentials = a.private
	refused := false
	var reply Reply
	for _, g := range a.gates {
		switch v := g.check(ex, s); {
		case v == passes && a.any:
			s.Reply = Reply{}
			return true
		case v == refuses && !a.any:
			return false
		case v == refuses:
			// Of several refusals the client gets one that it can do something about, and
			// is sent to sign in rather than asked for a password: programs send theirs
			// unasked (nginx.tmpl has the sign-in as error_page of every 401).
			if !refused || reply.Status == 403 || s.Reply.Location != nil {
				reply = s.Reply
			}
			refused = true
			s.Reply = Reply{}
		}
	}
	s.Reply = reply
	return !refused
}
