package forwarding

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/pkg/model"
)

// An exchange whose endpoint never stops sending ends with its time all the same,
// however the response is passed on.
func TestEndlessResponseHasAnEnd(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "100000000")
		}
		for r.Context().Err() == nil {
			if _, err := w.Write(pattern(1000)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	}
	to := appHTTP2(t, drip)
	for name, change := range map[string]func(*model.Config){
		"streaming": nil,
		"buffered":  route(func(o *model.Options) { o.Buffering.Response = true }),
		"HTTP/2":    policy(func(p *model.Policy) { p.Transport.Protocol = model.H2C }),
	} {
		limit := route(func(o *model.Options) { o.RequestTimeout = 300 * time.Millisecond })
		if change != nil {
			limit = both(limit, change)
		}
		s := newSite(t, limit, to)
		for _, path := range []string{"/length", "/chunks"} {
			resp, err := s.client.Get("http://app.test" + path)
			if err != nil {
				t.Fatalf("%s %s: %v", name, path, err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			var timeout net.Error
			if err == nil || n == 0 || errors.As(err, &timeout) && timeout.Timeout() { // the client's own
				t.Errorf("%s %s: %d bytes, %v", name, path, n, err)
			}
		}
		s.until("nothing is left", func() bool { return s.stats().Exchanges == 0 })
	}
}

// A client that never stops sending is answered in time, too.
func TestEndlessRequestHasAnEnd(t *testing.T) {
	reads := app(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for name, buffering := range map[string]bool{"streaming": false, "collected": true} {
		s := newSite(t, route(func(o *model.Options) {
			o.RequestTimeout, o.Buffering.Request = 300*time.Millisecond, buffering
		}), reads)
		nc, err := net.Dial("tcp", s.plain)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000000\r\n\r\n")
		go func() {
			for {
				if _, err := nc.Write(pattern(1000)); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		answer := make([]byte, 12)
		_ = nc.SetReadDeadline(time.Now().Add(patience))
		_, err = io.ReadFull(nc, answer)
		if text := string(answer); err != nil || !strings.HasSuffix(text, " 504") && !strings.HasSuffix(text, " 408") {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
}
