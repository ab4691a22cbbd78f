package http11_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// origin is the handler of the cases. What it does follows from the path; any
// path that it does not know is echoed.
type origin struct {
	observed atomic.Int64
}

func (o *origin) Observe(*message.Exchange) { o.observed.Add(1) }

func (o *origin) ServeExchange(ex *message.Exchange) {
	req, resp := &ex.Request, &ex.Response
	resp.Status = 200
	switch string(req.Path) {
	default:
		echo(ex)
	case "/fields": // the fields as parsed
		var b strings.Builder
		for i := range req.Fields.Len() {
			if _, name, value, ok := req.Fields.At(i); ok {
				fmt.Fprintf(&b, "%s=[%s]\n", name, value)
			}
		}
		reply(ex, b.String())
	case "/parts": // the request target taken apart
		reply(ex, fmt.Sprintf("path=%s query=%s %v authority=%s hostname=%s\n",
			req.Path, req.Query, req.HasQuery, req.Authority, req.Hostname))
	case "/early": // answers and leaves the body alone
		ex.DropBody()
		reply(ex, "early\n")
	case "/max": // accepts 4 bytes
		req.MaxBody = 4
		echo(ex)
	case "/204", "/304", "/205", "/404", "/999":
		_, _ = fmt.Sscanf(string(req.Path), "/%d", &resp.Status)
		if resp.Status == 304 {
			resp.Length = 7
		}
		_ = ex.WriteHead()
		_ = ex.WriteBody(nil)
		_ = ex.Finish(nil)
	case "/204-with-body":
		resp.Status, resp.Body = 204, 4
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte("body"))
		_ = ex.Finish(nil)
	case "/reason":
		resp.Reason = []byte("Very Well")
		reply(ex, "")
	case "/unknown-length":
		resp.Body = message.Chunked
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte("hello, "))
		_ = ex.Flush()
		_ = ex.WriteBody([]byte("world"))
		var t message.Fields
		t.AddName("X-Sum", []byte("42"))
		_ = ex.Finish(&t)
	case "/own-fields": // fields that belong to the connection
		resp.Fields.Add(message.Connection, []byte("x-secret"))
		resp.Fields.Add(message.KeepAlive, []byte("timeout=5"))
		resp.Fields.Add(message.TransferEncoding, []byte("chunked"))
		resp.Fields.Add(message.ContentLength, []byte("99"))
		resp.Fields.Add(message.Upgrade, []byte("h2c"))
		resp.Fields.Add(message.Trailer, []byte("X"))
		resp.Fields.AddName("X-Mine", []byte("1"))
		reply(ex, "own\n")
	case "/date":
		resp.Fields.Add(message.Date, []byte("Sun, 06 Nov 1994 08:49:37 GMT"))
		resp.Fields.Add(message.Server, []byte("origin"))
		reply(ex, "")
	case "/close":
		resp.Fields.Add(message.Connection, []byte("Close"))
		reply(ex, "")
	case "/upgrade-required":
		resp.Status = 426
		resp.Fields.Add(message.Upgrade, []byte("websocket"))
		reply(ex, "")
	case "/hints":
		var f message.Fields
		f.AddName("Link", []byte("</a.css>; rel=preload"))
		_ = ex.WriteInterim(103, &f)
		reply(ex, "after\n")
	case "/short":
		resp.Body = 10
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte("only"))
		_ = ex.Flush()
		_ = ex.Finish(nil)
	case "/long":
		resp.Body = 4
		_ = ex.WriteHead()
		if err := ex.WriteBody([]byte("12345")); !errors.Is(err, message.ErrBodyLength) {
			panic(err)
		}
		_ = ex.WriteBody([]byte("1234"))
		_ = ex.Finish(nil)
	case "/unfinished":
		resp.Body = message.Chunked
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte("part"))
		_ = ex.Flush()
	case "/no-head":
	case "/bad-status":
		resp.Status = 150
		if ex.WriteHead() == nil {
			panic("150 was accepted as a final status")
		}
	case "/panic":
		panic("on purpose")
	case "/panic-late":
		resp.Body = 10
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte("part"))
		_ = ex.Flush()
		panic("on purpose")
	case "/switch":
		o.tunnel(ex)
	}
}

// reply sends body with a length.
func reply(ex *message.Exchange, body string) {
	ex.Response.Body = message.Framing(len(body))
	_ = ex.WriteHead()
	_ = ex.WriteBody([]byte(body))
	_ = ex.Finish(nil)
}

// echo answers "METHOD target authority body trailers", without what is empty.
func echo(ex *message.Exchange) {
	req := &ex.Request
	var body strings.Builder
	for {
		p, err := ex.NextBody()
		if err == io.EOF {
			break
		}
		if err != nil {
			ex.Response.Status = 400
			if errors.Is(err, message.ErrBodyTooLarge) {
				ex.Response.Status = 413
			}
			reply(ex, err.Error()+"\n")
			return
		}
		body.Write(p)
	}
	for i := range req.Trailers.Len() {
		if _, name, value, ok := req.Trailers.At(i); ok {
			fmt.Fprintf(&body, " %s=%s", name, value)
		}
	}
	text := fmt.Sprintf("%s %s %s", req.Method, req.Target, req.Authority)
	if body.Len() > 0 {
		text += " " + body.String()
	}
	reply(ex, text+"\n")
}

// tunnel switches protocols and sends back what it reads, in brackets.
func (o *origin) tunnel(ex *message.Exchange) {
	if len(ex.Request.UpgradeTo) == 0 {
		reply(ex, "no upgrade\n")
		return
	}
	ex.Response.Status = 101
	_ = ex.WriteHead()
	t, buffered, err := ex.Upgrade()
	if err != nil {
		panic(err)
	}
	defer t.Close()
	b := make([]byte, 256)
	for n := copy(b, buffered); ; {
		if n > 0 {
			_, _ = fmt.Fprintf(t, "[%s]", b[:n])
		}
		if n, err = t.Read(b); err != nil {
			return
		}
	}
}
