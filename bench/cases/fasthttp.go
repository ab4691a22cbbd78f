package cases

import (
	"io"
	"strconv"

	"github.com/valyala/fasthttp"
)

// FastHTTP is the handler of fasthttp for a kind of work.
func FastHTTP(k Kind) fasthttp.RequestHandler {
	prepare()
	switch k {
	case Plain:
		return func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType(textType)
			ctx.SetBodyString(plainBody)
		}
	case JSON:
		return func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType(jsonType)
			buf := buffers.Get().(*buffer)
			buf.b = appendItems(buf.b[:0])
			ctx.SetBody(buf.b)
			buffers.Put(buf)
		}
	case Headers:
		return fastHTTPHeaders
	case Echo, Whole:
		return func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType(textType)
			buf := buffers.Get().(*buffer)
			buf.b = strconv.AppendInt(buf.b[:0], int64(len(ctx.PostBody())), 10)
			ctx.SetBody(buf.b)
			buffers.Put(buf)
		}
	case Large:
		return func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType("application/octet-stream")
			ctx.SetBodyStream(stream{}, largeSize)
		}
	}
	return func(ctx *fasthttp.RequestCtx) {
		h := &ctx.Request.Header
		n := len(h.Peek("User-Agent")) + len(h.Peek("Cookie")) + len(h.Peek("Authorization"))
		if n+len(ctx.PostBody()) < 0 {
			ctx.Error("body", fasthttp.StatusBadRequest)
			return
		}
		ctx.SetContentType(jsonType)
		ctx.SetBodyString(mixedBody)
	}
}

func fastHTTPHeaders(ctx *fasthttp.RequestCtx) {
	sum := 0
	for _, name := range requestNames {
		sum += len(ctx.Request.Header.Peek(name))
	}
	for name, value := range ctx.Request.Header.All() {
		if !isHost(string(name)) {
			sum += len(value)
		}
	}
	ctx.SetContentType(textType)
	for i, name := range answerNames {
		ctx.Response.Header.Set(name, answerValues[i])
	}
	buf := buffers.Get().(*buffer)
	buf.b = strconv.AppendInt(buf.b[:0], int64(sum), 10)
	ctx.SetBody(buf.b)
	buffers.Put(buf)
}

// stream is a large answer for fasthttp, which lets a body that is an io.WriterTo
// write itself.
type stream struct{}

// WriteTo implements io.WriterTo.
func (stream) WriteTo(w io.Writer) (sum int64, err error) {
	for range largeSize / partSize {
		n, err := w.Write(part)
		sum += int64(n)
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// Read implements io.Reader, which fasthttp asks for and does not use.
func (stream) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
