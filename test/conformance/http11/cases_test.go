package http11_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A case file is text. Each case begins with "== " and its name; the lines after
// it are the conversation:
//
//	> text            bytes that the client sends; \r, \n, \t, \\ and \xNN are
//	                  escapes, {text*N} is text N times. The end of the line is
//	                  not sent. Lines that follow one another are one send.
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
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	var cases []testCase
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		some, err := parseCases(filepath.Base(f), data)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, some...)
	}
	return cases
}

func parseCases(file string, data []byte) ([]testCase, error) {
	var cases []testCase
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		word, rest, _ := strings.Cut(line, " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if word == "==" {
			cases = append(cases, testCase{file: file, line: n, name: rest})
			continue
		}
		if len(cases) == 0 {
			return nil, fmt.Errorf("%s:%d: text before the first case", file, n)
		}
		if err := cases[len(cases)-1].add(word, rest); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	return cases, lines.Err()
}

func (c *testCase) add(word, rest string) error {
	text, err := unescape(rest)
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

var repeated = regexp.MustCompile(`\{([^{}]+)\*(\d+)\}`)

func unescape(s string) (string, error) {
	s = repeated.ReplaceAllStringFunc(s, func(m string) string {
		p := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(p[2])
		return strings.Repeat(p[1], n)
	})
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", fmt.Errorf("lone backslash at the end of %q", s)
		}
		switch s[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '\\':
			b.WriteByte('\\')
		case 'x':
			if i+3 > len(s) {
				return "", fmt.Errorf("short \\x in %q", s)
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", err
			}
			b.WriteByte(byte(v))
			i += 2
		default:
			return "", fmt.Errorf("unknown escape \\%c in %q", s[i], s)
		}
	}
	return b.String(), nil
}
