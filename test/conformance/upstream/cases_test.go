package upstream_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/casefile"
	"github.com/shockwave-ingress/shockwave/pkg/model"
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
//	dialled N   the proxy must have tried to make N connections
//	unasked     no connection to the upstream must be made
//	closed why  a connection to the upstream must have been closed for this reason
//	                 (upstream.Reason), and no other one
//
// Lines with the same word that follow one another are one. {me} are the fields
// that identify a request, {fwd} those that the proxy makes of them; {get} is a
// request and {got} what becomes of it. Before the conversation these set the scene:
//
//	endpoints N        how many there are
//	refuse N, hang N   the first N connections are refused, or time out
//	maxbody N          the largest body of a request
//	retry conditions   when another endpoint is asked, as in proxy-next-upstream
//	tries N            how often, and "retry-timeout 100ms" for how long
//	buffer request     bodies are collected, with N bytes in memory ("buffer request N")
//	buffer response    responses are read ahead, with N bytes in memory and no file
//	headlimit N        the longest head of a response
//	request-timeout D  how long an exchange may take
//
// A case that does not end with "gone", "unasked", "dialled" or "closed", and has one endpoint, is
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
	catchAll                bool // any host is served
	mixed                   bool // routes have another allocation mode than the listener
	options                 []func(*model.Options)
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
		cases[i] = newCase(t, r)
	}
	return cases
}

func newCase(t testing.TB, r casefile.Case) testCase {
	t.Helper()
	c := testCase{file: r.File, line: r.Line, name: r.Name, scene: scene{endpoints: 1}}
	for _, line := range r.Lines {
		if err := c.add(line.Word, line.Text); err != nil {
			t.Fatalf("%s:%d: %v", r.File, line.Number, err)
		}
	}
	return c
}

func (c *testCase) add(word, rest string) error {
	if known, err := c.scene.set(word, rest); known {
		return err
	}
	switch word {
	case ">", "<", ">>", "<<":
		if last := len(c.steps) - 1; last >= 0 && c.steps[last].word == word {
			c.steps[last].text += rest
			return nil
		}
	case "page", "fin", "quit", "eof", "reset", "accept", "up-fin", "up-close", "up-reset", "gone", "unasked", "dialled", "closed":
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
