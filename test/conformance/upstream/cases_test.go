package upstream_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/casefile"
)

// The lines of a case (see casefile) are the conversation, in order, between a
// client, the proxy, and an upstream that says what the case says:
//
//	> text      bytes that the client sends
//	< text      bytes that the client must get. The value of Date is @.
//	page N      the client must get the proxy's own answer with status N
//	fin         the client ends its direction
//	quit        the client closes its connection
//	eof         the client must see a clean end
//	reset       the client must see its connection cut
//
//	accept      the upstream accepts one more connection, which it uses from now on
//	>> text     bytes that the upstream must get
//	<< text     bytes that the upstream sends
//	up-fin      the upstream ends its direction
//	up-close    the upstream closes its connection
//	up-reset    the upstream resets it
//	gone        the proxy must have closed the connection to the upstream
//	unasked     no connection to the upstream must be made
//
// Lines with the same word that follow one another are one. {me} are the fields
// that identify a request, {fwd} those that the proxy makes of them; {get} is a
// request and {got} what becomes of it. Before the conversation, "endpoints N",
// "refuse N" (the first N connections are refused), "hang N" (they time out) and
// "maxbody N" set the scene.
//
// A case that does not end with "gone" or "unasked", and has one endpoint, is
// followed by a probe: one more request, which must come over the connection that
// was used last.
type testCase struct {
	file  string
	line  int
	name  string
	scene scene
	steps []step
}

type scene struct {
	endpoints, refuse, hang int
	maxBody                 int64
	catchAll                bool // any host is served
	mixed                   bool // routes have another allocation mode than the listener
}

type step struct{ word, text string }

func readCases(t testing.TB) []testCase {
	t.Helper()
	read, err := casefile.Read("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cases := make([]testCase, len(read))
	for i, r := range read {
		cases[i] = testCase{file: r.File, line: r.Line, name: r.Name, scene: scene{endpoints: 1}}
		for _, line := range r.Lines {
			if err := cases[i].add(line.Word, line.Text); err != nil {
				t.Fatalf("%s:%d: %v", r.File, line.Number, err)
			}
		}
	}
	return cases
}

func (c *testCase) add(word, rest string) error {
	switch word {
	case "endpoints", "refuse", "hang", "maxbody":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		switch word {
		case "endpoints":
			c.scene.endpoints = n
		case "refuse":
			c.scene.refuse = n
		case "hang":
			c.scene.hang = n
		case "maxbody":
			c.scene.maxBody = int64(n)
		}
		return nil
	case ">", "<", ">>", "<<":
		if last := len(c.steps) - 1; last >= 0 && c.steps[last].word == word {
			c.steps[last].text += rest
			return nil
		}
	case "page", "fin", "quit", "eof", "reset", "accept", "up-fin", "up-close", "up-reset", "gone", "unasked":
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	c.steps = append(c.steps, step{word, rest})
	return nil
}

// The macros of case files. The port is the proxy's.
func expand(s string, port uint16) (string, error) {
	s = strings.NewReplacer(
		"{get}", `GET /a HTTP/1.1\r\n{me}\r\n`,
		"{got}", `GET /a HTTP/1.1\r\n{fwd}\r\n`,
	).Replace(s)
	s = strings.NewReplacer(
		"{me}", `Host: a\r\nX-Request-ID: r\r\n`,
		"{fwd}", `Host: a\r\n{id}{peer}X-Forwarded-Host: a\r\n{port}`,
	).Replace(s)
	s = strings.NewReplacer(
		"{id}", `X-Request-ID: r\r\n`,
		"{peer}", `X-Real-IP: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\n`,
		"{port}", fmt.Sprintf(`X-Forwarded-Port: %d\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http\r\nCDN-Loop: shockwave\r\n`, port),
	).Replace(s)
	return casefile.Unescape(s)
}
