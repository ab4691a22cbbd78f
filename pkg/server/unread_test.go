package server

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A client learns from the response that its connection ends, never by losing its
// next request: whatever of a body the handler has left unread.
func TestUnreadBodyAndTheNextRequest(t *testing.T) {
	for name, read := range map[string]int64{"nothing": 0, "a part": 10} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{100, 30_000, 80_000, 300_000} {
				s := startHandler(t, func(w ResponseWriter, r Request) {
					_, _ = io.CopyN(io.Discard, r.Body(), read)
					_ = w.WriteText(http.StatusBadRequest, "no")
				})
				client := &http.Client{Transport: new(http.Transport)}
				for range 60 {
					for _, body := range []io.Reader{
						unsized{bytes.NewReader(bodyOf(size))}, bytes.NewReader(bodyOf(size)), unsized{strings.NewReader("small")},
					} {
						resp, err := client.Post("http://"+s.addr+"/", "", body)
						if err != nil {
							if strings.Contains(err.Error(), "write") {
								continue // it was told, and closed, while it was sending
							}
							t.Fatalf("%d bytes: %v", size, err)
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
				}
				client.CloseIdleConnections()
			}
		})
	}
}
