package cases

import (
	"io"
	"strconv"

	"github.com/shockwave-ingress/shockwave/pkg/server"
)

var largeLength = strconv.Itoa(largeSize)

// Shockwave is the handler of package server for a kind of work.
func Shockwave(k Kind) server.Handler {
	prepare()
	switch k {
	case Plain:
		return server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) {
			_ = w.WriteText(200, plainBody)
		})
	case JSON:
		return server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) {
			buf := buffers.Get().(*buffer)
			buf.b = appendItems(buf.b[:0])
			_ = w.WriteJSON(200, buf.b)
			buffers.Put(buf)
		})
	case Headers:
		return server.HandlerFunc(shockwaveHeaders)
	case Echo:
		return server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
			n, err := io.Copy(io.Discard, r.Body())
			if err != nil {
				_ = w.WriteText(400, err.Error())
				return
			}
			writeNumber(w, n)
		})
	case Whole:
		return server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
			body, err := r.ReadBody()
			if err != nil {
				_ = w.WriteText(400, err.Error())
				return
			}
			writeNumber(w, int64(len(body)))
		})
	case Large:
		return server.HandlerFunc(func(w server.ResponseWriter, _ server.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", largeLength)
			for range largeSize / partSize {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		})
	}
	return server.HandlerFunc(func(w server.ResponseWriter, r server.Request) {
		h := r.Header()
		n := len(h.Get("User-Agent")) + len(h.Get("Cookie")) + len(h.Get("Authorization"))
		if _, err := io.Copy(io.Discard, r.Body()); err != nil || n < 0 {
			_ = w.WriteText(400, "body")
			return
		}
		_ = w.WriteJSON(200, mixed)
	})
}

func shockwaveHeaders(w server.ResponseWriter, r server.Request) {
	sum := 0
	for _, name := range requestNames {
		sum += len(r.Header().Get(name))
	}
	r.Header().VisitAll(func(name, value string) {
		if !isHost(name) {
			sum += len(value)
		}
	})
	h := w.Header()
	for i, name := range answerNames {
		h.Set(name, answerValues[i])
	}
	writeNumber(w, int64(sum))
}

func writeNumber(w server.ResponseWriter, n int64) {
	buf := buffers.Get().(*buffer)
	buf.b = strconv.AppendInt(buf.b[:0], n, 10)
	w.Header().Set("Content-Type", textType)
	_, _ = w.Write(buf.b)
	buffers.Put(buf)
}
