// Package message holds one HTTP message whatever its version: method, request
// target, fields and framing, and the Exchange of a request with its response.
//
// Package http11 fills these types from the wire and the proxy reads them; an
// adapter for another version fills the same types. Nothing here opens a
// connection or keeps bytes: names and values are views into buffers that
// belong to whoever parsed the message, and each type says how long its views
// are valid.
package message
