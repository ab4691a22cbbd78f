package cases

import (
	"io"
	"net/http"
	"strconv"
)

// Values of fields that are the same in every answer, so that setting one
// allocates no slice.
var (
	textTypes  = []string{textType}
	jsonTypes  = []string{jsonType}
	bytesTypes = []string{"application/octet-stream"}
	largeSizes = []string{strconv.Itoa(largeSize)}
)

// NetHTTP is the handler of net/http for a kind of work.
func NetHTTP(k Kind) http.Handler {
	prepare()
	switch k {
	case Plain:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = textTypes
			_, _ = w.Write(plain)
		})
	case JSON:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = jsonTypes
			buf := buffers.Get().(*buffer)
			buf.b = appendItems(buf.b[:0])
			_, _ = w.Write(buf.b)
			buffers.Put(buf)
		})
	case Headers:
		return http.HandlerFunc(netHTTPHeaders)
	case Echo:
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header()["Content-Type"] = textTypes
			buf := buffers.Get().(*buffer)
			buf.b = strconv.AppendInt(buf.b[:0], n, 10)
			_, _ = w.Write(buf.b)
			buffers.Put(buf)
		})
	case Whole:
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := make([]byte, r.ContentLength)
			if _, err := io.ReadFull(r.Body, body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Header()["Content-Type"] = textTypes
			buf := buffers.Get().(*buffer)
			buf.b = strconv.AppendInt(buf.b[:0], int64(len(body)), 10)
			_, _ = w.Write(buf.b)
			buffers.Put(buf)
		})
	case Large:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = bytesTypes
			w.Header()["Content-Length"] = largeSizes
			for range largeSize / partSize {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		n := len(h.Get("User-Agent")) + len(h.Get("Cookie")) + len(h.Get("Authorization"))
		if _, err := io.Copy(io.Discard, r.Body); err != nil || n < 0 {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		w.Header()["Content-Type"] = jsonTypes
		_, _ = w.Write(mixed)
	})
}

func netHTTPHeaders(w http.ResponseWriter, r *http.Request) {
	sum := 0
	for _, name := range requestNames {
		sum += len(r.Header.Get(name))
	}
	for name, values := range r.Header {
		if !isHost(name) {
			sum += len(values[0])
		}
	}
	h := w.Header()
	h["Content-Type"] = textTypes
	for i, name := range answerNames {
		h.Set(name, answerValues[i])
	}
	buf := buffers.Get().(*buffer)
	buf.b = strconv.AppendInt(buf.b[:0], int64(sum), 10)
	_, _ = w.Write(buf.b)
	buffers.Put(buf)
}
