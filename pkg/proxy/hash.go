package proxy

import "github.com/shockwave-ingress/shockwave/pkg/variable"

// hash is that of what the route's HashBy comes to for the request. ok is false when
// the request has nothing of it, such as a client without the cookie: such requests
// would all go to one endpoint.
func (x *exchange) hash() (key uint64, ok bool) {
	c := variable.Context{Exchange: x.Exchange, Path: x.path, Route: &x.route.Variables, Client: x.filters.Client}
	if by := x.route.HashBy; by.Present(&c) {
		return by.Hash(&c), true
	}
	return 0, false
}
