package annotation

import "fmt"

// What one request may hold in memory and in a file: whoever writes an Ingress
// could otherwise have the whole of both.
const (
	mostBuffered   = 64 << 20
	mostFile       = 16 << 30
	mostBufferSize = 1 << 20
)

var proxyRequestBuffering = define("proxy-request-buffering", Path,
	"on collects the whole body of a request before an endpoint is chosen, off, the default, passes it on as it comes.",
	parseOnOff,
	func(v *Values, on bool) { v.Options.Buffering.Request = on }).
	example("off").defaults("off", "on")

var clientBodyBufferSize = define("client-body-buffer-size", Path,
	"How much of a collected body is held in memory, between 1k and 64m; the rest goes to a temporary file. 16k by default.",
	parseSizeWithin(1<<10, mostBuffered),
	func(v *Values, n int64) { v.Options.Buffering.RequestMemory = n }).
	example("1m").defaults("16k")

var proxyBuffering = define("proxy-buffering", Path,
	"on takes a response as fast as the endpoint sends it, whatever the client takes, so that the endpoint is free soon. off by default.",
	parseOnOff,
	func(v *Values, on bool) { v.Options.Buffering.Response = on }).
	example("on").defaults("off")

var proxyBufferSize = defineBuffers("proxy-buffer-size",
	"Longest head of a response that is accepted, between 1k and 1m, 64k by default; a longer one is answered 502. Also the size of each of the buffers that proxy-buffers-number counts, 4k by default.",
	parseSizeWithin(1<<10, mostBufferSize),
	func(v *Values, n int64) { v.Options.Buffering.ResponseHead, v.parts.bufferSize = n, n }).
	example("16k").defaults("", "4k")

var proxyBuffersNumber = defineBuffers("proxy-buffers-number",
	"How many buffers of proxy-buffer-size hold what proxy-buffering has of a response, 64m at most in all. 4 by default.",
	parseCount(1),
	func(v *Values, n int) { v.parts.buffers = n }).
	example("8").defaults("4")

var proxyBusyBuffersSize = define("proxy-busy-buffers-size", Path,
	"How much of these buffers nginx lets be under way to the client. All of them may be here: the value is checked and needs no other effect.",
	parseSize,
	func(*Values, int64) {}).
	example("32k").defaults("")

var proxyMaxTempFileSize = define("proxy-max-temp-file-size", Path,
	"How much of a response proxy-buffering may write to a temporary file, 16g at most. 1g by default; 0 means that there is no file.",
	parseSizeWithin(0, mostFile),
	func(v *Values, n int64) { v.Options.Buffering.ResponseFile = n }).
	example("0").defaults("1g")

// defineBuffers is define for the size and the number of buffers, whose product is
// bounded.
func defineBuffers[T any](name, help string, parse func(string, dialect) (T, error), set func(*Values, T)) Annotation {
	a := define(name, Path, help, parse, set)
	apart := a.parse
	a.parse = func(v *Values, text string, at place) error {
		changed := *v
		if err := apart(&changed, text, at); err != nil {
			return err
		}
		memory := int64(changed.parts.buffers) * changed.parts.bufferSize
		if memory > mostBuffered {
			return fmt.Errorf("proxy-buffers-number times proxy-buffer-size is %d bytes, more than %d", memory, mostBuffered)
		}
		changed.Options.Buffering.ResponseMemory = memory
		*v = changed
		return nil
	}
	return a
}
