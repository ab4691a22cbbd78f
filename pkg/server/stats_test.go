package server

import (
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/rawconn"
)

// moves has, for each number of Stats, what makes it move.
var moves = map[string]func(t *testing.T, s *serving){
	"Open":     func(t *testing.T, s *serving) { rawconn.Dial(t, s.addr) },
	"Idle":     func(t *testing.T, s *serving) { rawconn.Dial(t, s.addr) },
	"Active":   func(t *testing.T, s *serving) { rawconn.Dial(t, s.addr).Send("GET") },
	"Accepted": func(t *testing.T, s *serving) { rawconn.Dial(t, s.addr) },
	"Rejected": func(t *testing.T, s *serving) {
		for range 4 {
			rawconn.Dial(t, s.addr)
		}
	},
	"Requests": once(get, hello),
	"BytesIn":  once(get, hello),
	"BytesOut": once(get, hello),
	"Malformed": func(t *testing.T, s *serving) {
		once("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")(t, s)
		once("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ")(t, s)
		once("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz", "HTTP/1.1 400 ")(t, s)
		eventually(t, "all three are counted", func() bool { return s.Stats().Malformed == 3 })
	},
	"TimedOut": func(t *testing.T, s *serving) {
		once("GET / HTTP/1.1\r\n", "HTTP/1.1 408 ")(t, s)
		once("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 408 ")(t, s)
		eventually(t, "both are counted", func() bool { return s.Stats().TimedOut == 2 })
	},
	"TooLarge": func(t *testing.T, s *serving) {
		once("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 413 ")(t, s)
		once("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n", "HTTP/1.1 413 ")(t, s)
		once("GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", "HTTP/1.1 431 ")(t, s)
		eventually(t, "all three are counted", func() bool { return s.Stats().TooLarge == 3 })
	},
	"Panics": once("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 500 "),
	"FailedHandshakes": func(t *testing.T, s *serving) { // over TLS, see below
		c := rawconn.Dial(t, s.addr)
		c.Send("\x16\x03\x01\x00\x01\x00")
		_, _ = c.Rest()
	},
	"Aborted": func(t *testing.T, s *serving) {
		c := rawconn.Dial(t, s.addr)
		c.Send("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")
		c.ExpectReset()
	},
	"RequestRate":  once(get, hello),
	"BytesInRate":  once(get, hello),
	"BytesOutRate": once(get, hello),
	"ByMode":       once(get, hello),
}

func once(request, want string) func(*testing.T, *serving) {
	return func(t *testing.T, s *serving) {
		t.Helper()
		c := rawconn.Dial(t, s.addr)
		c.Send(request)
		c.Expect(want)
		c.Close()
	}
}

func TestEveryNumberOfStatsMoves(t *testing.T) {
	fields := reflect.TypeFor[Stats]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		move := moves[name]
		if move == nil {
			t.Errorf("no test for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			cfg.AllocationMode = Arena
			cfg.MaxConcurrentConnections, cfg.MaxRequestBodySize = 3, 5
			cfg.ReadHeaderTimeout, cfg.BodyTimeout, cfg.HandshakeTimeout, cfg.MaxHeaderFields = short, short, short, 3
			cfg.Handler = HandlerFunc(func(w ResponseWriter, r Request) {
				switch r.Path() {
				case "/panic":
					panic("on purpose")
				case "/abort":
					panic(http.ErrAbortHandler)
				case "/read":
					_, _ = io.Copy(io.Discard, r.Body())
					return
				}
				greet(w, r)
			})
			serve := start
			if name == "FailedHandshakes" {
				serve = startTLS
			}
			s := serve(t, cfg)
			number := func() bool { return !reflect.ValueOf(*s.Stats()).Field(i).IsZero() }
			if number() {
				t.Fatalf("%s moves by itself", name)
			}
			move(t, s)
			eventually(t, name+" moves", number)
		})
	}
}

func TestStats(t *testing.T) {
	inAllModes(t, func(t *testing.T, cfg Config) {
		t.Parallel()
		s := start(t, cfg)
		c := rawconn.Dial(t, s.addr)
		for range 10 {
			c.Send(get)
			c.Expect(hello)
		}
		eventually(t, "it is idle", func() bool { return s.Stats().Idle == 1 })
		st := s.Stats()
		length := uint64(len(hello) - len("@") + len("Sun, 06 Nov 1994 08:49:37 GMT"))
		if st.Requests != 10 || st.Open != 1 || st.Active != 0 || st.BytesIn != 10*uint64(len(get)) || st.BytesOut != 10*length {
			t.Errorf("%+v", st)
		}
		var byMode [len(st.ByMode)]uint64
		byMode[cfg.AllocationMode] = 10
		if st.ByMode != byMode {
			t.Errorf("ByMode: %v", st.ByMode)
		}
		if st == s.Stats() {
			t.Error("two calls gave the same Stats")
		}
		eventually(t, "the rates are there", func() bool {
			st := s.Stats()
			return st.RequestRate > 5 && st.RequestRate < 11 && st.BytesInRate > 5*float64(len(get)) && st.BytesOutRate > 5*float64(length)
		})
	})
}
