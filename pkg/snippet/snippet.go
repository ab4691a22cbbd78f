// Package snippet reads what users of ingress-nginx wrote as raw nginx
// configuration, and says which annotation or key of the ConfigMap does the same.
//
// Nothing of a snippet is ever executed or translated for serving: it is text in
// which directives are recognised for a person who then writes the setting. What is
// not recognised is listed as such. The size of a text and the number of its
// directives are bounded.
package snippet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of what is read: the author of an Ingress decides how long a snippet is.
const (
	mostBytes      = 64 << 10
	mostDirectives = 256
	mostDepth      = 16
)

// Directive is one directive of a snippet.
type Directive struct {
	// Line is that of the snippet, from 1.
	Line int
	// Name is the first word; a block such as if or location is one as well.
	Name string
	// Args are the words after it, without quotes. Those of if have no
	// parentheses.
	Args []string
	// Block are the directives between braces. It is nil for a directive that
	// ends in a semicolon.
	Block []Directive
	// code tells that the block is a program in another language.
	code bool
}

var (
	errUnclosed = errors.New("a quote or a brace is not closed")
	errBrace    = errors.New("there is a closing brace too many")
	errEnd      = errors.New("the last directive has no semicolon")
	errLong     = fmt.Errorf("want %d bytes and %d directives at most, nested %d deep at most", mostBytes, mostDirectives, mostDepth)
)

// Parse reads a snippet. With an error it returns what was read before.
func Parse(text string) ([]Directive, error) {
	if len(text) > mostBytes {
		return nil, errLong
	}
	p := parser{text: text, line: 1}
	list, err := p.block(0)
	return list, err
}

type parser struct {
	text      string
	at, line  int
	directive int
}

// block reads directives up to a closing brace, or the end at depth 0.
func (p *parser) block(depth int) ([]Directive, error) {
	list := []Directive{}
	if depth > mostDepth {
		return list, errLong
	}
	var words []string
	line := 0
	for {
		word, quoted, err := p.word()
		switch {
		case err != nil:
			return list, err
		case quoted || word != "" && !strings.Contains(";{}", word):
			if len(words) == 0 {
				line = p.line
				if p.directive++; p.directive > mostDirectives {
					return list, errLong
				}
			}
			words = append(words, word)
		case word == ";":
			if len(words) > 0 {
				list = append(list, directive(line, words))
			}
			words = nil
		case word == "{":
			if len(words) == 0 {
				return list, errBrace
			}
			d := directive(line, words)
			words = nil
			if strings.HasSuffix(d.Name, "_by_lua_block") {
				d.code = true
				if err := p.skipCode(); err != nil {
					return list, err
				}
				d.Block = []Directive{}
			} else if d.Block, err = p.block(depth + 1); err != nil {
				return append(list, d), err
			}
			list = append(list, d)
		case word == "}" && len(words) > 0, word == "" && len(words) > 0:
			return list, errEnd
		case word == "}" && depth == 0:
			return list, errBrace
		case word == "}":
			return list, nil
		case depth > 0:
			return list, errUnclosed
		default:
			return list, nil
		}
	}
}

// directive makes one of its words. nginx wants parentheses around the condition
// of an if, which may touch its words.
func directive(line int, words []string) Directive {
	d := Directive{Line: line, Name: words[0], Args: slices.Clone(words[1:])}
	if last := len(d.Args) - 1; d.Name == "if" && last >= 0 {
		d.Args[0] = strings.TrimPrefix(d.Args[0], "(")
		d.Args[last] = strings.TrimSuffix(d.Args[last], ")")
		d.Args = slices.DeleteFunc(d.Args, func(s string) bool { return s == "" })
	}
	return d
}

// word reads the next word, or one of ; { }. It is empty and not quoted at the end.
func (p *parser) word() (word string, quoted bool, err error) {
	p.skipSpace()
	if p.at == len(p.text) {
		return "", false, nil
	}
	if c := p.text[p.at]; strings.IndexByte(";{}", c) >= 0 {
		p.at++
		return string(c), false, nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '\\' && p.at+1 < len(p.text):
			b.WriteString(p.text[p.at : p.at+2])
			p.at += 2
		case (c == '"' || c == '\'') && b.Len() == 0 && !quoted:
			quoted = true
			inner, ok := p.quoted(c)
			if !ok {
				return "", true, errUnclosed
			}
			b.WriteString(inner)
		case c == '$' && strings.HasPrefix(p.text[p.at:], "${"):
			b.WriteString("${")
			p.at += 2
			for p.at < len(p.text) && p.text[p.at] != '}' && p.text[p.at] > ' ' {
				b.WriteByte(p.text[p.at])
				p.at++
			}
			if p.at < len(p.text) && p.text[p.at] == '}' {
				b.WriteByte('}')
				p.at++
			}
		case c <= ' ' || c == ';' || c == '{' || c == '}' && b.Len() > 0:
			return b.String(), quoted, nil
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return b.String(), quoted, nil
}

// quoted reads a text in quotes.
func (p *parser) quoted(quote byte) (string, bool) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == quote:
			p.at++
			return b.String(), true
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == quote || p.text[p.at+1] == '\\'):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			if c == '\n' {
				p.line++
			}
			b.WriteByte(c)
		}
	}
	return "", false
}

func (p *parser) skipSpace() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '\n':
			p.line++
			p.at++
		case c <= ' ':
			p.at++
		case c == '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

// skipCode passes over the code of another language, up to its closing brace.
func (p *parser) skipCode() error {
	for depth := 1; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\n':
			p.line++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				p.at++
				return nil
			}
		}
	}
	return errUnclosed
}
