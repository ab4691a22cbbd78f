package proxy

import (
	"crypto/rand"
	"encoding/hex"
)

// choose sets what endpoints are chosen by.
func (x *exchange) choose() {
	r, c := x.to, &x.choice
	switch {
	case r.Sticky != nil && !r.Sticky.Persistent:
		c.Key, c.Keyed = x.filters.Sticky.Hash(), true
	case r.Sticky != nil && len(x.filters.Sticky.Token) > 0:
		c.Sticky = r.Upstream.ByToken(x.filters.Sticky.Token)
	case r.Sticky == nil && r.HashBy != nil:
		c.Key, c.Keyed = x.hash()
	}
}

// tellSticky decides whether the client gets a new cookie: when it has none, when
// the endpoint that it was kept at is gone, or when that failed it and the route
// wants it moved.
func (x *exchange) tellSticky() {
	c, sticky := &x.filters.Sticky, x.to.Sticky
	failed := x.tried[x.tries-1] != x.tried[0] // a stale connection is no failure
	switch {
	case len(c.Token) == 0, x.strayed: // whoever strayed may be on another side with the next request
	case sticky.Persistent && x.choice.Sticky == nil:
	case failed && sticky.ChangeOnFailure:
		if !sticky.Persistent {
			// The same key would lead to the same endpoint.
			var raw [len(c.Key) / 2]byte
			_, _ = rand.Read(raw[:])
			hex.Encode(c.Key[:], raw[:])
		}
	default:
		return
	}
	c.Endpoint = x.tried[x.tries-1].Token()
}
