package downstream

import (
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/message"
)

// The log line of a request that was refused before it was parsed shows nothing
// of the request that its memory held before, which may be another client's.
func TestRefusedRequestShowsNothingOfTheLastOne(t *testing.T) {
	for _, bad := range []string{"\x16\x03\x01\x02\x00", "GET / HTTP/1.1\n", " / HTTP/1.1\r\n\r\n"} {
		type view struct {
			target, authority string
			fields            int
			received          int64
			refused           bool
		}
		got := make(chan view, 2)
		s := start(t, Config{Handler: funcs{serve: greet, observe: func(ex *message.Exchange) {
			r := &ex.Request
			got <- view{string(r.Target), string(r.Authority), r.Fields.Len(), ex.Trace.Received, ex.Trace.Refusal != ""}
		}}})
		conn := rawconn.Dial(t, s.addr)
		conn.Send("GET /secret HTTP/1.1\r\nHost: victim\r\n\r\n" + bad)
		<-got
		select {
		case v := <-got:
			if want := (view{received: int64(len(bad)), refused: true}); v != want {
				t.Errorf("%q: observed %+v, want %+v", bad, v, want)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%q was not observed", bad)
		}
		conn.Close()
	}
}
