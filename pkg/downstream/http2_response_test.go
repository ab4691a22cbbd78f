package downstream

import (
	"context"
	"io"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// addTo is a short way to fill fields.
func addTo(f *message.Fields, pairs ...string) *message.Fields {
	for i := 0; i < len(pairs); i += 2 {
		f.AddName(pairs[i], []byte(pairs[i+1]))
	}
	return f
}

func TestHTTP2Responses(t *testing.T) {
	answer := func(status int, body message.Framing, length int64, data string, trailers ...string) func(*message.Exchange) {
		return func(ex *message.Exchange) {
			r := &ex.Response
			r.Status, r.Body, r.Length = status, body, length
			addTo(&r.Fields, "X-One", "1", "x-one", "2", "Connection", "x", "Keep-Alive", "timeout=1", "Transfer-Encoding", "chunked", "Upgrade", "y", "Content-Length", "999")
			if ex.HeadWritten() {
				t.Error("the head was written before")
			}
			if err := ex.WriteHead(); err != nil || !ex.HeadWritten() {
				t.Errorf("WriteHead: %v", err)
			}
			if err := ex.WriteHead(); err != message.ErrHeadWritten {
				t.Errorf("WriteHead again: %v", err)
			}
			if err := ex.WriteInterim(103, nil); err != message.ErrHeadWritten {
				t.Errorf("WriteInterim: %v", err)
			}
			for _, part := range strings.SplitAfter(data, "|") {
				if err := ex.WriteBody([]byte(part)); err != nil {
					t.Errorf("WriteBody: %v", err)
				}
				if err := ex.Flush(); err != nil {
					t.Errorf("Flush: %v", err)
				}
			}
			var f *message.Fields
			if len(trailers) > 0 {
				f = addTo(new(message.Fields), trailers...)
			}
			if err := ex.Finish(f); err != nil {
				t.Errorf("Finish: %v", err)
			}
			if err := ex.Finish(f); err != nil {
				t.Errorf("Finish again: %v", err)
			}
			if err := ex.WriteBody([]byte("x")); err == nil {
				t.Error("written after the end")
			}
			if _, _, err := ex.Upgrade(); err == nil {
				t.Error("upgraded")
			}
			if _, _, err := ex.Hijack(); err == nil {
				t.Error("hijacked")
			}
			if _, ok, _, _ := ex.PipeFrom(nil, 1, 0); ok {
				t.Error("piped")
			}
		}
	}
	s := startHTTP2(t, Config{ServerName: "shockwave", Handler: byPath(map[string]func(*message.Exchange){
		"/length":   answer(200, 5, -1, "he|lo"),
		"/unknown":  answer(200, message.Chunked, -1, "he|lo"),
		"/close":    answer(200, message.UntilClose, -1, "hello"),
		"/empty":    answer(200, 0, -1, ""),
		"/204":      answer(204, message.Chunked, -1, "ignored"),
		"/304":      answer(304, message.None, 7, "ignored"),
		"/426":      answer(426, 5, -1, "hello"),
		"/599":      answer(599, 5, -1, "hello"),
		"/trailers": answer(200, message.Chunked, -1, "hello", "Grpc-Status", "0", "Grpc-Message", "fine", "Transfer-Encoding", "chunked"),
		"/known":    answer(200, 5, -1, "hello", "X-Sum", "1"),
		"/only":     answer(200, message.Chunked, -1, "", "Grpc-Status", "5"),
		"/typed": func(ex *message.Exchange) {
			addTo(&ex.Response.Fields, "content-type", "application/grpc", "date", "then", "server", "other")
			respond(ex, helloBody)
		},
		"/early": func(ex *message.Exchange) {
			for _, link := range []string{"</a>", "</b>"} {
				if err := ex.WriteInterim(103, addTo(new(message.Fields), "Link", link, "Connection", "close")); err != nil {
					t.Error(err)
				}
			}
			greet(ex)
		},
		"/wrong": func(ex *message.Exchange) {
			ex.Response.Status = 101
			if ex.WriteHead() == nil || ex.WriteInterim(101, nil) == nil || ex.WriteInterim(200, nil) == nil || ex.WriteBody(helloBody) == nil || ex.Finish(nil) == nil {
				t.Error("sent")
			}
			if err := ex.Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			greet(ex)
		},
	})})
	c := dialFrames(t, s.addr)
	for _, tc := range []struct {
		request  string
		status   string
		length   string
		body     string
		trailers string
	}{
		{"GET /length", "200", "5", "he|lo", ""},
		{"GET /unknown", "200", "", "he|lo", ""},
		{"GET /close", "200", "", "hello", ""},
		{"GET /empty", "200", "0", "", ""},
		{"GET /204", "204", "", "", ""},
		{"GET /304", "304", "7", "", ""},
		{"GET /426", "426", "5", "hello", ""},
		{"GET /599", "599", "5", "hello", ""},
		{"HEAD /length", "200", "5", "", ""},
		{"HEAD /unknown", "200", "", "", ""},
		{"HEAD /trailers", "200", "", "", ""},
		{"GET /trailers", "200", "", "hello", "grpc-message: fine, grpc-status: 0"},
		{"GET /known", "200", "5", "hello", "x-sum: 1"},
		{"GET /only", "200", "", "", "grpc-status: 5"},
	} {
		method, path, _ := strings.Cut(tc.request, " ")
		a := c.wait(c.open(true, ":method", method, ":scheme", "http", ":authority", "a", ":path", path))
		length, hasLength := a.fields["content-length"]
		var trailers []string
		for _, name := range []string{"grpc-message", "grpc-status", "x-sum", "transfer-encoding"} {
			if v, ok := a.trailers[name]; ok {
				trailers = append(trailers, name+": "+v)
			}
		}
		if !a.ended || a.status != tc.status || length != tc.length || hasLength != (tc.length != "") || a.body != tc.body || strings.Join(trailers, ", ") != tc.trailers {
			t.Errorf("%s: %+v", tc.request, a)
		}
		if delete(a.fields, "content-length"); len(a.fields) != 3 || a.fields["x-one"] != "1|2" || a.fields["server"] != "shockwave" || len(a.fields["date"]) != len(dateFormat) {
			t.Errorf("%s: fields: %v", tc.request, a.fields)
		}
		if tc.body == "" && tc.trailers == "" && a.frames != 1 {
			t.Errorf("%s: the end came by itself", tc.request)
		}
	}
	if a := c.wait(c.get("/typed")); a.fields["content-type"] != "application/grpc" || a.fields["date"] != "then" || a.fields["server"] != "other" {
		t.Errorf("%+v", a)
	}
	if a := c.wait(c.get("/early")); strings.Join(a.interim, ", ") != "103 </a>, 103 </b>" || a.body != "hello" || a.fields["link"] != "" {
		t.Errorf("%+v", a)
	}
	if a := c.wait(c.get("/wrong")); a.body != "hello" {
		t.Errorf("%+v", a)
	}
}

// What is flushed arrives while the handler goes on, also the head alone.
func TestHTTP2Flush(t *testing.T) {
	next := make(chan struct{})
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		for range 3 {
			if err := ex.Flush(); err != nil {
				t.Error(err)
			}
			<-next
			_ = ex.WriteBody(helloBody)
		}
		_ = ex.Finish(nil)
	}}})
	c := dialFrames(t, s.addr)
	id := c.get("/")
	a := c.streams[id]
	for _, body := range []string{"", "hello", "hellohello"} {
		c.until("the next part", func() bool { return a.status != "" && a.body == body })
		next <- struct{}{}
	}
	if c.wait(id); a.body != "hellohellohello" {
		t.Errorf("%+v", a)
	}
}

