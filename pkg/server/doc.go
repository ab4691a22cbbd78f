// Package server is an HTTP/1.1 server for Go programs: the engine that Shockwave
// serves Ingresses with, as a library.
//
//	cfg := server.DefaultConfig()
//	cfg.Addr = ":8080"
//	cfg.Handler = server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
//		_ = w.WriteText(200, "hello")
//	})
//	err := server.NewServer(cfg).ListenAndServe()
//
// It is for programs that answer many small requests and want to pay for nothing
// but the answer. Nothing is allocated per request, not even for handlers that read
// fields and bodies, unless the fields of a response exceed 4 KiB; no lock is shared
// by requests, and no request starts a timer. What a client can make the server hold
// is bounded everywhere.
//
// It leaves routing, compression, cookies, forms and sessions to others, and
// HTTP/2 as well. FromHTTP adapts ordinary handlers, so whatever was written for
// net/http can stand beside handlers of this package, at the price of net/http.
// Package downstream has the connections, and package http11 the grammar.
//
// # Whose memory it is
//
// A handler works in the connection's memory. Strings, Headers and the bytes of a
// body are views of it: they are valid until the handler returns, and then show
// whatever is read next. Whoever keeps something copies it: strings.Clone,
// Header.Clone, bytes.Clone. The Request and the ResponseWriter are used again as
// well, so a goroutine that outlives its handler must not touch them. Three things
// may be kept: Context, TLS and a hijacked connection.
//
// Buffers come from the AllocationMode. With the build tag pooldebug, released
// memory is overwritten, so that a view that was kept shows in tests.
//
// # How it differs from net/http
//
//   - Views in place of copies, as above.
//   - Path is in normal form: dot segments are gone, and what need not be encoded is
//     decoded. Target is what the client sent. Query is not parsed.
//   - Header keeps the order and the spelling of fields. A request's Header has Host
//     too.
//   - A field name that is none makes the response a 500 with a line in the log; it
//     is not dropped silently. So do an impossible status and Content-Length.
//   - Heads are read strictly: bare line feeds, folded fields, repeated lengths and
//     whatever else two servers could read differently are refused, and names with
//     an underscore are dropped (Config.AllowUnderscores).
//   - Bodies are limited to 10 MiB unless Config says otherwise, and have to arrive
//     at a least rate.
//   - WriteTimeout bounds each part of a response, not the whole.
//   - A request can be read while its response is written.
//   - A response that fits into 8 KiB gets a Content-Length.
//   - The Context learns that the client has gone only when its Done was called.
//   - Trailers go only to clients that say they take them.
//   - HTTP/2 and CONNECT are not spoken.
package server
