package pattern

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errStart      = errors.New("want a path that begins with /")
	errLength     = fmt.Errorf("want %d bytes at most", MaxLength)
	errProgram    = errors.New("the regular expression is too large")
	errControl    = errors.New("want no control characters")
	errQuote      = errors.New(`want \" rather than "`)
	errLook       = errors.New("look-around, (?=, (?!, (?<= and (?<!, cannot be matched in bounded time")
	errAtomic     = errors.New("an atomic group, (?>, cannot be matched in bounded time")
	errReference  = errors.New("a back-reference cannot be matched in bounded time")
	errRecursion  = errors.New("recursion and conditions cannot be matched in bounded time")
	errPossessive = errors.New("a quantifier after another one, such as the possessive ++, cannot be matched in bounded time")
	errVerb       = errors.New("a verb, (*, is not supported")
	errReset      = errors.New("a branch reset, (?|, is not supported")
	errComment    = errors.New("a comment, (?#, is not supported")
	errGroup      = errors.New("this kind of group, (?, is not supported")
	errBrace      = errors.New("{, has two meanings: write {0, or \\{,")
)

// errSyntax is what package syntax says, in short.
func errSyntax(err error) error {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case syntax.ErrInvalidRepeatOp:
		return errPossessive
	case syntax.ErrLarge, syntax.ErrNestingDepth, syntax.ErrInvalidRepeatSize:
		return errProgram
	}
	return errors.New(e.Code.String())
}

// unquote takes back what nginx takes back in a quoted word of its configuration, where
// ingress-nginx writes paths (nginx: src/core/ngx_conf_file.c, ngx_conf_read_token): the
// first backslash of \\, \" and \'.
func unquote(path string) (string, error) {
	switch {
	case !strings.HasPrefix(path, "/"):
		return "", errStart
	case len(path) > MaxLength:
		return "", errLength
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c < ' ' || c == 0x7f:
			return "", errControl
		case c == '"':
			return "", errQuote
		case c == '\\' && i+1 < len(path):
			switch path[i+1] {
			case '\\', '"', '\'':
				i++
				c = path[i]
			case 't', 'r', 'n':
				return "", errControl
			default:
				b.WriteByte(c) // what follows stands for itself here
				i++
				if c = path[i]; c < ' ' || c == 0x7f {
					return "", errControl
				}
			}
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// translate returns the expression for package regexp that means the same as the one of
// a path does to PCRE, without a beginning of its own.
func translate(path string) (string, error) {
	text, err := unquote(path)
	if err != nil {
		return "", err
	}
	t := translator{text: text}
	for t.at < len(text) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

type translator struct {
	text string
	at   int
	out  strings.Builder
	// class tells that at is in a class, and opened where that begins.
	class  bool
	opened int
}

// next translates what stands at the position.
func (t *translator) next() error {
	c := t.text[t.at]
	rest := t.text[t.at:]
	switch {
	case c == '\\':
		return t.escape()
	case c >= utf8.RuneSelf:
		t.out.WriteRune(beyond + rune(c))
		t.at++
		return nil
	case t.class:
		return t.inClass(rest)
	case c == '[':
		t.class, t.opened = true, t.at+1
		if strings.HasPrefix(rest, "[^") {
			t.opened++
			t.copy(1)
		}
	case strings.HasPrefix(rest, "(*"):
		return errVerb
	case strings.HasPrefix(rest, "(?"):
		return t.group(rest[2:])
	case strings.HasPrefix(rest, "{,"):
		return errBrace
	}
	t.copy(1)
	return nil
}

// inClass translates a part of a class. A bracket that ends it does not where it stands
// first, in PCRE and in package regexp.
func (t *translator) inClass(rest string) error {
	switch {
	case rest[0] == ']' && t.at > t.opened:
		t.class = false
	case strings.HasPrefix(rest, "[:"):
		if end := strings.Index(rest, ":]"); end > 0 {
			t.copy(end + 2)
			return nil
		}
	}
	t.copy(1)
	return nil
}

func (t *translator) copy(n int) {
	t.out.WriteString(t.text[t.at : t.at+n])
	t.at += n
}

// group lets pass the groups that mean the same: those without a number, with a name,
// and flags. rest follows the question mark.
func (t *translator) group(rest string) error {
	switch {
	case strings.HasPrefix(rest, "="), strings.HasPrefix(rest, "!"), strings.HasPrefix(rest, "<="), strings.HasPrefix(rest, "<!"):
		return errLook
	case strings.HasPrefix(rest, ">"):
		return errAtomic
	case strings.HasPrefix(rest, "|"):
		return errReset
	case strings.HasPrefix(rest, "#"):
		return errComment
	case strings.HasPrefix(rest, "P="):
		return errReference
	case rest == "", strings.IndexByte("(R&+0123456789", rest[0]) >= 0, strings.HasPrefix(rest, "P>"),
		rest[0] == '-' && len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9':
		return errRecursion
	case strings.HasPrefix(rest, "P<"), strings.HasPrefix(rest, "<"):
		t.copy(len("(?"))
		return nil
	}
	flags := strings.TrimLeft(rest, "ims-")
	switch {
	case flags == "", flags[0] != ':' && flags[0] != ')':
		return errGroup
	case flags[0] == ')' && len(flags) > 1 && strings.IndexByte("*+?{", flags[1]) >= 0:
		return errGroup // package syntax takes it for a quantifier of what is before it
	}
	t.copy(len("(?"))
	return nil
}

// escape translates what begins with a backslash.
func (t *translator) escape() error {
	if t.at+1 == len(t.text) {
		return errors.New(`want no \ at the end`)
	}
	c := t.text[t.at+1]
	switch {
	case isPunctuation(c), strings.IndexByte("dDwWsSfa", c) >= 0, !t.class && strings.IndexByte("bBAz", c) >= 0:
		t.copy(2)
	case c == 'Z' && !t.class: // without line feeds it is the same
		t.out.WriteString(`\z`)
		t.at += 2
	case c == 'x':
		return t.hexadecimal()
	case '0' <= c && c <= '9', c == 'k', c == 'g':
		return errReference
	default:
		return fmt.Errorf(`\%s is not supported`, firstOf(t.text[t.at+1:]))
	}
	return nil
}

// firstOf is the first character of s.
func firstOf(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// hexadecimal translates \xHH and \x{HH}.
func (t *translator) hexadecimal() error {
	rest := t.text[t.at+2:]
	digits, size := "", 0
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end > 0 {
			digits, size = rest[1:end], end+1
		}
	} else if len(rest) >= 2 {
		digits, size = rest[:2], 2
	}
	value, err := strconv.ParseUint(digits, 16, 8)
	if err != nil {
		return errors.New(`want two hexadecimal digits after \x`)
	}
	t.at += 2 + size
	if value >= utf8.RuneSelf {
		value += beyond
	}
	fmt.Fprintf(&t.out, `\x{%x}`, value)
	return nil
}

// isPunctuation tells whether c is an ASCII character that a backslash makes literal.
func isPunctuation(c byte) bool {
	return c >= ' ' && c < 0x7f && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
}
