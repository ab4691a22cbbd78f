// Package mixedload drives three listeners, one in each allocation mode, with routes
// in every mode behind each, under a load that mixes what memory is easily got wrong
// for: pipelined requests, bodies of all sizes in both directions and framings,
// clients and upstreams that leave in the middle, tunnels, refused requests and heads
// that come in pieces. Every byte of every response is checked.
//
// It lasts two seconds; `make test-pooldebug` runs it for a minute with the build tag
// pooldebug, which finds memory that is used after it was released, released twice,
// or never.
package mixedload
