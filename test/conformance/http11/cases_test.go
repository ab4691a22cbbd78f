package http11_test

import (
	"fmt"
	"testing"

	"github.com/shockwave-ingress/shockwave/internal/casefile"
)

// The lines of a case (see casefile) are the conversation:
//
//	> text            bytes that the client sends. Lines that follow one another
//	                  are one send.
//	< text            bytes that the client must get, written likewise. The value
//	                  of Date is @.
//	echo TEXT         the origin's answer: 200, TEXT and a line feed
//	echo-close TEXT   the same with Connection: close, and the connection ends
//	echo-keep TEXT    the same with Connection: keep-alive
//	refused STATUS    the server's own answer with any reason, and the end
//	fin               the client ends its direction
//	eof               the server ends the connection cleanly
//	reset             the server cuts the connection
//	whole             the case is not split: it is about what arrives together
//
// A case that does not say how the connection ends is followed by a probe: one
// more request, which must be answered as if nothing had been before it.
type testCase struct {
	file  string
	line  int
	name  string
	steps []step
	whole bool
	tcp   bool // needs what only TCP has: half-close, reset
	ends  bool
}

type step struct {
	kind kind
	text string
}

type kind int

const (
	send kind = iota
	expect
	refused
	fin
	eof
	reset
)

func readCases(t testing.TB) []testCase {
	t.Helper()
	read, err := casefile.Read("testdata")
	if err != nil {
		t.Fatal(err)
	}
	cases := make([]testCase, len(read))
	for i, r := range read {
		cases[i] = testCase{file: r.File, line: r.Line, name: r.Name}
		for _, line := range r.Lines {
			if err := cases[i].add(line.Word, line.Text); err != nil {
				t.Fatalf("%s:%d: %v", r.File, line.Number, err)
			}
		}
	}
	return cases
}

func (c *testCase) add(word, rest string) error {
	text, err := casefile.Unescape(rest)
	if err != nil {
		return err
	}
	switch word {
	case ">":
		c.push(send, text)
	case "<":
		c.push(expect, text)
	case "echo":
		c.push(expect, answer("", text))
	case "echo-keep":
		c.push(expect, answer("Connection: keep-alive\r\n", text))
	case "echo-close":
		c.push(expect, answer("Connection: close\r\n", text))
		c.push(eof, "")
		c.ends = true
	case "refused":
		c.push(refused, text)
		c.ends = true
	case "fin":
		c.push(fin, "")
		c.tcp = true
	case "eof":
		c.push(eof, "")
		c.ends = true
	case "reset":
		c.push(reset, "")
		c.tcp, c.ends = true, true
	case "whole":
		c.whole = true
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}

// push adds a step, or adds to the last one when both send or both expect.
func (c *testCase) push(k kind, text string) {
	if last := len(c.steps) - 1; last >= 0 && c.steps[last].kind == k && k <= expect {
		c.steps[last].text += text
		return
	}
	c.steps = append(c.steps, step{k, text})
}

func answer(fields, text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nDate: @\r\nContent-Length: %d\r\n%s\r\n%s\n", len(text)+1, fields, text)
}
