package server

// Handler answers requests. ServeHTTP fills w and returns; it runs on the
// goroutine of its connection, so handlers of different connections run at the same
// time. When it has returned, the response is completed, and w, r and everything
// that they gave out belong to the server again: a goroutine that outlives the
// handler must not use them, but for the Context and copies.
//
// A panic ends the connection and nothing else: the client gets a 500 when nothing
// of the response was sent, and sees it cut short otherwise. A panic with
// http.ErrAbortHandler cuts the response and is not logged.
type Handler interface {
	ServeHTTP(w ResponseWriter, r Request)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(w ResponseWriter, r Request)

// ServeHTTP calls f.
func (f HandlerFunc) ServeHTTP(w ResponseWriter, r Request) { f(w, r) }

// Middleware makes a handler that does something before or after another one. What
// it wraps is made once, when the server is built, and not for each request.
type Middleware = func(Handler) Handler

// Chain returns h wrapped in all of with: the first is the outermost, and so the
// first to see a request.
func Chain(h Handler, with ...Middleware) Handler {
	for i := len(with) - 1; i >= 0; i-- {
		h = with[i](h)
	}
	return h
}
