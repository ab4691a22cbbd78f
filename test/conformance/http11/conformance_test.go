// Package http11_test holds what the engine does on the wire, byte for byte, with
// a reason for each case: a section of RFC 9110 or RFC 9112, or the attack that
// it guards against. The cases are the files in testdata; cases_test.go tells how
// they are written.
package http11_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shockwave-ingress/shockwave/internal/inmemory"
	"github.com/shockwave-ingress/shockwave/internal/inmodes"
	"github.com/shockwave-ingress/shockwave/internal/rawconn"
	"github.com/shockwave-ingress/shockwave/pkg/downstream"
)

func TestMain(m *testing.M) { inmodes.Main(m) }

const (
	probe       = "GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n"
	probeAnswer = "HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: 17\r\n\r\nGET /probe probe\n"
)

func TestCases(t *testing.T) {
	cases := readCases(t)
	if len(cases) < 150 {
		t.Errorf("%d cases, expected at least 150", len(cases))
	}
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("%s:%d: the name %q is used twice", c.file, c.line, c.name)
		}
		names[c.name] = true
	}
	t.Run("each by itself", func(t *testing.T) { runCases(t, cases, downstream.Config{}) })
	t.Run("pipelined in batches", func(t *testing.T) { runCases(t, cases, downstream.Config{BatchPipelined: true}) })
}

func runCases(t *testing.T, cases []testCase, cfg downstream.Config) {
	tcp, err := downstream.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mem := inmemory.NewListener()
	start(t, cfg, tcp, mem)
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s:%d", c.file, c.line), func(t *testing.T) {
			t.Log(c.name)
			c.run(t, func() *rawconn.Conn { return rawconn.Dial(t, tcp.Addr().String()) }, 0)
			if c.tcp || c.whole {
				return
			}
			// Over memory every write arrives by itself.
			for at := range splits(len(c.steps[0].text)) {
				c.run(t, func() *rawconn.Conn { return rawconn.New(t, mem.Dial()) }, at)
				if t.Failed() {
					t.Fatalf("when split at %d", at)
				}
			}
		})
	}
}

// splits gives the positions at which a message of n bytes is cut: all of the
// first 600, then each 97th. -1 stands for every byte by itself.
func splits(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		if n < 1000 && !yield(-1) {
			return
		}
		for i := 1; i < n; i++ {
			if (i < 600 || i%97 == 0) && !yield(i) {
				return
			}
		}
	}
}

// start serves the listeners until the test ends.
func start(t testing.TB, cfg downstream.Config, listeners ...net.Listener) {
	cfg.Handler, cfg.AllocationMode = &origin{}, inmodes.Mode()
	cfg.Logger, cfg.KeepAliveRequests = slog.New(slog.DiscardHandler), -1
	s := downstream.New(cfg)
	var wg sync.WaitGroup
	for _, ln := range listeners {
		wg.Go(func() {
			if err := s.Serve(ln); err != downstream.ErrServerClosed {
				t.Errorf("Serve: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		wg.Wait()
	})
}

// run plays the case on a new connection. The first send is cut at a position,
// or not if that is 0.
func (c *testCase) run(t *testing.T, dial func() *rawconn.Conn, at int) {
	t.Helper()
	conn := dial()
	sent := make(chan struct{})
	close(sent)
	defer func() { conn.Close(); <-sent }()
	later := func(pieces ...string) { // without waiting, but in order
		before, done := sent, make(chan struct{})
		sent = done
		go func() { <-before; conn.Send(pieces...); close(done) }()
	}
	for i, s := range c.steps {
		switch s.kind {
		case send:
			pieces := []string{s.text}
			switch {
			case i == 0 && at > 0:
				pieces = []string{s.text[:at], s.text[at:]}
			case i == 0 && at < 0:
				pieces = strings.Split(s.text, "")
			}
			later(pieces...)
		case expect:
			conn.Expect(s.text)
		case refused:
			expectRefusal(t, conn, s.text)
		case fin:
			<-sent
			conn.CloseWrite()
		case eof:
			conn.ExpectEOF()
		case reset:
			conn.ExpectReset()
		}
	}
	if !c.ends {
		later(probe)
		conn.Expect(probeAnswer)
	}
}

var refusal = regexp.MustCompile("^HTTP/1.1 (\\d+) ([A-Za-z -]+)\r\nDate: @\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"Content-Length: (\\d+)\r\nConnection: close\r\n\r\n([A-Za-z -]+)(: [ -~]+)?\n$")

// expectRefusal expects an answer of the server's own to be all that comes.
func expectRefusal(t *testing.T, conn *rawconn.Conn, status string) {
	t.Helper()
	got, err := conn.Rest()
	if err != nil {
		t.Fatalf("%q, then %v; want a refusal and a clean end", got, err)
	}
	m := refusal.FindStringSubmatch(got)
	if m == nil {
		t.Fatalf("%q is not a refusal", got)
	}
	if _, body, _ := strings.Cut(got, "\r\n\r\n"); m[3] != strconv.Itoa(len(body)) || m[2] != m[4] {
		t.Fatalf("%q contradicts itself", got)
	}
	if m[1] != status {
		t.Fatalf("refused with %s%s, want %s", m[1], m[5], status)
	}
}
