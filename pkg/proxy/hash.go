package proxy

// hash is that of what the route's HashBy comes to for the request. ok is false when
// the request has nothing of it, such as a client without the cookie: such requests
// would all go to one endpoint.
func (x *exchange) hash() (key uint64, ok bool) {
	c := x.filters.Context(x.Exchange)
	if by := x.to.HashBy; by.Present(&c) {
		return by.Hash(&c), true
	}
	return 0, false
}
