package filter

import "github.com/shockwave-ingress/shockwave/pkg/message"

// addresses serves the clients of some networks (ingress-nginx: allowlist-source-range,
// denylist-source-range).
type addresses struct{ allow, deny *networks }

func newAddresses(s *Settings) (gate, error) {
	allow, err := s.Shared.networksOf(s.Filters.Access.Allow)
	if err != nil {
		return nil, err
	}
	deny, err := s.Shared.networksOf(s.Filters.Access.Deny)
	if err != nil || allow == nil && deny == nil {
		return nil, err
	}
	return &addresses{allow, deny}, nil
}

// check implements gate. A client that is not denied where nobody in particular is
// allowed has not shown anything by that (ngx_http_access_module: no rule decides).
func (a *addresses) check(ex *message.Exchange, s *State) verdict {
	switch {
	case a.deny.has(ex):
	case a.allow == nil:
		return abstains
	case a.allow.has(ex):
		return passes
	}
	s.Reply = Reply{Status: 403}
	return refuses
}
