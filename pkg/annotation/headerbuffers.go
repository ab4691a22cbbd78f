package annotation

import (
	"errors"
	"fmt"
	"strings"
)

// nginx reads a head into a small buffer and, where that does not do, into larger
// ones, of which the first line and each field fill one at most. Here a head has one
// buffer that grows, so what remains of this is how large head and line may be.

var clientHeaderBufferSize = define("client-header-buffer-size", Listener,
	"A request head of that size is accepted whatever large-client-header-buffers says, up to 1m. 1k by default.",
	parseSizeWithin(1, mostHead),
	func(v *Values, n int64) {
		v.parts.headerBuffer = int(n)
		v.Listener.MaxHeaderBytes = max(v.Listener.MaxHeaderBytes, int(n))
		v.Listener.MaxLineBytes = max(v.Listener.MaxLineBytes, int(n))
	}).
	example("64k").defaults("1k")

var largeClientHeaderBuffers = define("large-client-header-buffers", Listener,
	"Number and size of buffers, such as 4 8k, the default: the product is the largest request head accepted, up to 1m, and the size the longest request line.",
	parseHeaderBuffers,
	func(v *Values, b headerBuffers) {
		v.Listener.MaxHeaderBytes = max(b.number*b.size, v.parts.headerBuffer)
		v.Listener.MaxLineBytes = max(b.size, v.parts.headerBuffer)
	}).
	example("4 32k").defaults("4 8k")

var maxRequestLineBytes = define("max-request-line-bytes", Listener,
	"Longest request line accepted, between 1k and 1m. 8k by default.",
	parseSizeWithin(1<<10, mostHead),
	func(v *Values, n int64) { v.Listener.MaxLineBytes = int(n) }).
	example("32k").defaults("8k")

// mostHead is the largest bound of a request head.
const mostHead = 1 << 20

type headerBuffers struct{ number, size int }

// parseHeaderBuffers reads a number and a size.
func parseHeaderBuffers(text string, d dialect) (b headerBuffers, err error) {
	words := strings.Fields(text)
	if len(words) != 2 {
		return b, errors.New("want a number and a size, such as 4 8k")
	}
	if b.number, err = parseCountWithin(1, 1024)(words[0], d); err != nil {
		return b, err
	}
	size, err := parseSizeWithin(1<<10, mostHead)(words[1], d)
	if err != nil {
		return b, err
	}
	if b.size = int(size); b.number*b.size > mostHead {
		b.number = mostHead / b.size
		return b, partial{fmt.Errorf("want %d bytes at most in all buffers: that holds", mostHead)}
	}
	return b, nil
}