// The observer knows what was sent and received.
func TestHTTP2Trace(t *testing.T) {
	traces := make(chan message.Trace, 1)
	s := startHTTP2(t, Config{Handler: funcs{serve: drainBodies.serve, observe: func(ex *message.Exchange) { traces <- ex.Trace }}})
	c := dialFrames(t, s.addr)
	id := c.post("/")
	c.data(id, true, strings.Repeat("x", 1000))
	c.wait(id)
	tr := <-traces
	if tr.Status != 200 || tr.BodySent != 5 || tr.Sent < 50 || tr.Sent > 200 || tr.Received < 1020 || tr.Received > 1200 {
		t.Errorf("%+v", tr)
	}
}

// A client of net/http takes a large response, with hints before it and trailers after.
func TestHTTP2UsualClient(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	s := startHTTP2(t, Config{Handler: funcs{serve: func(ex *message.Exchange) {
		_ = ex.WriteInterim(103, addTo(new(message.Fields), "Link", "</a>"))
		ex.Response.Status, ex.Response.Body = 200, message.Chunked
		_ = ex.WriteHead()
		_ = ex.WriteBody([]byte(body))
		_ = ex.Finish(addTo(new(message.Fields), "X-Sum", "1"))
	}}})
	var hints []string
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, h.Get("Link"))
		return nil
	}})
	resp, got := fetch(t, usual(t), request(t, "GET", "http://"+s.addr, "").WithContext(ctx))
	if got != body || resp.Trailer.Get("X-Sum") != "1" || len(hints) != 1 || hints[0] != "</a>" {
		t.Errorf("%d bytes, %v, %q", len(got), resp.Trailer, hints)
	}
	resp, err := usual(t).Head("http://" + s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); len(b) > 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	_ = resp.Body.Close()
}
