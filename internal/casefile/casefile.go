// Package casefile reads the files in which tests keep conversations over a
// connection, byte for byte. A file is text:
//
//	# a comment
//	== the name of a case
//	> GET / HTTP/1.1\r\n
//	< HTTP/1.1 200 OK\r\n
//
// Each line after a name is a word and the text that follows it. What the words
// mean is up to the test.
package casefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Case is a name and the lines below it.
type Case struct {
	// File is the base name of the file, and Line the number of the name's line.
	File  string
	Line  int
	Name  string
	Lines []Line
}

// Line is one line of a case.
type Line struct {
	Number     int
	Word, Text string
}

// Read reads all files dir/*.txt. It is an error when there are none.
func Read(dir string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no case files in %s", dir)
	}
	var cases []Case
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		some, err := Parse(filepath.Base(file), data)
		if err != nil {
			return nil, err
		}
		cases = append(cases, some...)
	}
	return cases, nil
}

// Parse reads one file.
func Parse(file string, data []byte) ([]Case, error) {
	var cases []Case
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		word, text, _ := strings.Cut(lines.Text(), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "==":
			cases = append(cases, Case{File: file, Line: n, Name: text})
		case len(cases) == 0:
			return nil, fmt.Errorf("%s:%d: text before the first case", file, n)
		default:
			last := &cases[len(cases)-1]
			last.Lines = append(last.Lines, Line{n, word, text})
		}
	}
	return cases, lines.Err()
}

var repeated = regexp.MustCompile(`\{([^{}]+)\*(\d+)\}`)

// Unescape returns the bytes that a line means: {text*N} is text N times, and \r,
// \n, \t, \\ and \xNN are escapes. A brace stands for itself only as \x7b or \x7d.
func Unescape(s string) (string, error) {
	s = repeated.ReplaceAllStringFunc(s, func(m string) string {
		p := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(p[2])
		return strings.Repeat(p[1], n)
	})
	if i := strings.IndexAny(s, "{}"); i >= 0 {
		return "", fmt.Errorf("nothing is known by the name at %q", s[i:])
	}
	var b strings.Builder
	for {
		plain, rest, more := strings.Cut(s, `\`)
		b.WriteString(plain)
		if !more {
			return b.String(), nil
		}
		c, length, err := escape(rest)
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
		s = rest[length:]
	}
}

// escape reads what follows a backslash and tells how long it is.
func escape(s string) (c byte, length int, err error) {
	if s == "" {
		return 0, 0, errors.New("a backslash ends the line")
	}
	switch s[0] {
	case 'r':
		return '\r', 1, nil
	case 'n':
		return '\n', 1, nil
	case 't':
		return '\t', 1, nil
	case '\\':
		return '\\', 1, nil
	case 'x':
		if len(s) >= 3 {
			if v, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return byte(v), 3, nil
			}
		}
	}
	return 0, 0, fmt.Errorf(`unknown escape at \%s`, s)
}
